// Where a model runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "include/api/types.h"

namespace mindspore {

enum DeviceType { kCPU = 0, kGPU = 1, kAscend = 3 };

class DeviceInfoContext;

class MS_API Context {
 public:
  struct Data;
  Context();
  void SetThreadNum(int32_t thread_num);
  int32_t GetThreadNum() const;
  std::vector<std::shared_ptr<DeviceInfoContext>> &MutableDeviceInfo();

 private:
  std::shared_ptr<Data> data_;
};

class MS_API DeviceInfoContext : public std::enable_shared_from_this<DeviceInfoContext> {
 public:
  struct Data;
  DeviceInfoContext();
  virtual ~DeviceInfoContext() = default;
  virtual enum DeviceType GetDeviceType() const = 0;

  // This device as a T, null when it is another one.
  template <class T>
  std::shared_ptr<T> Cast() {
    static_assert(std::is_base_of<DeviceInfoContext, T>::value, "T is not a device");
    return GetDeviceType() == T().GetDeviceType() ? std::static_pointer_cast<T>(shared_from_this()) : nullptr;
  }

 protected:
  std::shared_ptr<Data> data_;
};

class MS_API CPUDeviceInfo : public DeviceInfoContext {
 public:
  enum DeviceType GetDeviceType() const override { return DeviceType::kCPU; }
};

class MS_API GPUDeviceInfo : public DeviceInfoContext {
 public:
  enum DeviceType GetDeviceType() const override { return DeviceType::kGPU; }
  void SetDeviceID(uint32_t device_id);
  uint32_t GetDeviceID() const;
};

class MS_API AscendDeviceInfo : public DeviceInfoContext {
 public:
  enum DeviceType GetDeviceType() const override { return DeviceType::kAscend; }
  void SetDeviceID(uint32_t device_id);
  uint32_t GetDeviceID() const;
  void SetPrecisionMode(const std::string &precision_mode) { SetPrecisionMode(StringToChar(precision_mode)); }
  std::string GetPrecisionMode() const { return CharToString(GetPrecisionModeChar()); }

 private:
  void SetPrecisionMode(const std::vector<char> &precision_mode);
  std::vector<char> GetPrecisionModeChar() const;
};

}  // namespace mindspore
