// Mistakes of the user or of a file, as one line.
#pragma once

#include <stdexcept>
#include <string>

namespace infer {

// Ends the program with one line on stderr and status 2.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Text with runs of white space and control characters made one space, for a message of one line.
std::string one_line(const std::string& text);

// Reason of the last failed system call.
std::string system_reason(int error_number);

}  // namespace infer
