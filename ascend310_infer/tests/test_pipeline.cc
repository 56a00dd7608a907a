#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

#include "bounded_queue.h"
#include "check.h"
#include "pipeline.h"

namespace {

std::vector<infer::Job> make_jobs(int count) {
  std::vector<infer::Job> jobs;
  for (int k = 0; k < count; ++k) {
    jobs.push_back({std::to_string(k), {}});
  }
  return jobs;
}

// Stages that carry the number of a job from its name to `written`.
struct Recorder {
  std::vector<std::string> written;
  std::atomic<int> read_count{0};
  std::atomic<int> run_count{0};

  infer::Stages stages() {
    return {[this](const infer::Job& job) {
              ++read_count;
              std::vector<infer::Buffer> inputs;
              inputs.emplace_back(1);
              inputs[0].data()[0] = static_cast<std::byte>(std::stoi(job.stem));
              return inputs;
            },
            [this](const std::vector<infer::Buffer>& inputs) {
              ++run_count;
              infer::Outputs outputs;
              outputs.buffers.emplace_back(1);
              outputs.buffers[0].data()[0] = inputs[0].data()[0];
              outputs.milliseconds = static_cast<double>(run_count);
              return outputs;
            },
            [this](const std::string& stem, const std::vector<infer::Buffer>& outputs) {
              written.push_back(stem + ":" + std::to_string(std::to_integer<int>(outputs[0].data()[0])));
            }};
  }
};

}  // namespace

TEST("every record is run once and written in order") {
  Recorder recorder;
  const infer::PipelineTimes times = infer::run_pipeline(make_jobs(100), recorder.stages(), 0);
  CHECK(recorder.written.size() == 100 && recorder.read_count == 100 && recorder.run_count == 100);
  CHECK(recorder.written.front() == "0:0" && recorder.written[57] == "57:57" && recorder.written.back() == "99:99");
  CHECK(times.milliseconds.size() == 100 && times.milliseconds.front() == 1.0 && times.seconds > 0.0);
}

TEST("warm-up runs come before the first and are not counted") {
  Recorder recorder;
  const infer::PipelineTimes times = infer::run_pipeline(make_jobs(2), recorder.stages(), 5);
  CHECK(recorder.run_count == 7 && recorder.written.size() == 2);
  CHECK(times.milliseconds.size() == 2 && times.milliseconds.front() == 6.0);
}

TEST("reading goes on while the network runs, but not without bound") {
  Recorder recorder;
  infer::Stages stages = recorder.stages();
  std::promise<void> read_ahead;
  std::atomic<bool> is_bounded{true};
  const auto read = stages.read;
  stages.read = [&, read](const infer::Job& job) {
    if (recorder.read_count == 2) {
      read_ahead.set_value();
    }
    return read(job);
  };
  bool has_overlap = false;
  const auto run = stages.run;
  stages.run = [&, run](const std::vector<infer::Buffer>& inputs) {
    if (recorder.run_count == 0) {
      // the first run ends only after two further records were read
      has_overlap = read_ahead.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    }
    is_bounded = is_bounded && recorder.read_count - recorder.run_count < 20;
    return run(inputs);
  };
  infer::run_pipeline(make_jobs(200), stages, 0);
  CHECK(has_overlap && is_bounded && recorder.written.size() == 200);
}

TEST("what any stage throws ends the pipeline and comes out") {
  Recorder reading;
  infer::Stages stages = reading.stages();
  stages.read = [&, read = stages.read](const infer::Job& job) {
    if (job.stem == "40") {
      throw std::runtime_error("bad record");
    }
    return read(job);
  };
  CHECK_RAISES(infer::run_pipeline(make_jobs(100), stages, 0), "bad record");
  CHECK(reading.written.size() == 40);  // those before it are whole

  Recorder running;
  stages = running.stages();
  stages.run = [](const std::vector<infer::Buffer>&) -> infer::Outputs { throw std::runtime_error("bad model"); };
  CHECK_RAISES(infer::run_pipeline(make_jobs(100), stages, 0), "bad model");
  CHECK(running.written.empty() && running.read_count < 100);

  Recorder writing;
  stages = writing.stages();
  stages.write = [](const std::string&, const std::vector<infer::Buffer>&) { throw std::runtime_error("disk full"); };
  CHECK_RAISES(infer::run_pipeline(make_jobs(100), stages, 0), "disk full");
  CHECK(writing.run_count < 100);
}

TEST("a closed queue gives what it holds and takes no more") {
  infer::BoundedQueue<int> queue(2);
  CHECK(queue.push(1) && queue.push(2));
  queue.close();
  CHECK(!queue.push(3));
  CHECK(queue.pop() == 1 && queue.pop() == 2 && !queue.pop().has_value());
}

TEST("a full queue waits until there is a place") {
  infer::BoundedQueue<int> queue(1);
  queue.push(1);
  std::atomic<bool> is_pushed{false};
  std::thread pusher([&] {
    queue.push(2);
    is_pushed = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(!is_pushed);
  CHECK(queue.pop() == 1);
  pusher.join();
  CHECK(is_pushed && queue.pop() == 2);
}
