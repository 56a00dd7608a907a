#include "pipeline.h"

#include <chrono>
#include <cstdio>
#include <exception>
#include <thread>
#include <utility>

#include "bounded_queue.h"

namespace infer {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kQueueLength = 3;  // batches that wait on either side of the network
constexpr auto kReportInterval = std::chrono::seconds(10);

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A thread that is joined with its owner and keeps what it threw.
class Worker {
 public:
  template <class Function>
  explicit Worker(Function function)
      : thread_([this, function] {
          try {
            function();
          } catch (...) {
            error_ = std::current_exception();
          }
        }) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  // Waits for the end and throws what the thread threw.
  void finish() {
    thread_.join();
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  std::exception_ptr error_;
  std::thread thread_;
};

// Closes a queue when its end of the pipeline is left, by whatever way.
template <class Queue>
class Closing {
 public:
  explicit Closing(Queue& queue) : queue_(queue) {}
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  ~Closing() { queue_.close(); }

 private:
  Queue& queue_;
};

struct InputItem {
  std::string stem;
  std::vector<Buffer> inputs;
};

struct OutputItem {
  std::string stem;
  std::vector<Buffer> outputs;
};

}  // namespace

PipelineTimes run_pipeline(const std::vector<Job>& jobs, const Stages& stages, int warm_up) {
  BoundedQueue<InputItem> inputs(kQueueLength);
  BoundedQueue<OutputItem> outputs(kQueueLength);
  PipelineTimes times;
  Worker reader([&] {
    const Closing closing(inputs);
    for (const Job& job : jobs) {
      if (!inputs.push({job.stem, stages.read(job)})) {
        break;
      }
    }
  });
  Worker writer([&] {
    const Closing closing(outputs);
    while (const auto item = outputs.pop()) {
      stages.write(item->stem, item->outputs);
    }
  });
  auto start = Clock::now();
  {
    // closed before the threads are joined, also when the network throws
    const Closing closing_inputs(inputs);
    const Closing closing_outputs(outputs);
    auto reported = start;
    while (auto item = inputs.pop()) {
      if (times.milliseconds.empty() && warm_up > 0) {
        const auto before = Clock::now();
        for (int k = 0; k < warm_up; ++k) {
          stages.run(item->inputs);
        }
        start += Clock::now() - before;
      }
      Outputs result = stages.run(item->inputs);
      times.milliseconds.push_back(result.milliseconds);
      if (!outputs.push({item->stem, std::move(result.buffers)})) {
        break;
      }
      if (Clock::now() - reported > kReportInterval) {
        reported = Clock::now();
        std::printf("%zu of %zu runs\n", times.milliseconds.size(), jobs.size());
        std::fflush(stdout);
      }
    }
  }
  writer.finish();
  reader.finish();
  times.seconds = seconds_since(start);
  return times;
}

}  // namespace infer
