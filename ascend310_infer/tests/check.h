// Tests without a framework: TEST("sentence") { CHECK(...); }.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace check {

struct Registration {
  Registration(const char* sentence, std::function<void()> body);
};

// Notes a failure of the running test.
void report(bool holds, const char* text, const char* file, int line);

// Notes a failure unless `body` raises an exception whose message contains `part`.
void raises(const std::function<void()>& body, const std::string& part, const char* file, int line);

// An empty folder of the running test, removed after it.
std::filesystem::path folder();

// A file of this text in that folder.
std::filesystem::path write(const std::filesystem::path& path, const std::string& text);

// The text of a file.
std::string read(const std::filesystem::path& path);

}  // namespace check

#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)
#define TEST(sentence)                                                                            \
  static void CHECK_JOIN(test_, __LINE__)();                                                      \
  static const check::Registration CHECK_JOIN(registration_, __LINE__)(sentence,                  \
                                                                       CHECK_JOIN(test_, __LINE__)); \
  static void CHECK_JOIN(test_, __LINE__)()
#define CHECK(condition) check::report((condition), #condition, __FILE__, __LINE__)
#define CHECK_RAISES(expression, part) \
  check::raises([&] { static_cast<void>(expression); }, part, __FILE__, __LINE__)
