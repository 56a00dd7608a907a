// A .mindir, run by the installed MindSpore in a Python process: the same numbers as in Python.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "model_impl.h"
#include "worker_process.h"

namespace mindspore {

using nlohmann::json;

namespace {

constexpr size_t kMostTensors = 1000;

std::string Setting(const char *variable, const std::string &otherwise) {
  const char *value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

// worker.py beside the executable, else where the sources were.
std::string DefaultScript() {
  std::error_code error;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "worker.py";
  return !error && std::filesystem::exists(beside, error) ? beside.string() : HOST_WORKER;
}

// One tensor of a message. Raises std::runtime_error, or json::exception for another form.
MSTensor DescribedTensor(const json &entry, bool with_data) {
  const auto shape = entry.at("shape").get<std::vector<int64_t>>();
  const std::string type_name = entry.at("dtype").get<std::string>();
  const DataType type = HostTypeOf(type_name);
  if (type == DataType::kTypeUnknown) {
    throw std::runtime_error("tensors of " + type_name + " are not supported");
  }
  if (!with_data) {
    MSTensor tensor(entry.at("name").get<std::string>(), type, shape, nullptr, 0);
    return tensor;
  }
  const size_t size = HostBytes(shape, type);
  if (entry.at("bytes").get<size_t>() != size) {
    throw std::runtime_error("the worker process described a tensor wrongly");
  }
  return MSTensor(entry.at("name").get<std::string>(), type, shape, nullptr, size);
}

class WorkerModel : public ModelImpl {
 public:
  Status Load(const std::string &path, const HostDevice &device) override;
  Status Run(const std::vector<MSTensor> &inputs, std::vector<MSTensor> *outputs) override;

 private:
  // The answer's list of tensors.
  json Answer(const char *key);

  std::unique_ptr<WorkerProcess> process_;
};

json WorkerModel::Answer(const char *key) {
  const json answer = json::parse(process_->ReceiveText());
  if (answer.contains("error")) {
    throw std::runtime_error(answer.at("error").get<std::string>());
  }
  json tensors = answer.at(key);
  if (!tensors.is_array() || tensors.size() > kMostTensors) {
    throw std::runtime_error("the worker process sent something else than tensors");
  }
  return tensors;
}

Status WorkerModel::Load(const std::string &path, const HostDevice &device) {
  process_ = std::make_unique<WorkerProcess>(Setting("MS_HOST_PYTHON", HOST_PYTHON),
                                             Setting("MS_HOST_WORKER", DefaultScript()));
  const json request{{"command", "load"},         {"path", path},           {"device", device.name},
                     {"device_id", device.id}, {"threads", device.threads}};
  process_->SendText(request.dump());
  for (const json &entry : Answer("inputs")) {
    inputs_.push_back(DescribedTensor(entry, false));
  }
  return Status();
}

Status WorkerModel::Run(const std::vector<MSTensor> &inputs, std::vector<MSTensor> *outputs) {
  json entries = json::array();
  for (const MSTensor &tensor : inputs) {
    entries.push_back(
        {{"shape", tensor.Shape()}, {"dtype", HostTypeName(tensor.DataType())}, {"bytes", tensor.DataSize()}});
  }
  process_->SendText(json{{"command", "run"}, {"inputs", entries}}.dump());
  for (const MSTensor &tensor : inputs) {
    process_->Send(tensor.Data().get(), tensor.DataSize());
  }
  outputs->clear();
  for (const json &entry : Answer("outputs")) {
    outputs->push_back(DescribedTensor(entry, true));
  }
  for (MSTensor &tensor : *outputs) {
    process_->Receive(tensor.MutableData(), tensor.DataSize());
  }
  return Status();
}

}  // namespace

std::shared_ptr<ModelImpl> MakeWorkerModel() { return std::make_shared<WorkerModel>(); }

}  // namespace mindspore
