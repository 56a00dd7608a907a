#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "half.h"
#include "timing.h"

TEST("half precision numbers of every kind become the same float") {
  const std::pair<int, float> cases[] = {{0x0000, 0.0f},        {0x3c00, 1.0f},       {0xc000, -2.0f},
                                         {0x7bff, 65504.0f},    {0x0400, 6.103515625e-05f},
                                         {0x0001, 5.9604644775390625e-08f}, {0x03ff, 6.097555160522461e-05f},
                                         {0x3555, 0.333251953125f}, {0xfc00, -INFINITY}, {0x7c00, INFINITY}};
  for (const auto& [bits, value] : cases) {
    CHECK(infer::half_to_float(static_cast<std::uint16_t>(bits)) == value);
  }
  CHECK(std::signbit(infer::half_to_float(0x8000)) && infer::half_to_float(0x8000) == 0.0f);
  CHECK(std::isnan(infer::half_to_float(0x7e00)) && std::isnan(infer::half_to_float(0xfc01)));
}

TEST("blocks are converted wherever they start") {
  const std::uint16_t halves[] = {0x3c00, 0x4000};
  std::vector<std::byte> source(1 + sizeof halves), target(1 + 2 * sizeof(float));
  std::memcpy(source.data() + 1, halves, sizeof halves);
  infer::halves_to_floats(source.data() + 1, target.data() + 1, 2);
  float values[2];
  std::memcpy(values, target.data() + 1, sizeof values);
  CHECK(values[0] == 1.0f && values[1] == 2.0f);
}

TEST("mean, median and 99th percentile are those of NumPy") {
  std::vector<double> times;
  for (int k = 200; k >= 1; --k) {
    times.push_back(k);
  }
  const infer::Latency latency = infer::summarize(times);
  CHECK(latency.count == 200 && latency.mean_ms == 100.5 && latency.median_ms == 100.5);
  CHECK(std::fabs(latency.p99_ms - 198.01) < 1e-9);
  CHECK(infer::summarize({7.0}).p99_ms == 7.0 && infer::summarize({1.0, 2.0, 9.0}).median_ms == 2.0);
  CHECK_RAISES(infer::summarize({}), "no time was measured");
}

TEST("the report has the model zoo's line and all numbers") {
  const std::string report = infer::time_report({{4, 50.0, 49.0, 60.0}, 8, 0.4, 3, 1});
  CHECK(report.rfind("NN inference cost average time: 50.000 ms of infer_count 4\n", 0) == 0);
  for (const char* line : {"\ncount: 4\n", "\nmean_ms: 50.000\n", "\nmedian_ms: 49.000\n", "\np99_ms: 60.000\n",
                           "\nimages_per_second: 160.000\n", "\nimages_per_second_with_files: 80.000\n",
                           "\nskipped_runs: 3\n", "\nwarm_up_runs: 1\n"}) {
    CHECK(report.find(line) != std::string::npos);
  }
}
