#include "session.h"

#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "errors.h"
#include "half.h"
#include "include/api/context.h"
#include "include/api/types.h"
#ifdef WITH_FULL_PACKAGE
#include "include/api/serialization.h"
#endif

namespace infer {

namespace {

mindspore::DataType library_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return mindspore::DataType::kNumberTypeFloat32;
    case ElementType::float16:
      return mindspore::DataType::kNumberTypeFloat16;
    case ElementType::int64:
      return mindspore::DataType::kNumberTypeInt64;
    case ElementType::int32:
      return mindspore::DataType::kNumberTypeInt32;
    case ElementType::uint8:
      return mindspore::DataType::kNumberTypeUInt8;
    case ElementType::boolean:
      return mindspore::DataType::kNumberTypeBool;
  }
  throw std::logic_error("unknown element type");
}

std::shared_ptr<mindspore::DeviceInfoContext> make_device(const Options& options) {
  if (options.device_type == "CPU") {
    return std::make_shared<mindspore::CPUDeviceInfo>();
  }
  if (options.device_type == "GPU") {
    auto device = std::make_shared<mindspore::GPUDeviceInfo>();
    device->SetDeviceID(options.device_id);
    return device;
  }
  auto device = std::make_shared<mindspore::AscendDeviceInfo>();
  device->SetDeviceID(options.device_id);
  if (!options.precision.empty()) {
    device->SetPrecisionMode(options.precision);
  }
  return device;
}

std::shared_ptr<mindspore::Context> make_context(const Options& options) {
  auto context = std::make_shared<mindspore::Context>();
  if (options.threads > 0) {
    context->SetThreadNum(options.threads);
  }
  context->MutableDeviceInfo().push_back(make_device(options));
  return context;
}

mindspore::ModelType type_of(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".mindir") {
    return mindspore::kMindIR;
  }
  if (extension == ".onnx") {
    return mindspore::kONNX;
  }
  throw InputError(path.string() + ": expected a .mindir or .onnx file");
}

std::string shown(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (const std::int64_t size : shape) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + ")";
}

std::vector<std::int64_t> batch_shape(const Field& field, std::int64_t batch) {
  std::vector<std::int64_t> shape{batch};
  shape.insert(shape.end(), field.shape.begin(), field.shape.end());
  return shape;
}

// Whether a shape of the model takes a shape of records; -1 stands for any size.
bool accepts(const std::vector<std::int64_t>& model, const std::vector<std::int64_t>& records) {
  bool fits = model.size() == records.size();
  for (std::size_t k = 0; fits && k < model.size(); ++k) {
    fits = model[k] == records[k] || model[k] == -1;
  }
  return fits;
}

bool is_dynamic(const std::vector<std::int64_t>& shape) {
  for (const std::int64_t size : shape) {
    if (size == -1) {
      return true;
    }
  }
  return false;
}

}  // namespace

Session::Session(const Options& options, const Contract& contract)
    : path_(options.model), contract_(contract), batch_(options.batch > 0 ? options.batch : contract.batch) {
  if (contract_.batch % batch_ != 0) {
    throw InputError("--batch " + std::to_string(batch_) + ": records of " + std::to_string(contract_.batch) +
                     " samples cannot be run so many at a time");
  }
  load(options);
  check_inputs();
}

void Session::load(const Options& options) {
  const auto context = make_context(options);
  const mindspore::ModelType type = type_of(path_);
#ifdef WITH_FULL_PACKAGE
  // the old full package does not take a file in Build
  mindspore::Graph graph;
  check(mindspore::Serialization::Load(path_.string(), type, &graph), "loaded");
  check(model_.Build(mindspore::GraphCell(graph), context), "built");
#else
  check(model_.Build(path_.string(), type, context), "loaded");
#endif
}

