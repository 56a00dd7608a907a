// Reads, runs and writes at the same time, each in a thread of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "files.h"
#include "records.h"

namespace infer {

struct Outputs {
  std::vector<Buffer> buffers;
  double milliseconds = 0.0;  // of the network alone
};

// The three stages. Each may throw; the first exception ends the others and is passed on.
struct Stages {
  std::function<std::vector<Buffer>(const Job&)> read;
  std::function<Outputs(const std::vector<Buffer>&)> run;
  std::function<void(const std::string& stem, const std::vector<Buffer>&)> write;
};

struct PipelineTimes {
  std::vector<double> milliseconds;  // of the network, by run
  double seconds = 0.0;              // from the first read to the last write, without the warm-up
};

// Runs all jobs; the network runs `warm_up` times more on the first inputs before anything is timed.
PipelineTimes run_pipeline(const std::vector<Job>& jobs, const Stages& stages, int warm_up);

}  // namespace infer
