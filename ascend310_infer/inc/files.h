// Files as whole blocks of bytes: read exactly, written under a temporary name and renamed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace infer {

// Bytes of a record. They are not initialised, since each one is read or copied into.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : bytes_(new std::byte[size]), size_(size) {}

  std::byte* data() { return bytes_.get(); }
  const std::byte* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

// An open file, closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  int number() const { return number_; }
  // Closes early and gives the status of close(2), which reports what a delayed write met.
  int close();

 private:
  int number_;
};

// Opens a file for reading. Raises InputError when it is not a readable regular file.
Descriptor open_to_read(const std::filesystem::path& path);

// Size of a regular file. Raises InputError when there is none; `hint` says where it comes from.
std::size_t size_of_file(const std::filesystem::path& path, const std::string& hint = "");

// The whole of a small text file. Raises InputError when it is missing or larger than `limit` bytes.
std::string read_text(const std::filesystem::path& path, std::size_t limit);

// A file of exactly `size` bytes. Raises InputError when it has another size or ends early.
Buffer read_exactly(const std::filesystem::path& path, std::size_t size);

// Writes PATH.part and renames it to PATH. Raises InputError (a full disk, a read-only folder) and
// leaves nothing under either name that was not there before.
void write_atomically(const std::filesystem::path& path, const void* data, std::size_t size);

// Makes a folder with its parents. Raises InputError.
void make_folder(const std::filesystem::path& path);

// Writes all bytes to an open file; `path` is for the message. Raises InputError.
void write_all(const Descriptor& file, const std::filesystem::path& path, const void* data, std::size_t size);

}  // namespace infer
