#include "results.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "errors.h"

namespace infer {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestIdentity = 1u << 16;
constexpr std::uintmax_t kDiskReserve = 1u << 20;  // folder entries and the file of times

int open_folder(const fs::path& folder) {
  make_folder(folder);
  const int number = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0) {
    throw InputError(folder.string() + ": cannot be opened (" + system_reason(errno) + ")");
  }
  return number;
}

bool is_same_run(const fs::path& path, const std::string& identity) {
  std::error_code error;
  return fs::is_regular_file(path, error) && read_text(path, kLargestIdentity) == identity;
}

}  // namespace

ResultFolder::ResultFolder(const fs::path& folder, const Contract& contract, const std::string& identity)
    : folder_(folder), contract_(contract), lock_(open_folder(folder)) {
  // the lock ends with the process, however it ends
  if (::flock(lock_.number(), LOCK_EX | LOCK_NB) != 0) {
    throw InputError(folder.string() + ": another run is writing there (" + system_reason(errno) + ")");
  }
  const fs::path path = folder / "run.txt";
  if (!is_same_run(path, identity)) {
    write_atomically(path, identity.data(), identity.size());
  }
  started_ = fs::last_write_time(path);
}

fs::path ResultFolder::path_of(const std::string& stem, std::size_t output) const {
  return folder_ / (stem + "_" + std::to_string(output) + ".bin");
}

bool ResultFolder::has(const Job& job) const {
  for (std::size_t k = 0; k < contract_.outputs.size(); ++k) {
    const fs::path path = path_of(job.stem, k);
    std::error_code error;
    if (fs::file_size(path, error) != contract_.outputs[k].bytes(contract_.batch) || error) {
      return false;
    }
    const auto written = fs::last_write_time(path, error);
    if (error || written <= started_) {
      return false;
    }
    for (const fs::path& input : job.inputs) {
      if (written < fs::last_write_time(input, error) || error) {
        return false;
      }
    }
  }
  return true;
}

void ResultFolder::check_space(std::size_t count) const {
  std::uintmax_t size = 0;
  bool is_too_large = false;
  for (const Field& field : contract_.outputs) {
    is_too_large = is_too_large || __builtin_add_overflow(size, field.bytes(contract_.batch), &size);
  }
  is_too_large = is_too_large || __builtin_mul_overflow(size, count, &size) ||
                 __builtin_add_overflow(size, kDiskReserve, &size);
  std::error_code error;
  const fs::space_info space = fs::space(folder_, error);
  if (!error && (is_too_large || size > space.available)) {
    throw InputError(folder_.string() + ": the results need " + std::to_string(size >> 10) + " kB, " +
                     std::to_string(space.available >> 10) + " kB are free");
  }
}

void ResultFolder::write(const std::string& stem, const std::vector<Buffer>& outputs) const {
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    write_atomically(path_of(stem, k), outputs[k].data(), outputs[k].size());
  }
}

}  // namespace infer
