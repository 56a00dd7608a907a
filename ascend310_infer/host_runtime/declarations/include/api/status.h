// What a call came to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "include/api/types.h"

namespace mindspore {

enum StatusCode : uint32_t {
  kSuccess = 0,
  kMCFailed = 0x30000001,
  kMCDeviceError = 0x30000002,
  kMCInvalidInput = 0x30000003,
  kMCInvalidArgs = 0x30000004,
};

class MS_API Status {
 public:
  Status();
  Status(enum StatusCode status_code, const std::string &status_msg = "")
      : Status(status_code, StringToChar(status_msg)) {}

  std::string ToString() const { return CharToString(ToCString()); }
  std::string GetErrDescription() const { return CharToString(GetErrDescriptionChar()); }
  bool operator!=(enum StatusCode other_code) const;

 private:
  Status(enum StatusCode status_code, const std::vector<char> &status_msg);
  std::vector<char> ToCString() const;
  std::vector<char> GetErrDescriptionChar() const;

  struct Data;
  std::shared_ptr<Data> data_;
};

}  // namespace mindspore
