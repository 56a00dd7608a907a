// An .onnx, run by OpenVINO in this process, where it was there at build time.
#include "model_impl.h"

#ifdef WITH_OPENVINO
#include <cstring>
#include <openvino/openvino.hpp>
#include <utility>

namespace mindspore {

namespace {

struct TypeEntry {
  ov::element::Type_t theirs;
  DataType ours;
};

constexpr TypeEntry kTypes[] = {
    {ov::element::Type_t::f32, DataType::kNumberTypeFloat32}, {ov::element::Type_t::f16, DataType::kNumberTypeFloat16},
    {ov::element::Type_t::f64, DataType::kNumberTypeFloat64}, {ov::element::Type_t::i64, DataType::kNumberTypeInt64},
    {ov::element::Type_t::i32, DataType::kNumberTypeInt32},   {ov::element::Type_t::u8, DataType::kNumberTypeUInt8},
    {ov::element::Type_t::boolean, DataType::kNumberTypeBool}};

DataType OurType(const ov::element::Type &type) {
  for (const TypeEntry &entry : kTypes) {
    if (type == entry.theirs) {
      return entry.ours;
    }
  }
  throw std::runtime_error("tensors of " + type.to_string() + " are not supported");
}

ov::element::Type TheirType(DataType type) {
  for (const TypeEntry &entry : kTypes) {
    if (type == entry.ours) {
      return entry.theirs;
    }
  }
  throw std::runtime_error("this type of tensors is not supported");
}

class OpenVinoModel : public ModelImpl {
 public:
  Status Load(const std::string &path, const HostDevice &device) override;
  Status Run(const std::vector<MSTensor> &inputs, std::vector<MSTensor> *outputs) override;

 private:
  ov::Core core_;
  ov::CompiledModel model_;
  ov::InferRequest request_;
};

Status OpenVinoModel::Load(const std::string &path, const HostDevice &device) {
  if (device.name != "CPU") {
    return Status(kMCDeviceError, "the host runtime runs ONNX files on CPU only, not on " + device.name);
  }
  // where the processor has bfloat16 it would be the default, and move scores
  ov::AnyMap settings{ov::hint::inference_precision(ov::element::f32),
                      ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY)};
  if (device.threads > 0) {
    settings.insert(ov::inference_num_threads(device.threads));
  }
  model_ = core_.compile_model(path, "CPU", settings);
  request_ = model_.create_infer_request();
  for (const auto &input : model_.inputs()) {
    std::vector<int64_t> shape;
    for (const ov::Dimension &size : input.get_partial_shape()) {
      shape.push_back(size.is_static() ? size.get_length() : -1);
    }
    inputs_.emplace_back(input.get_any_name(), OurType(input.get_element_type()), shape, nullptr, 0);
  }
  return Status();
}

Status OpenVinoModel::Run(const std::vector<MSTensor> &inputs, std::vector<MSTensor> *outputs) {
  for (size_t k = 0; k < inputs.size(); ++k) {
    MSTensor input = inputs[k];  // shares the data
    const ov::Shape shape(input.Shape().begin(), input.Shape().end());
    request_.set_input_tensor(k, ov::Tensor(TheirType(input.DataType()), shape, input.MutableData()));
  }
  request_.infer();
  outputs->clear();
  for (size_t k = 0; k < model_.outputs().size(); ++k) {
    const ov::Tensor tensor = request_.get_output_tensor(k);
    const ov::Shape sizes = tensor.get_shape();
    const std::vector<int64_t> shape(sizes.begin(), sizes.end());
    outputs->emplace_back("output_" + std::to_string(k), OurType(tensor.get_element_type()), shape, tensor.data(),
                          tensor.get_byte_size());
  }
  return Status();
}

}  // namespace

std::shared_ptr<ModelImpl> MakeOpenVinoModel() { return std::make_shared<OpenVinoModel>(); }

}  // namespace mindspore
#else
namespace mindspore {

std::shared_ptr<ModelImpl> MakeOpenVinoModel() { return nullptr; }

}  // namespace mindspore
#endif
