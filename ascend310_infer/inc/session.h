// The network, behind MindSpore's C++ inference API.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "contract.h"
#include "files.h"
#include "include/api/model.h"
#include "options.h"
#include "pipeline.h"

namespace infer {

class Session {
 public:
  // Loads the model and compares its inputs with the contract. Raises InputError.
  Session(const Options& options, const Contract& contract);

  // Runs one record of each input, `batch` samples at a time.
  // Raises InputError when the library fails or the outputs are not those of the contract.
  Outputs run(const std::vector<Buffer>& inputs);

 private:
  void load(const Options& options);
  void check_inputs();
  void run_part(const std::vector<Buffer>& inputs, std::int64_t first, Outputs& outputs);
  void take_output(const mindspore::MSTensor& tensor, std::size_t number, std::int64_t first, Buffer& record) const;
  void check(const mindspore::Status& status, const std::string& action) const;
  [[noreturn]] void refuse(const std::string& reason) const;

  std::filesystem::path path_;
  Contract contract_;
  std::int64_t batch_;
  mindspore::Model model_;
  std::vector<std::string> input_names_;
};

}  // namespace infer
