#include "check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace check {

namespace {

struct Test {
  std::string sentence;
  std::function<void()> body;
};

std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

int failures = 0;
std::filesystem::path current_folder;

}  // namespace

Registration::Registration(const char* sentence, std::function<void()> body) {
  tests().push_back({sentence, std::move(body)});
}

void report(bool holds, const char* text, const char* file, int line) {
  if (!holds) {
    ++failures;
    std::printf("  %s:%d: does not hold: %s\n", file, line, text);
  }
}

void raises(const std::function<void()>& body, const std::string& part, const char* file, int line) {
  std::string message = "nothing was raised";
  try {
    body();
  } catch (const std::exception& error) {
    message = error.what();
    if (message.find(part) != std::string::npos) {
      return;
    }
  }
  report(false, ("expected '" + part + "': " + message).c_str(), file, line);
}

std::filesystem::path folder() { return current_folder; }

std::filesystem::path write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

static void run(const Test& test) {
  const int before = failures;
  std::string pattern = (std::filesystem::temp_directory_path() / "infer_test_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    std::perror("mkdtemp");
    std::exit(1);
  }
  current_folder = pattern;
  try {
    test.body();
  } catch (const std::exception& error) {
    report(false, error.what(), "uncaught exception", 0);
  }
  std::filesystem::remove_all(current_folder);
  std::printf("%s %s\n", failures == before ? "ok  " : "FAIL", test.sentence.c_str());
}

}  // namespace check

int main() {
  for (const auto& test : check::tests()) {
    check::run(test);
  }
  std::printf("%zu tests, %d failures\n", check::tests().size(), check::failures);
  return check::failures == 0 && !check::tests().empty() ? 0 : 1;
}