void Session::check_inputs() {
  const std::vector<mindspore::MSTensor> inputs = model_.GetInputs();
  if (inputs.size() != contract_.inputs.size()) {
    refuse("takes " + std::to_string(inputs.size()) + " inputs, the manifest names " +
           std::to_string(contract_.inputs.size()));
  }
  std::vector<std::vector<std::int64_t>> shapes;
  bool must_resize = false;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Field& field = contract_.inputs[k];
    const std::vector<std::int64_t> shape = inputs[k].Shape();
    shapes.push_back(batch_shape(field, batch_));
    if (!accepts(shape, shapes.back())) {
      refuse("takes " + field.name + " of shape " + shown(shape) + ", not " + shown(shapes.back()) +
             (accepts(shape, batch_shape(field, contract_.batch)) ? " (--batch)" : ""));
    }
    if (inputs[k].DataType() != library_type(field.type)) {
      refuse("takes another type of " + field.name + " than " + element_name(field.type));
    }
    must_resize = must_resize || is_dynamic(shape);
    input_names_.push_back(inputs[k].Name());
  }
  if (must_resize) {
    check(model_.Resize(inputs, shapes), "set to a batch of " + std::to_string(batch_));
  }
}

Outputs Session::run(const std::vector<Buffer>& inputs) {
  Outputs outputs;
  for (const Field& field : contract_.outputs) {
    outputs.buffers.emplace_back(field.bytes(contract_.batch));
  }
  for (std::int64_t first = 0; first < contract_.batch; first += batch_) {
    run_part(inputs, first, outputs);
  }
  return outputs;
}

void Session::run_part(const std::vector<Buffer>& inputs, std::int64_t first, Outputs& outputs) {
  std::vector<mindspore::MSTensor> tensors;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Field& field = contract_.inputs[k];
    tensors.emplace_back(input_names_[k], library_type(field.type), batch_shape(field, batch_),
                         inputs[k].data() + field.bytes(first), field.bytes(batch_));
  }
  std::vector<mindspore::MSTensor> results;
  const auto start = std::chrono::steady_clock::now();
  const mindspore::Status status = model_.Predict(tensors, &results);
  outputs.milliseconds +=
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  check(status, "run");
  if (results.size() != outputs.buffers.size()) {
    refuse("gives " + std::to_string(results.size()) + " outputs, the manifest names " +
           std::to_string(outputs.buffers.size()));
  }
  for (std::size_t k = 0; k < results.size(); ++k) {
    take_output(results[k], k, first, outputs.buffers[k]);
  }
}

void Session::take_output(const mindspore::MSTensor& tensor, std::size_t number, std::int64_t first,
                          Buffer& record) const {
  const Field& field = contract_.outputs[number];
  const bool is_half = field.type == ElementType::float32 &&
                       tensor.DataType() == mindspore::DataType::kNumberTypeFloat16;
  const std::size_t size = field.bytes(batch_);
  if (tensor.Shape() != batch_shape(field, batch_)) {
    refuse("gives " + field.name + " of shape " + shown(tensor.Shape()) + ", the manifest says " +
           shown(batch_shape(field, batch_)));
  }
  const std::shared_ptr<const void> data = tensor.Data();
  if ((!is_half && tensor.DataType() != library_type(field.type)) ||
      tensor.DataSize() != (is_half ? size / 2 : size) || data == nullptr) {
    refuse("gives another type or size of " + field.name + " than the manifest says");
  }
  std::byte* target = record.data() + field.bytes(first);
  if (is_half) {
    halves_to_floats(static_cast<const std::byte*>(data.get()), target, size / sizeof(float));
  } else {
    std::memcpy(target, data.get(), size);
  }
}

void Session::check(const mindspore::Status& status, const std::string& action) const {
  if (status != mindspore::kSuccess) {
    const std::string reason = one_line(status.GetErrDescription());
    refuse("cannot be " + action + " (" + (reason.empty() ? one_line(status.ToString()) : reason) + ")");
  }
}

void Session::refuse(const std::string& reason) const { throw InputError(path_.string() + ": " + reason); }

}  // namespace infer
