// The records below the folder that preprocess.py wrote: records.json and chunk_0000/00_data/NAME.bin.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "contract.h"
#include "files.h"

namespace infer {

struct RecordList {
  std::filesystem::path folder;
  Contract contract;
  std::string text;  // records.json itself
  std::int64_t batches = 0, passes = 0, batches_per_chunk = 0;
};

// One run of the network: a file per input, and the name that its results get.
struct Job {
  std::string stem;
  std::vector<std::filesystem::path> inputs;
};

// Reads FOLDER/records.json. Raises InputError.
RecordList read_record_list(const std::filesystem::path& folder);

// The runs of the chunks that are on disk, in order.
// Raises InputError when there is none, or naming a record that is missing or of another size.
std::vector<Job> find_jobs(const RecordList& records);

// The inputs of a run. Raises InputError.
std::vector<Buffer> read_inputs(const Job& job, const Contract& contract);

}  // namespace infer
