// Model of the API: the kind of the file chooses who runs it.
#include "include/api/model.h"

#include <exception>

#include "model_impl.h"

namespace mindspore {

namespace {

Status Failure(enum StatusCode code, const std::string &reason) { return Status(code, reason); }

}  // namespace

Status ModelImpl::Resize(const std::vector<std::vector<int64_t>> &shapes) {
  if (shapes.size() != inputs_.size()) {
    return Failure(kMCInvalidInput, "Resize: another number of shapes than of inputs");
  }
  for (size_t k = 0; k < shapes.size(); ++k) {
    const std::vector<int64_t> &shape = inputs_[k].Shape();
    bool fits = shape.size() == shapes[k].size();
    for (size_t axis = 0; fits && axis < shape.size(); ++axis) {
      fits = shape[axis] == -1 || shape[axis] == shapes[k][axis];
    }
    if (!fits || HostBytes(shapes[k], inputs_[k].DataType()) == 0) {
      return Failure(kMCInvalidInput, "Resize: input " + std::to_string(k) + " has fixed sizes");
    }
  }
  for (size_t k = 0; k < shapes.size(); ++k) {
    inputs_[k].SetShape(shapes[k]);
  }
  return Status();
}

Model::Model() = default;

Model::~Model() = default;

Status Model::Build(const std::vector<char> &model_path, ModelType model_type,
                    const std::shared_ptr<Context> &model_context) {
  try {
    const std::shared_ptr<ModelImpl> impl = model_type == kMindIR  ? MakeWorkerModel()
                                            : model_type == kONNX ? MakeOpenVinoModel()
                                                                  : nullptr;
    if (impl == nullptr) {
      return Failure(kMCInvalidArgs, model_type == kONNX
                                         ? "this build runs no ONNX files: install the Python package openvino and "
                                           "build again"
                                         : "the host runtime runs .mindir and .onnx files");
    }
    const Status status = impl->Load(CharToString(model_path), HostDeviceOf(model_context));
    if (status != kSuccess) {
      return status;
    }
    impl_ = impl;
    return Status();
  } catch (const std::exception &error) {
    return Failure(kMCFailed, error.what());
  }
}

std::vector<MSTensor> Model::GetInputs() { return impl_ == nullptr ? std::vector<MSTensor>() : impl_->inputs(); }

Status Model::Resize(const std::vector<MSTensor> &inputs, const std::vector<std::vector<int64_t>> &dims) {
  if (impl_ == nullptr || inputs.size() != dims.size()) {
    return Failure(kMCInvalidInput, "Resize: no model was built, or a shape is missing");
  }
  return impl_->Resize(dims);
}

Status Model::Predict(const std::vector<MSTensor> &inputs, std::vector<MSTensor> *outputs,
                      const MSKernelCallBack &before, const MSKernelCallBack &after) {
  if (before != nullptr || after != nullptr) {
    return Failure(kMCInvalidArgs, "Predict: the host runtime calls nothing back");
  }
  if (impl_ == nullptr || outputs == nullptr || inputs.size() != impl_->inputs().size()) {
    return Failure(kMCInvalidInput, "Predict: no model was built, or an input is missing");
  }
  for (size_t k = 0; k < inputs.size(); ++k) {
    const MSTensor &expected = impl_->inputs()[k];
    if (inputs[k].Shape() != expected.Shape() || inputs[k].DataType() != expected.DataType() ||
        inputs[k].DataSize() != HostBytes(expected.Shape(), expected.DataType())) {
      return Failure(kMCInvalidInput, "Predict: input " + std::to_string(k) + " has another shape, type or size");
    }
  }
  try {
    return impl_->Run(inputs, outputs);
  } catch (const std::exception &error) {
    return Failure(kMCFailed, error.what());
  }
}

}  // namespace mindspore
