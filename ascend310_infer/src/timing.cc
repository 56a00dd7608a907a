#include "timing.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <stdexcept>

namespace infer {

double percentile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

Latency summarize(const std::vector<double>& milliseconds) {
  if (milliseconds.empty()) {
    throw std::invalid_argument("no time was measured");
  }
  std::vector<double> sorted = milliseconds;
  std::sort(sorted.begin(), sorted.end());
  const double sum = std::accumulate(sorted.begin(), sorted.end(), 0.0);
  return {sorted.size(), sum / static_cast<double>(sorted.size()), percentile(sorted, 0.5), percentile(sorted, 0.99)};
}

std::string time_report(const RunTimes& times) {
  const Latency& latency = times.latency;
  const auto images = static_cast<double>(latency.count * times.images_per_run);
  const double network_seconds = latency.mean_ms * static_cast<double>(latency.count) / 1000.0;
  char text[1024];
  std::snprintf(text, sizeof text,
                "NN inference cost average time: %.3f ms of infer_count %zu\n"
                "count: %zu\nmean_ms: %.3f\nmedian_ms: %.3f\np99_ms: %.3f\n"
                "images_per_second: %.3f\n"
                "images_per_second_with_files: %.3f\n"
                "images_per_run: %zu\nwarm_up_runs: %d\nskipped_runs: %zu\n",
                latency.mean_ms, latency.count, latency.count, latency.mean_ms, latency.median_ms, latency.p99_ms,
                images / network_seconds, images / times.seconds, times.images_per_run, times.warm_up, times.skipped);
  return text;
}

}  // namespace infer
