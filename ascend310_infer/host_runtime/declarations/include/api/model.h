// A network from a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "include/api/context.h"
#include "include/api/status.h"
#include "include/api/types.h"

namespace mindspore {

class ModelImpl;

class MS_API Model {
 public:
  Model();
  ~Model();

  Status Build(const std::string &model_path, ModelType model_type,
               const std::shared_ptr<Context> &model_context = nullptr) {
    return Build(StringToChar(model_path), model_type, model_context);
  }
  std::vector<MSTensor> GetInputs();
  Status Resize(const std::vector<MSTensor> &inputs, const std::vector<std::vector<int64_t>> &dims);
  Status Predict(const std::vector<MSTensor> &inputs, std::vector<MSTensor> *outputs,
                 const MSKernelCallBack &before = nullptr, const MSKernelCallBack &after = nullptr);

 private:
  Status Build(const std::vector<char> &model_path, ModelType model_type,
               const std::shared_ptr<Context> &model_context);

  std::shared_ptr<ModelImpl> impl_;
};

}  // namespace mindspore
