// What stands behind mindspore::Model here: one class per kind of model file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "include/api/context.h"
#include "include/api/model.h"
#include "include/api/status.h"
#include "include/api/types.h"

namespace mindspore {

// The device that a Context names.
struct HostDevice {
  std::string name;  // as mindspore.set_device takes it: CPU, GPU, Ascend
  uint32_t id = 0;
  int32_t threads = 0;  // 0 = the library's choice
};

// A loaded network. A dynamic size of an input is -1 until Resize.
class ModelImpl {
 public:
  virtual ~ModelImpl() = default;
  virtual Status Load(const std::string &path, const HostDevice &device) = 0;
  virtual Status Run(const std::vector<MSTensor> &inputs, std::vector<MSTensor> *outputs) = 0;

  const std::vector<MSTensor> &inputs() const { return inputs_; }
  // Gives the dynamic sizes their values.
  Status Resize(const std::vector<std::vector<int64_t>> &shapes);

 protected:
  std::vector<MSTensor> inputs_;
};

std::shared_ptr<ModelImpl> MakeWorkerModel();
std::shared_ptr<ModelImpl> MakeOpenVinoModel();

// Bytes of one element, 0 for a type that the host runtime does not carry.
size_t HostTypeSize(DataType type);

// The NumPy name of a type, empty for one that the host runtime does not carry; and back.
std::string HostTypeName(DataType type);
DataType HostTypeOf(const std::string &name);

HostDevice HostDeviceOf(const std::shared_ptr<Context> &context);

// Bytes that a shape takes; 0 when a size is negative or their product is too large.
size_t HostBytes(const std::vector<int64_t> &shape, DataType type);

}  // namespace mindspore
