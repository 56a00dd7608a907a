// MSTensor of the API, as far as it is used.
#include <cstring>
#include <utility>

#include "include/api/types.h"
#include "model_impl.h"

namespace mindspore {

namespace {

struct TypeEntry {
  DataType type;
  const char *name;
  size_t size;
};

constexpr TypeEntry kTypes[] = {
    {DataType::kNumberTypeFloat32, "float32", 4}, {DataType::kNumberTypeFloat16, "float16", 2},
    {DataType::kNumberTypeFloat64, "float64", 8}, {DataType::kNumberTypeInt64, "int64", 8},
    {DataType::kNumberTypeInt32, "int32", 4},     {DataType::kNumberTypeUInt8, "uint8", 1},
    {DataType::kNumberTypeBool, "bool", 1}};

}  // namespace

size_t HostTypeSize(DataType type) {
  for (const TypeEntry &entry : kTypes) {
    if (entry.type == type) {
      return entry.size;
    }
  }
  return 0;
}

std::string HostTypeName(DataType type) {
  for (const TypeEntry &entry : kTypes) {
    if (entry.type == type) {
      return entry.name;
    }
  }
  return "";
}

DataType HostTypeOf(const std::string &name) {
  for (const TypeEntry &entry : kTypes) {
    if (name == entry.name) {
      return entry.type;
    }
  }
  return DataType::kTypeUnknown;
}

size_t HostBytes(const std::vector<int64_t> &shape, DataType type) {
  size_t size = HostTypeSize(type);
  for (const int64_t length : shape) {
    if (length < 0 || __builtin_mul_overflow(size, static_cast<size_t>(length), &size)) {
      return 0;
    }
  }
  return size;
}

class MSTensor::Impl {
 public:
  std::vector<char> name;
  enum DataType type = DataType::kTypeUnknown;
  std::vector<int64_t> shape;
  std::shared_ptr<char> data;
  size_t size = 0;
};

MSTensor::MSTensor() : impl_(std::make_shared<Impl>()) {}

MSTensor::MSTensor(const std::vector<char> &name, enum DataType type, const std::vector<int64_t> &shape,
                   const void *data, size_t data_len)
    : impl_(std::make_shared<Impl>()) {
  impl_->name = name;
  impl_->type = type;
  impl_->shape = shape;
  impl_->size = data_len;
  // not initialised without data: the reader of outputs fills it
  impl_->data = std::shared_ptr<char>(new char[data_len], std::default_delete<char[]>());
  if (data != nullptr) {
    std::memcpy(impl_->data.get(), data, data_len);
  }
}

MSTensor::~MSTensor() = default;

std::vector<char> MSTensor::CharName() const { return impl_->name; }

enum DataType MSTensor::DataType() const { return impl_->type; }

const std::vector<int64_t> &MSTensor::Shape() const { return impl_->shape; }

void MSTensor::SetShape(const std::vector<int64_t> &shape) { impl_->shape = shape; }

std::shared_ptr<const void> MSTensor::Data() const { return impl_->data; }

void *MSTensor::MutableData() { return impl_->data.get(); }

size_t MSTensor::DataSize() const { return impl_->size; }

}  // namespace mindspore
