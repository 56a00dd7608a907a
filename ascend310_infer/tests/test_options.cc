#include "check.h"
#include "options.h"

using infer::parse_options;

TEST("options have defaults, and times are beside the output") {
  const infer::Options options = parse_options({"--model", "dir/pose.mindir"});
  CHECK(options.manifest.empty() && options.records == "./preprocess_Result");
  CHECK(options.times == "./time_Result" && options.device_type == "Ascend310" && options.device_id == 0);
  CHECK(options.warm_up == 1 && options.batch == 0 && options.threads == 0);
  CHECK(parse_options({"--model", "a", "--output", "/x/y/"}).times == "/x/time_Result");
  CHECK(parse_options({"--model", "a", "--output", "r"}).times == "time_Result");
}

TEST("both forms of an option and the model zoo's names are read") {
  const infer::Options options =
      parse_options({"--mindir_path=a=b.mindir", "--input0_path", "in", "--device_id", "3", "--device_type=CPU",
                     "--batch", "4", "--threads=2", "--warm_up", "0", "--manifest", "m", "--times", "t"});
  CHECK(options.model == "a=b.mindir" && options.records == "in" && options.device_id == 3);
  CHECK(options.device_type == "CPU" && options.batch == 4 && options.threads == 2 && options.warm_up == 0);
  CHECK(options.manifest == "m" && options.times == "t");
}

TEST("mistakes are named") {
  CHECK_RAISES(parse_options({}), "--model is missing");
  CHECK_RAISES(parse_options({"--modle", "a"}), "unknown option --modle");
  CHECK_RAISES(parse_options({"model.mindir"}), "unknown option model.mindir");
  CHECK_RAISES(parse_options({"--model"}), "--model: a value is missing");
  CHECK_RAISES(parse_options({"--model="}), "--model: the value is empty");
  CHECK_RAISES(parse_options({"--device_type", "TPU"}), "expected one of Ascend310, Ascend, GPU, CPU");
  for (const char* number : {"-1", "1.5", "x", "4096", "99999999999999999999", "0x1", " 1", "1 "}) {
    CHECK_RAISES(parse_options({"--device_id", number}), "expected an integer from 0 to 4095");
  }
  CHECK_RAISES(parse_options({"--batch", "0"}), "--batch 0: expected an integer from 1");
  CHECK_RAISES(parse_options({"--threads", "0"}), "--threads 0: expected");
}

TEST("help needs no model") {
  CHECK(parse_options({"--help"}).wants_help);
  CHECK(infer::usage().find("--device_type") != std::string::npos);
}
