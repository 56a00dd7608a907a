// The folder of result records NAME_<output number>.bin, which a second run continues.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "contract.h"
#include "files.h"
#include "records.h"

namespace infer {

// Convention: a result counts as there when it has its size, is not older than the inputs it was made
// from and is younger than run.txt, which is written anew when model, records or options differ from
// those of the run before.
class ResultFolder {
 public:
  // Makes the folder and claims it for this process. `identity` is what the results depend on besides
  // the records' contents. Raises InputError.
  ResultFolder(const std::filesystem::path& folder, const Contract& contract, const std::string& identity);

  bool has(const Job& job) const;

  // Raises InputError when the disk has less space than the results of `count` runs need.
  void check_space(std::size_t count) const;

  // Writes the results of one run. Raises InputError.
  void write(const std::string& stem, const std::vector<Buffer>& outputs) const;

 private:
  std::filesystem::path path_of(const std::string& stem, std::size_t output) const;

  std::filesystem::path folder_;
  Contract contract_;
  Descriptor lock_;
  std::filesystem::file_time_type started_;
};

}  // namespace infer
