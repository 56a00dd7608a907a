#include "errors.h"

#include <system_error>

namespace infer {

std::string one_line(const std::string& text) {
  std::string line;
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (code > ' ' && code != 0x7f) {
      line += letter;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  return line;
}

std::string system_reason(int error_number) { return std::generic_category().message(error_number); }

}  // namespace infer
