// Tensors and the kinds of model files, as far as the application uses them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#ifndef MS_API
#define MS_API
#endif

namespace mindspore {

// numbers are those of MindSpore's files
enum class DataType : int {
  kTypeUnknown = 0,
  kNumberTypeBool = 30,
  kNumberTypeInt32 = 34,
  kNumberTypeInt64 = 35,
  kNumberTypeUInt8 = 37,
  kNumberTypeFloat16 = 42,
  kNumberTypeFloat32 = 43,
  kNumberTypeFloat64 = 44,
};

enum ModelType : uint32_t { kMindIR = 0, kAIR = 1, kOM = 2, kONNX = 3, kMindIR_Lite = 4, kUnknownType = 0xFFFFFFFF };

// Strings cross the border of a library as characters, whose layout does not depend on the compiler's ABI.
inline std::vector<char> StringToChar(const std::string &text) { return {text.begin(), text.end()}; }
inline std::string CharToString(const std::vector<char> &text) { return {text.begin(), text.end()}; }

class MS_API MSTensor {
 public:
  class Impl;
  MSTensor();
  MSTensor(const std::string &name, DataType type, const std::vector<int64_t> &shape, const void *data,
           size_t data_len)
      : MSTensor(StringToChar(name), type, shape, data, data_len) {}
  ~MSTensor();

  std::string Name() const { return CharToString(CharName()); }
  enum DataType DataType() const;
  const std::vector<int64_t> &Shape() const;
  void SetShape(const std::vector<int64_t> &shape);
  std::shared_ptr<const void> Data() const;
  void *MutableData();
  size_t DataSize() const;

 private:
  MSTensor(const std::vector<char> &name, enum DataType type, const std::vector<int64_t> &shape, const void *data,
           size_t data_len);
  std::vector<char> CharName() const;

  std::shared_ptr<Impl> impl_;
};

struct MSCallBackParam {
  std::string node_name;
  std::string node_type;
  double execute_time;
};

using MSKernelCallBack = std::function<bool(const std::vector<MSTensor> &, const std::vector<MSTensor> &,
                                            const MSCallBackParam &)>;

}  // namespace mindspore
