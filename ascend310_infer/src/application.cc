#include "application.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "contract.h"
#include "errors.h"
#include "pipeline.h"
#include "records.h"
#include "results.h"
#include "session.h"
#include "sha256.h"
#include "timing.h"

namespace infer {

namespace {

std::filesystem::path manifest_of(const Options& options) {
  return options.manifest.empty() ? std::filesystem::path(options.model).replace_extension(".json")
                                  : options.manifest;
}

// The hash of the model. A manifest that was named may be that of the file the model was converted from.
std::string check_model(const Options& options, const Manifest& manifest) {
  const std::string hash = hash_file(options.model);
  if (options.manifest.empty() && hash != manifest.sha256) {
    throw InputError(options.model.string() + ": is not the file that " + manifest_of(options).filename().string() +
                     " describes, export or copy it again");
  }
  return hash;
}

void check_records(const Options& options, const Contract& contract, const RecordList& records) {
  const std::string part = difference(contract, records.contract);
  if (!part.empty()) {
    throw InputError(options.records.string() + ": the records were made for another model or configuration than " +
                     manifest_of(options).string() + " describes (" + part + ")");
  }
}

// What results depend on besides the records' contents.
std::string identity_of(const Options& options, const std::string& model_hash, const RecordList& records) {
  return "model " + model_hash + "\nrecords " + hash_text(records.text) + "\ndevice " + options.device_type +
         "\nprecision " + options.precision + "\nbatch " + std::to_string(options.batch) + "\n";
}

void write_times(const Options& options, const std::string& report) {
  make_folder(options.times);
  write_atomically(options.times / "test_perform_static.txt", report.data(), report.size());
}

}  // namespace

void run_application(const Options& options) {
  size_of_file(options.model);
  const Manifest manifest = read_manifest(manifest_of(options));
  const Contract& contract = manifest.contract;
  const RecordList records = read_record_list(options.records);
  check_records(options, contract, records);
  const std::string hash = check_model(options, manifest);
  std::vector<Job> jobs = find_jobs(records);
  const std::size_t total = jobs.size();

  const ResultFolder results(options.output, contract, identity_of(options, hash, records));
  jobs.erase(std::remove_if(jobs.begin(), jobs.end(), [&](const Job& job) { return results.has(job); }), jobs.end());
  const std::size_t skipped = total - jobs.size();
  std::printf("%s: %zu runs of %lld images, %zu have their results in %s\n", contract.model.c_str(), total,
              static_cast<long long>(contract.batch), skipped, options.output.c_str());
  std::fflush(stdout);
  if (jobs.empty()) {
    return;
  }
  results.check_space(jobs.size());

  Session session(options, contract);
  const Stages stages{
      [&](const Job& job) { return read_inputs(job, contract); },
      [&](const std::vector<Buffer>& inputs) { return session.run(inputs); },
      [&](const std::string& stem, const std::vector<Buffer>& outputs) { results.write(stem, outputs); }};
  const PipelineTimes times = run_pipeline(jobs, stages, options.warm_up);
  const std::string report =
      time_report({summarize(times.milliseconds), static_cast<std::size_t>(contract.batch), times.seconds, skipped,
                   options.warm_up});
  write_times(options, report);
  std::printf("%s", report.c_str());
}

}  // namespace infer
