// The API as the host runtime implements it, with shell scripts in the place of the Python worker.
#include <cstdlib>
#include <memory>

#include "check.h"
#include "include/api/context.h"
#include "include/api/model.h"

namespace {

using mindspore::Context;
using mindspore::CPUDeviceInfo;
using mindspore::MSTensor;

std::shared_ptr<Context> cpu() {
  auto context = std::make_shared<Context>();
  context->MutableDeviceInfo().push_back(std::make_shared<CPUDeviceInfo>());
  return context;
}

// The reason that Build gives when this shell script is the worker ($1 is the number of its socket).
std::string build_with(const std::string& script) {
  ::setenv("MS_HOST_PYTHON", "/bin/bash", 1);
  ::setenv("MS_HOST_WORKER", check::write(check::folder() / "worker.sh", script).c_str(), 1);
  mindspore::Model model;
  const mindspore::Status status = model.Build("any.mindir", mindspore::kMindIR, cpu());
  return status != mindspore::kSuccess ? status.GetErrDescription() : "built";
}

// A worker that answers each request with the next of these messages.
std::string answers(const std::vector<std::string>& messages) {
  std::string script = "exec 1>&$1 0<&$1\n";
  for (const std::string& message : messages) {
    script += "head -c 8 > /dev/null\n";
    char length[64];
    std::snprintf(length, sizeof length, "printf '\\x%02x\\x%02x\\0\\0\\0\\0\\0\\0'\n",
                  static_cast<unsigned>(message.size() & 0xff), static_cast<unsigned>(message.size() >> 8));
    script += length;
    script += "printf '%s' '" + message + "'\n";
  }
  return script + "cat > /dev/null\n";
}

}  // namespace

TEST("a model is built from what the worker answers") {
  CHECK(build_with(answers({R"({"inputs": [{"name": "x", "shape": [-1, 3], "dtype": "float32"}]})"})) == "built");
}

TEST("the reason that the worker gives is the status") {
  CHECK(build_with(answers({R"({"error": "not a MindIR"})"})) == "not a MindIR");
}

TEST("a worker that ends is a status that says how") {
  CHECK(build_with("exit 7").find("ended with status 7") != std::string::npos);
  CHECK(build_with("kill -9 $$").find("ended by signal 9") != std::string::npos);
}

TEST("answers that are no message are a status") {
  CHECK(build_with("printf '\\377\\377\\377\\377\\377\\377\\377\\377' >&$1; sleep 0.2").find("something else") !=
        std::string::npos);
  for (const char* answer : {"[", "{}", R"({"inputs": 3})", R"({"inputs": [3]})", R"({"inputs": [{"name": "x"}]})",
                             R"({"inputs": [{"name": "x", "shape": "3", "dtype": "float32"}]})",
                             R"({"inputs": [{"name": "x", "shape": [3], "dtype": "complex64"}]})"}) {
    CHECK(build_with(answers({answer})) != "built");
  }
}

TEST("a Python that is not there is named") {
  ::setenv("MS_HOST_PYTHON", "/no/such/python", 1);
  mindspore::Model model;
  const mindspore::Status status = model.Build("any.mindir", mindspore::kMindIR, cpu());
  CHECK(status != mindspore::kSuccess);
  CHECK(status.GetErrDescription().find("/no/such/python: cannot be started") != std::string::npos);
}

TEST("inputs and outputs are checked before and after a run") {
  ::setenv("MS_HOST_PYTHON", "/bin/bash", 1);
  const std::string script =
      answers({R"({"inputs": [{"name": "x", "shape": [-1, 2], "dtype": "uint8"}]})",
               R"({"outputs": [{"name": "y", "shape": [1, 9223372036854775807], "dtype": "int64", "bytes": 8}]})"});
  ::setenv("MS_HOST_WORKER", check::write(check::folder() / "worker.sh", script).c_str(), 1);
  mindspore::Model model;
  std::vector<MSTensor> outputs;
  CHECK(model.Predict({}, &outputs) != mindspore::kSuccess);  // not built
  CHECK(!(model.Build("any.mindir", mindspore::kMindIR, cpu()) != mindspore::kSuccess));
  std::vector<MSTensor> inputs = model.GetInputs();
  CHECK(inputs.size() == 1 && inputs[0].Name() == "x" && inputs[0].Shape()[0] == -1);
  CHECK(model.Resize(inputs, {{2, 3}}) != mindspore::kSuccess);
  CHECK(model.Resize(inputs, {}) != mindspore::kSuccess);
  CHECK(!(model.Resize(inputs, {{4, 2}}) != mindspore::kSuccess));
  const std::string bytes(8, 'x');
  const auto tensor = [&](std::vector<int64_t> shape) {
    return MSTensor("x", mindspore::DataType::kNumberTypeUInt8, shape, bytes.data(),
                    static_cast<size_t>(shape[0] * shape[1]));
  };
  CHECK(model.Predict({tensor({2, 2})}, &outputs) != mindspore::kSuccess);  // not the shape of Resize
  const mindspore::Status status = model.Predict({tensor({4, 2})}, &outputs);
  CHECK(status != mindspore::kSuccess);
  CHECK(status.GetErrDescription().find("described a tensor wrongly") != std::string::npos);
}

TEST("a tensor owns a copy of its data") {
  std::string data = "abc";
  const MSTensor tensor("x", mindspore::DataType::kNumberTypeUInt8, {3}, data.data(), data.size());
  const MSTensor same = tensor;
  data = "xyz";
  CHECK(std::string(static_cast<const char*>(same.Data().get()), same.DataSize()) == "abc");
}

TEST("other model files are refused") {
  mindspore::Model model;
  CHECK(model.Build("a.om", mindspore::kOM, cpu()) != mindspore::kSuccess);
}
