#include "contract.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "errors.h"
#include "files.h"

namespace infer {

using nlohmann::json;

namespace {

constexpr std::size_t kLargestJson = 16u << 20;
constexpr int kDeepestJson = 32;
constexpr auto kLargestRecord = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());

struct TypeEntry {
  ElementType type;
  const char* name;
  std::size_t size;
};

constexpr TypeEntry kTypes[] = {{ElementType::float32, "float32", 4}, {ElementType::float16, "float16", 2},
                                {ElementType::int64, "int64", 8},     {ElementType::int32, "int32", 4},
                                {ElementType::uint8, "uint8", 1},     {ElementType::boolean, "bool", 1}};

const TypeEntry& entry_of(ElementType type) {
  for (const TypeEntry& entry : kTypes) {
    if (entry.type == type) {
      return entry;
    }
  }
  throw std::logic_error("unknown element type");
}

// A value for a message, cut where it is long.
std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

const json& member(const json& content, const std::string& key) {
  const auto found = content.find(key);
  if (found == content.end()) {
    throw std::invalid_argument("'" + key + "' is missing");
  }
  return *found;
}

bool is_letter(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'); }

// Names become parts of file names.
std::string name_field(const json& content, const std::string& key) {
  const std::string name = text_field(content, key);
  bool is_name = !name.empty() && is_letter(name.front());
  for (const char letter : name) {
    is_name = is_name && (is_letter(letter) || (letter >= '0' && letter <= '9') || letter == '_');
  }
  if (!is_name) {
    throw std::invalid_argument(key + ": expected a name of letters, digits and _, got " + shown(content.at(key)));
  }
  return name;
}

ElementType type_field(const json& content) {
  const std::string name = text_field(content, "dtype");
  for (const TypeEntry& entry : kTypes) {
    if (name == entry.name) {
      return entry.type;
    }
  }
  throw std::invalid_argument("dtype: " + shown(content.at("dtype")) + " is unknown");
}

Field parse_field(const json& entry) {
  if (!entry.is_object()) {
    throw std::invalid_argument("expected an object, got " + shown(entry));
  }
  Field field{name_field(entry, "name"), {}, type_field(entry)};
  const json& shape = member(entry, "shape");
  if (!shape.is_array()) {
    throw std::invalid_argument(field.name + ": expected a shape of positive integers, got " + shown(shape));
  }
  for (const json& size : shape) {
    const bool is_size = size.is_number_unsigned() && size.get<std::uint64_t>() > 0 &&
                         size.get<std::uint64_t>() <= kLargestRecord;
    if (!is_size) {
      throw std::invalid_argument(field.name + ": expected a shape of positive integers, got " + shown(shape));
    }
    field.shape.push_back(size.get<std::int64_t>());
  }
  return field;
}

void check_size(const Field& field, std::int64_t batch) {
  std::size_t size = element_size(field.type);
  bool is_too_large = __builtin_mul_overflow(size, static_cast<std::size_t>(batch), &size);
  for (const std::int64_t length : field.shape) {
    is_too_large = is_too_large || __builtin_mul_overflow(size, static_cast<std::size_t>(length), &size);
  }
  if (is_too_large || size > kLargestRecord) {
    throw std::invalid_argument(field.name + ": a batch of this shape is larger than any memory");
  }
}

std::vector<Field> parse_fields(const json& content, const std::string& key, std::int64_t batch) {
  const json& entries = member(content, key);
  if (!entries.is_array() || entries.empty()) {
    throw std::invalid_argument(key + ": expected a list of objects, got " + shown(entries));
  }
  std::vector<Field> fields;
  for (const json& entry : entries) {
    try {
      fields.push_back(parse_field(entry));
      check_size(fields.back(), batch);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(key + "[" + std::to_string(&entry - &entries[0]) + "]: " + error.what());
    }
  }
  return fields;
}

}  // namespace

std::size_t element_size(ElementType type) { return entry_of(type).size; }

std::string element_name(ElementType type) { return entry_of(type).name; }

std::size_t Field::bytes(std::int64_t batch) const {
  std::size_t size = element_size(type) * static_cast<std::size_t>(batch);
  for (const std::int64_t length : shape) {
    size *= static_cast<std::size_t>(length);
  }
  return size;
}

std::int64_t whole_number(const json& content, const std::string& key, std::int64_t least) {
  const json& value = member(content, key);
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits || value.get<std::int64_t>() < least) {
    throw std::invalid_argument(key + ": expected an integer of " + std::to_string(least) + " or more, got " +
                                shown(value));
  }
  return value.get<std::int64_t>();
}

std::string text_field(const json& content, const std::string& key) {
  const json& value = member(content, key);
  if (!value.is_string()) {
    throw std::invalid_argument(key + ": expected text, got " + shown(value));
  }
  return value.get<std::string>();
}

Contract parse_contract(const json& content) {
  Contract contract;
  contract.model = name_field(content, "model");
  contract.batch = whole_number(content, "batch", 1);
  contract.inputs = parse_fields(content, "inputs", contract.batch);
  contract.outputs = parse_fields(content, "outputs", contract.batch);
  const auto notes = content.find("notes");
  if (notes != content.end()) {
    if (!notes->is_object()) {
      throw std::invalid_argument("notes: expected an object, got " + shown(*notes));
    }
    for (const auto& note : notes->items()) {
      contract.notes[note.key()] = note.value().dump();
    }
  }
  return contract;
}

json parse_json_object(const std::string& text, const std::filesystem::path& path) {
  try {
    // a value nested thousands deep would exhaust the stack of whoever walks it
    json content = json::parse(text, [&path](int depth, json::parse_event_t, const json&) {
      if (depth > kDeepestJson) {
        throw InputError(path.string() + ": is nested more than " + std::to_string(kDeepestJson) + " deep");
      }
      return true;
    });
    if (!content.is_object()) {
      throw InputError(path.string() + ": expected a JSON object");
    }
    return content;
  } catch (const json::exception& error) {
    throw InputError(path.string() + ": is not JSON: " + one_line(error.what()));
  }
}

json read_json_object(const std::filesystem::path& path) {
  return parse_json_object(read_text(path, kLargestJson), path);
}

Manifest read_manifest(const std::filesystem::path& path) {
  const json content = read_json_object(path);
  try {
    return {parse_contract(content), text_field(content, "sha256")};
  } catch (const std::invalid_argument& error) {
    throw InputError(path.string() + ": not a manifest of an exported model (" + error.what() + ")");
  }
}

std::string difference(const Contract& one, const Contract& other) {
  if (one.model != other.model) {
    return "model";
  }
  if (one.batch != other.batch) {
    return "batch";
  }
  if (!(one.inputs == other.inputs)) {
    return "inputs";
  }
  if (!(one.outputs == other.outputs)) {
    return "outputs";
  }
  for (const auto& [key, value] : one.notes) {
    const auto found = other.notes.find(key);
    if (found == other.notes.end() || found->second != value) {
      return "notes." + key;
    }
  }
  for (const auto& note : other.notes) {
    if (one.notes.count(note.first) == 0) {
      return "notes." + note.first;
    }
  }
  return "";
}

}  // namespace infer
