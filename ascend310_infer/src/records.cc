#include "records.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "errors.h"

namespace infer {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestList = 16u << 20;
constexpr std::int64_t kFormat = 1;

std::string padded(std::int64_t number, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*lld", digits, static_cast<long long>(number));
  return text;
}

std::string record_stem(const Contract& contract, std::int64_t batch, std::int64_t pass) {
  return contract.model + "_bs" + std::to_string(contract.batch) + "_" + padded(batch, 6) +
         (pass > 0 ? "_p" + std::to_string(pass) : "");
}

std::string chunk_name(std::int64_t number) { return "chunk_" + padded(number, 4); }

// The number in a name chunk_0012, -1 for other names, such as chunk_00012.
std::int64_t chunk_number(const std::string& name) {
  const std::string prefix = "chunk_";
  const std::string digits = name.size() > prefix.size() ? name.substr(prefix.size()) : "";
  const bool has_number = digits.size() >= 4 && digits.size() <= 15 &&
                          std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::int64_t number = has_number ? std::stoll(digits) : -1;
  return number >= 0 && name == chunk_name(number) ? number : -1;
}

// Numbers of the chunk folders that belong to the list, in order.
std::vector<std::int64_t> chunks_on_disk(const RecordList& records) {
  const std::int64_t last = (records.batches - 1) / records.batches_per_chunk;
  std::vector<std::int64_t> numbers;
  std::error_code error;
  for (fs::directory_iterator entry(records.folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::int64_t number = chunk_number(entry->path().filename().string());
    if (number >= 0 && number <= last && entry->is_directory(error)) {
      numbers.push_back(number);
    }
  }
  if (error) {
    throw InputError(records.folder.string() + ": cannot be read (" + error.message() + ")");
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Job find_job(const RecordList& records, const fs::path& chunk, std::int64_t batch, std::int64_t pass) {
  const Contract& contract = records.contract;
  Job job{record_stem(contract, batch, pass), {}};
  for (std::size_t k = 0; k < contract.inputs.size(); ++k) {
    const fs::path path = chunk / (padded(static_cast<std::int64_t>(k), 2) + "_data") / (job.stem + ".bin");
    const std::size_t size = size_of_file(path, ", write the records again");
    const std::size_t expected = contract.inputs[k].bytes(contract.batch);
    if (size != expected) {
      throw InputError(path.string() + ": " + std::to_string(size) + " bytes, expected " + std::to_string(expected) +
                       " for a batch of " + std::to_string(contract.batch) + " of " + contract.inputs[k].name);
    }
    job.inputs.push_back(path);
  }
  return job;
}

}  // namespace

RecordList read_record_list(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw InputError(folder.string() + ": no such folder, run preprocess.py first");
  }
  const fs::path path = folder / "records.json";
  RecordList records;
  records.folder = folder;
  records.text = read_text(path, kLargestList);
  const nlohmann::json content = parse_json_object(records.text, path);
  try {
    if (whole_number(content, "format", 0) != kFormat) {
      throw std::invalid_argument("format: this program reads " + std::to_string(kFormat));
    }
    records.contract = parse_contract(content);
    const std::int64_t count = whole_number(content, "count", 1);
    records.batches = whole_number(content, "batches", 1);
    records.passes = whole_number(content, "passes", 1);
    records.batches_per_chunk = whole_number(content, "batches_per_chunk", 1);
    if (records.batches != (count - 1) / records.contract.batch + 1) {
      throw std::invalid_argument("batches: " + std::to_string(records.batches) + " of " +
                                  std::to_string(records.contract.batch) + " do not hold " + std::to_string(count));
    }
  } catch (const std::invalid_argument& error) {
    throw InputError(path.string() + ": not a record list (" + error.what() + ")");
  }
  return records;
}

std::vector<Job> find_jobs(const RecordList& records) {
  std::vector<Job> jobs;
  for (const std::int64_t number : chunks_on_disk(records)) {
    const fs::path chunk = records.folder / chunk_name(number);
    const std::int64_t first = number * records.batches_per_chunk;
    const std::int64_t count = std::min(records.batches_per_chunk, records.batches - first);
    for (std::int64_t batch = first; batch < first + count; ++batch) {
      for (std::int64_t pass = 0; pass < records.passes; ++pass) {
        jobs.push_back(find_job(records, chunk, batch, pass));
      }
    }
  }
  if (jobs.empty()) {
    throw InputError(records.folder.string() + ": no chunk of records is there, run preprocess.py first");
  }
  return jobs;
}

std::vector<Buffer> read_inputs(const Job& job, const Contract& contract) {
  std::vector<Buffer> inputs;
  for (std::size_t k = 0; k < job.inputs.size(); ++k) {
    inputs.push_back(read_exactly(job.inputs[k], contract.inputs[k].bytes(contract.batch)));
  }
  return inputs;
}

}  // namespace infer
