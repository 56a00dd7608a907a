// Statistics of the network's latency, and the file time_Result/test_perform_static.txt.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace infer {

struct Latency {
  std::size_t count = 0;
  double mean_ms = 0.0, median_ms = 0.0, p99_ms = 0.0;
};

// Raises std::invalid_argument when there is no value.
Latency summarize(const std::vector<double>& milliseconds);

// Value below which `fraction` of the sorted values lie, linear between neighbours as in NumPy.
double percentile(const std::vector<double>& sorted, double fraction);

struct RunTimes {
  Latency latency;
  std::size_t images_per_run = 0;
  double seconds = 0.0;  // of reading, running and writing
  std::size_t skipped = 0;
  int warm_up = 0;
};

// First line as the model zoo writes it, then name: value.
std::string time_report(const RunTimes& times);

}  // namespace infer
