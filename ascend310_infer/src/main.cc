// Runs an exported network over the records of preprocess.py.
//
// Status: 0 done, 2 a mistake or a failure of a file or of the model, in one line on stderr.

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "application.h"
#include "errors.h"
#include "options.h"

namespace {

constexpr int kMistake = 2;

int fail(const std::string& message) {
  std::fprintf(stderr, "main: error: %s\n", infer::one_line(message).c_str());
  return kMistake;
}

}  // namespace

int main(int count, char** arguments) {
  // a file above the limit of the shell (ulimit -f) is an error of write(2) like a full disk
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const infer::Options options = infer::parse_options(std::vector<std::string>(arguments + 1, arguments + count));
    if (options.wants_help) {
      std::printf("%s", infer::usage().c_str());
      return 0;
    }
    infer::run_application(options);
    return 0;
  } catch (const std::bad_alloc&) {
    return fail("not enough memory for the records or the model");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
