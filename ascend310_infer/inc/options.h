// The command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace infer {

struct Options {
  std::filesystem::path model;
  std::filesystem::path manifest;  // empty: FILE.json beside FILE.mindir, and of that very file
  std::filesystem::path records = "./preprocess_Result";
  std::filesystem::path output = "./result_Files";
  std::filesystem::path times;  // empty: time_Result beside the output folder
  std::string device_type = "Ascend310";
  std::string precision;  // Ascend only, empty: the library's choice
  std::uint32_t device_id = 0;
  int warm_up = 1;
  std::int64_t batch = 0;  // 0: the manifest's
  int threads = 0;         // 0: the library's choice
  bool wants_help = false;
};

std::string usage();

// Reads "--name value" and "--name=value". Raises InputError naming the option.
Options parse_options(const std::vector<std::string>& arguments);

}  // namespace infer
