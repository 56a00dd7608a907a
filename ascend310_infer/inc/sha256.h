// SHA-256 (FIPS 180-4): the manifest names its exported file by this hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace infer {

class Sha256 {
 public:
  void update(const void* data, std::size_t size);
  // The hash in hexadecimal; ends the calculation.
  std::string finish();

 private:
  void mix(const unsigned char* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                      0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  std::array<unsigned char, 64> rest_{};
  std::uint64_t length_ = 0;
};

std::string hash_text(const std::string& text);

// Raises InputError when the file cannot be read.
std::string hash_file(const std::filesystem::path& path);

}  // namespace infer
