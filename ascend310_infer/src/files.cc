#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "errors.h"

namespace infer {

namespace fs = std::filesystem;

Descriptor::~Descriptor() { close(); }

int Descriptor::close() {
  const int status = number_ >= 0 ? ::close(number_) : 0;
  number_ = -1;
  return status;
}

Descriptor open_to_read(const fs::path& path) {
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0) {
    throw InputError(path.string() + ": cannot be read (" + system_reason(errno) + ")");
  }
  return Descriptor(number);
}

std::size_t size_of_file(const fs::path& path, const std::string& hint) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw InputError(path.string() + ": cannot be read (" + system_reason(errno) + ")" + hint);
  }
  if (!S_ISREG(status.st_mode)) {
    throw InputError(path.string() + ": is not a file");
  }
  return static_cast<std::size_t>(status.st_size);
}

static void read_all(const Descriptor& file, const fs::path& path, void* data, std::size_t size) {
  auto* next = static_cast<std::byte*>(data);
  while (size > 0) {
    const ssize_t count = ::read(file.number(), next, size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      throw InputError(path.string() + (count < 0 ? ": cannot be read (" + system_reason(errno) + ")"
                                                  : ": ended " + std::to_string(size) + " bytes early"));
    }
    next += count;
    size -= static_cast<std::size_t>(count);
  }
}

std::string read_text(const fs::path& path, std::size_t limit) {
  const std::size_t size = size_of_file(path);
  if (size > limit) {
    throw InputError(path.string() + ": " + std::to_string(size) + " bytes, such a file has at most " +
                     std::to_string(limit));
  }
  std::string text(size, '\0');
  read_all(open_to_read(path), path, text.data(), size);
  return text;
}

Buffer read_exactly(const fs::path& path, std::size_t size) {
  const std::size_t actual = size_of_file(path);
  if (actual != size) {
    throw InputError(path.string() + ": " + std::to_string(actual) + " bytes, expected " + std::to_string(size));
  }
  Buffer buffer(size);
  read_all(open_to_read(path), path, buffer.data(), size);
  return buffer;
}

void write_all(const Descriptor& file, const fs::path& path, const void* data, std::size_t size) {
  const auto* next = static_cast<const std::byte*>(data);
  while (size > 0) {
    const ssize_t count = ::write(file.number(), next, size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      throw InputError(path.string() + ": cannot be written (" + system_reason(count < 0 ? errno : ENOSPC) + ")");
    }
    next += count;
    size -= static_cast<std::size_t>(count);
  }
}

void write_atomically(const fs::path& path, const void* data, std::size_t size) {
  const fs::path temporary = path.string() + ".part";
  try {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.number() < 0) {
      throw InputError(path.string() + ": cannot be written (" + system_reason(errno) + ")");
    }
    write_all(file, path, data, size);
    if (file.close() != 0 || std::rename(temporary.c_str(), path.c_str()) != 0) {
      throw InputError(path.string() + ": cannot be written (" + system_reason(errno) + ")");
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path, error)) {
    throw InputError(path.string() + ": cannot be made as a folder (" +
                     (error ? error.message() : system_reason(ENOTDIR)) + ")");
  }
}

}  // namespace infer
