#include "check.h"
#include "contract.h"

namespace {

const char* const kManifest =
    R"({"model": "simple_pose", "batch": 8,
        "inputs": [{"name": "image", "shape": [3, 64, 48], "dtype": "float32"}],
        "outputs": [{"name": "heatmaps", "shape": [17, 16, 12], "dtype": "float16"},
                    {"name": "count", "shape": [], "dtype": "int64"}],
        "notes": {"mean": [0.5, 0.25], "channel_order": "bgr"}, "sha256": "ab"})";

// The manifest with one part of its text replaced.
std::string with(const std::string& part, const std::string& replacement) {
  std::string text = kManifest;
  return text.replace(text.find(part), part.size(), replacement);
}

infer::Manifest parse(const std::string& text) {
  return infer::read_manifest(check::write(check::folder() / "m.json", text));
}

}  // namespace

TEST("a manifest is read") {
  const infer::Manifest manifest = parse(kManifest);
  const infer::Contract& contract = manifest.contract;
  CHECK(contract.model == "simple_pose" && contract.batch == 8 && manifest.sha256 == "ab");
  CHECK(contract.inputs.size() == 1 && contract.inputs[0].name == "image");
  CHECK((contract.inputs[0].shape == std::vector<std::int64_t>{3, 64, 48}));
  CHECK(contract.inputs[0].bytes(8) == 8u * 3 * 64 * 48 * 4);
  CHECK(contract.outputs[0].bytes(8) == 8u * 17 * 16 * 12 * 2);
  CHECK(contract.outputs[1].bytes(8) == 64);
  CHECK(contract.notes.at("mean") == "[0.5,0.25]");
}

TEST("the sizes of all types are NumPy's") {
  const std::pair<const char*, std::size_t> sizes[] = {{"float32", 4}, {"float16", 2}, {"int64", 8},
                                                       {"int32", 4},   {"uint8", 1},   {"bool", 1}};
  for (const auto& [name, size] : sizes) {
    const infer::Manifest manifest = parse(with("\"float32\"", "\"" + std::string(name) + "\""));
    CHECK(manifest.contract.inputs[0].bytes(8) == 8 * 3 * 64 * 48 * size);
    CHECK(infer::element_name(manifest.contract.inputs[0].type) == name);
  }
}

TEST("each missing key is named") {
  for (const std::string key : {"model", "batch", "inputs", "outputs", "sha256", "name", "shape", "dtype"}) {
    CHECK_RAISES(parse(with("\"" + key + "\"", "\"other\"")), "'" + key + "' is missing");
  }
}

TEST("shapes that are not positive integers are refused") {
  for (const char* shape : {"[3, -64, 48]", "[0]", "[1.5]", "[1e3]", "[true]", "[\"3\"]", "[null]", "[[3]]", "7", "{}",
                            "[18446744073709551615]", "[9223372036854775808]", "[1e400]",
                            "[123456789012345678901234567890]"}) {
    const std::string expected = std::string(shape) == "[1e400]" ? "is not JSON" : "inputs[0]: image: expected a shape";
    CHECK_RAISES(parse(with("[3, 64, 48]", shape)), expected);
  }
}

TEST("a record larger than memory can be is refused") {
  for (const char* shape : {"[9223372036854775807]", "[4294967296, 4294967296]", "[2147483648, 2147483648, 2]",
                            "[3037000500, 3037000500]", "[1152921504606846976]"}) {
    CHECK_RAISES(parse(with("[3, 64, 48]", shape)), "larger than any memory");
  }
  CHECK_RAISES(parse(with("\"batch\": 8", "\"batch\": 9223372036854775807")), "larger than any memory");
}

TEST("a batch that is no positive integer is refused") {
  for (const char* batch : {"0", "-8", "8.0", "true", "\"8\"", "null", "[8]", "18446744073709551615"}) {
    CHECK_RAISES(parse(with("\"batch\": 8", "\"batch\": " + std::string(batch))),
                 "batch: expected an integer of 1 or more");
  }
}

TEST("names that would leave the folder are refused") {
  for (const char* name : {"../../etc/passwd", "a/b", "", "1a", "_a", "a b", "a\\u0000b", "\\u00e9", "."}) {
    CHECK_RAISES(parse(with("simple_pose", name)), "model: expected a name");
  }
  CHECK_RAISES(parse(with("\"simple_pose\"", "7")), "model: expected text, got 7");
  CHECK_RAISES(parse(with("\"image\"", "\"../x\"")), "inputs[0]: name: expected a name");
}

TEST("lists and types of another form are refused") {
  CHECK_RAISES(parse(with("\"float32\"", "\"complex64\"")), "inputs[0]: dtype: \"complex64\" is unknown");
  CHECK_RAISES(parse(with("\"float16\"", "16")), "outputs[0]: dtype: expected text");
  CHECK_RAISES(parse(R"({"model": "m", "batch": 1, "inputs": []})"), "inputs: expected a list of objects");
  CHECK_RAISES(parse(R"({"model": "m", "batch": 1, "inputs": {"a": 1}})"), "inputs: expected a list of objects");
  CHECK_RAISES(parse(R"({"model": "m", "batch": 1, "inputs": [3]})"), "inputs[0]: expected an object, got 3");
  CHECK_RAISES(parse(with("{\"mean\": [0.5, 0.25], \"channel_order\": \"bgr\"}", "[]")), "notes: expected an object");
}

TEST("a manifest that is cut anywhere is refused") {
  const std::string text = kManifest;
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK_RAISES(parse(text.substr(0, size)), "m.json: is not JSON");
  }
}

TEST("text that is not a JSON object is refused") {
  for (const std::string text : {"", "[]", "7", "\"a\"", "null"}) {
    CHECK_RAISES(parse(text), text.empty() ? "is not JSON" : "expected a JSON object");
  }
  CHECK_RAISES(parse("{\"model\": \"\xff\xfe\"}"), "is not JSON");
  CHECK_RAISES(parse(std::string("{\0}", 3)), "is not JSON");
  CHECK_RAISES(parse(with("0.5", "NaN")), "is not JSON");
}

TEST("deep nesting does not exhaust the stack") {
  const std::string deep(1000000, '[');
  CHECK_RAISES(parse(deep), "nested more than");
  CHECK_RAISES(parse(with("[0.5, 0.25]", deep + std::string(1000000, ']'))), "nested more than");
}

TEST("a file that is too large, missing or a folder is named") {
  CHECK_RAISES(parse(std::string((16u << 20) + 1, ' ')), "such a file has at most");
  CHECK_RAISES(infer::read_manifest("/no/such.json"), "/no/such.json: cannot be read (No such file or directory)");
  CHECK_RAISES(infer::read_manifest(check::folder()), "is not a file");
}

TEST("the first difference between contracts is named") {
  const infer::Contract contract = parse(kManifest).contract;
  CHECK(infer::difference(contract, contract).empty());
  const auto changed = [&](const char* part, const char* text) {
    return infer::difference(contract, parse(with(part, text)).contract);
  };
  CHECK(changed("simple_pose", "hmr") == "model");
  CHECK(changed("\"batch\": 8", "\"batch\": 4") == "batch");
  CHECK(changed("[3, 64, 48]", "[3, 48, 64]") == "inputs");
  CHECK(changed("\"int64\"", "\"int32\"") == "outputs");
  CHECK(changed("\"bgr\"", "\"rgb\"") == "notes.channel_order");
  CHECK(changed("\"mean\"", "\"average\"") == "notes.mean");
  CHECK(changed("\"bgr\"", "\"bgr\", \"stride\": 4") == "notes.stride");
}
