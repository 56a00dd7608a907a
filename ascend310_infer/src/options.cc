#include "options.h"

#include <charconv>
#include <functional>
#include <limits>
#include <map>

#include "errors.h"

namespace infer {

namespace {

constexpr const char* kDeviceTypes[] = {"Ascend310", "Ascend", "GPU", "CPU"};

template <class Integer>
Integer parse_integer(const std::string& name, const std::string& text, Integer least, Integer most) {
  Integer value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < least || value > most) {
    throw InputError(name + " " + text + ": expected an integer from " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  return value;
}

std::string parse_device_type(const std::string& name, const std::string& text) {
  std::string known;
  for (const char* type : kDeviceTypes) {
    if (text == type) {
      return text;
    }
    known += known.empty() ? type : std::string(", ") + type;
  }
  throw InputError(name + " " + text + ": expected one of " + known);
}

using Setter = std::function<void(Options&, const std::string& name, const std::string& value)>;

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> table = [] {
    const Setter model = [](Options& o, const std::string&, const std::string& v) { o.model = v; };
    const Setter records = [](Options& o, const std::string&, const std::string& v) { o.records = v; };
    return std::map<std::string, Setter>{
        {"--model", model},
        {"--mindir_path", model},  // the model zoo's names
        {"--records", records},
        {"--input0_path", records},
        {"--manifest", [](Options& o, const std::string&, const std::string& v) { o.manifest = v; }},
        {"--output", [](Options& o, const std::string&, const std::string& v) { o.output = v; }},
        {"--times", [](Options& o, const std::string&, const std::string& v) { o.times = v; }},
        {"--precision", [](Options& o, const std::string&, const std::string& v) { o.precision = v; }},
        {"--device_type",
         [](Options& o, const std::string& n, const std::string& v) { o.device_type = parse_device_type(n, v); }},
        {"--device_id",
         [](Options& o, const std::string& n, const std::string& v) {
           o.device_id = parse_integer<std::uint32_t>(n, v, 0, 4095);
         }},
        {"--warm_up",
         [](Options& o, const std::string& n, const std::string& v) {
           o.warm_up = parse_integer<int>(n, v, 0, 1000000);
         }},
        {"--batch",
         [](Options& o, const std::string& n, const std::string& v) {
           o.batch = parse_integer<std::int64_t>(n, v, 1, std::numeric_limits<std::int32_t>::max());
         }},
        {"--threads",
         [](Options& o, const std::string& n, const std::string& v) { o.threads = parse_integer<int>(n, v, 1, 4096); }},
    };
  }();
  return table;
}

std::filesystem::path beside(const std::filesystem::path& folder, const std::string& name) {
  // "results/" has an empty last part
  const std::filesystem::path whole = folder.has_filename() ? folder : folder.parent_path();
  return whole.parent_path() / name;
}

}  // namespace

std::string usage() {
  return "usage: main --model FILE [options]\n"
         "Runs an exported network over the records of preprocess.py and writes result records.\n"
         "  --model FILE        .mindir (or .onnx, where the library reads it) that export.py wrote\n"
         "  --records DIR       folder that preprocess.py wrote (default ./preprocess_Result)\n"
         "  --output DIR        folder for the results (default ./result_Files); a second run continues there\n"
         "  --times DIR         folder for test_perform_static.txt (default time_Result beside the output)\n"
         "  --manifest FILE     manifest of the model (default FILE.json beside it, whose hash must be the model's;\n"
         "                      one named here may describe the file that the model was converted from)\n"
         "  --device_type TYPE  Ascend310, Ascend, GPU or CPU (default Ascend310)\n"
         "  --device_id N       number of the card (default 0)\n"
         "  --precision MODE    precision mode of Ascend, such as preferred_fp32 (default: the library's)\n"
         "  --warm_up N         runs before times are taken (default 1)\n"
         "  --batch N           samples per run, a divisor of the records' batch (default: that batch);\n"
         "                      a model of fixed batch takes that one only\n"
         "  --threads N         threads of the library on CPU (default: its choice)\n";
}

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t k = 0; k < arguments.size(); ++k) {
    const std::string& argument = arguments[k];
    if (argument == "--help" || argument == "-h") {
      options.wants_help = true;
      return options;
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const auto setter = setters().find(name);
    if (setter == setters().end()) {
      throw InputError("unknown option " + argument + " (--help lists them)");
    }
    if (equals == std::string::npos && k + 1 == arguments.size()) {
      throw InputError(name + ": a value is missing");
    }
    const std::string value = equals == std::string::npos ? arguments[++k] : argument.substr(equals + 1);
    if (value.empty()) {
      throw InputError(name + ": the value is empty");
    }
    setter->second(options, name, value);
  }
  if (options.model.empty()) {
    throw InputError("--model is missing (--help lists the options)");
  }
  if (options.times.empty()) {
    options.times = beside(options.output, "time_Result");
  }
  return options;
}

}  // namespace infer
