// What an exported network takes and gives, read from the manifest that export.py writes beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace infer {

enum class ElementType { float32, float16, int64, int32, uint8, boolean };

// Bytes of one element.
std::size_t element_size(ElementType type);

// The name that manifests use: float32, bool, ...
std::string element_name(ElementType type);

// One input or output: its shape has no batch axis.
struct Field {
  std::string name;
  std::vector<std::int64_t> shape;
  ElementType type = ElementType::float32;

  bool operator==(const Field& other) const {
    return name == other.name && shape == other.shape && type == other.type;
  }
  // Size of a record of `batch` samples; the contract's own batch was checked not to overflow.
  std::size_t bytes(std::int64_t batch) const;
};

struct Contract {
  std::string model;
  std::int64_t batch = 0;
  std::vector<Field> inputs, outputs;
  std::map<std::string, std::string> notes;  // normalisation, channel order, ...: JSON text by key
};

struct Manifest {
  Contract contract;
  std::string sha256;  // of the exported file
};

// Reads FILE.json beside FILE.mindir. Raises InputError naming the file and the field.
Manifest read_manifest(const std::filesystem::path& path);

// What differs first between two contracts, such as "notes.channel_order"; empty when nothing does.
std::string difference(const Contract& one, const Contract& other);

// The parts of a contract in a JSON object. Raises std::invalid_argument naming the field.
Contract parse_contract(const nlohmann::json& content);

// An object of a JSON file of at most 16 MB. Raises InputError.
nlohmann::json read_json_object(const std::filesystem::path& path);
nlohmann::json parse_json_object(const std::string& text, const std::filesystem::path& path);

// An integer field of at least `least`, or text. Raise std::invalid_argument naming the field.
std::int64_t whole_number(const nlohmann::json& content, const std::string& key, std::int64_t least);
std::string text_field(const nlohmann::json& content, const std::string& key);

}  // namespace infer
