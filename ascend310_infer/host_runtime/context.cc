// Status, Context and devices of the API, as far as they are used.
#include "include/api/context.h"

#include <map>
#include <string>
#include <utility>

#include "include/api/status.h"
#include "model_impl.h"

namespace mindspore {

struct Status::Data {
  enum StatusCode code = kSuccess;
  std::vector<char> message;
};

Status::Status() : data_(std::make_shared<Data>()) {}

Status::Status(enum StatusCode status_code, const std::vector<char> &status_msg)
    : data_(std::make_shared<Data>(Data{status_code, status_msg})) {}

bool Status::operator!=(enum StatusCode other_code) const { return data_->code != other_code; }

std::vector<char> Status::GetErrDescriptionChar() const { return data_->message; }

std::vector<char> Status::ToCString() const { return data_->message; }

struct Context::Data {
  std::vector<std::shared_ptr<DeviceInfoContext>> devices;
  int32_t thread_count = 0;
};

Context::Context() : data_(std::make_shared<Data>()) {}

std::vector<std::shared_ptr<DeviceInfoContext>> &Context::MutableDeviceInfo() { return data_->devices; }

void Context::SetThreadNum(int32_t thread_num) { data_->thread_count = thread_num; }

int32_t Context::GetThreadNum() const { return data_->thread_count; }

struct DeviceInfoContext::Data {
  uint32_t device_id = 0;
  std::vector<char> precision;
};

DeviceInfoContext::DeviceInfoContext() : data_(std::make_shared<Data>()) {}

void GPUDeviceInfo::SetDeviceID(uint32_t device_id) { data_->device_id = device_id; }

uint32_t GPUDeviceInfo::GetDeviceID() const { return data_->device_id; }

void AscendDeviceInfo::SetDeviceID(uint32_t device_id) { data_->device_id = device_id; }

uint32_t AscendDeviceInfo::GetDeviceID() const { return data_->device_id; }

// kept and given back; MindSpore in Python computes in the types of the model file
void AscendDeviceInfo::SetPrecisionMode(const std::vector<char> &precision_mode) { data_->precision = precision_mode; }

std::vector<char> AscendDeviceInfo::GetPrecisionModeChar() const { return data_->precision; }

HostDevice HostDeviceOf(const std::shared_ptr<Context> &context) {
  HostDevice device{"CPU"};
  if (context == nullptr) {
    return device;
  }
  device.threads = context->GetThreadNum();
  if (context->MutableDeviceInfo().empty()) {
    return device;
  }
  const std::shared_ptr<DeviceInfoContext> info = context->MutableDeviceInfo().front();
  if (const auto gpu = info->Cast<GPUDeviceInfo>()) {
    device.name = "GPU";
    device.id = gpu->GetDeviceID();
  } else if (const auto ascend = info->Cast<AscendDeviceInfo>()) {
    device.name = "Ascend";
    device.id = ascend->GetDeviceID();
  }
  return device;
}

}  // namespace mindspore
