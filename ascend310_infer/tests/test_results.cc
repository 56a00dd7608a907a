#include <chrono>

#include "check.h"
#include "results.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

infer::Contract contract() {
  infer::Contract made;
  made.model = "m";
  made.batch = 2;
  made.inputs = {{"a", {3}, infer::ElementType::uint8}};
  made.outputs = {{"y", {2}, infer::ElementType::uint8}, {"z", {}, infer::ElementType::uint8}};
  return made;
}

infer::Job job() { return {"m_bs2_000000", {check::folder() / "input.bin"}}; }

// A folder with the results of one run, whose file of the run is a minute old.
fs::path finished_folder(const std::string& identity = "one\n") {
  const fs::path folder = check::folder() / "results";
  check::write(check::folder() / "input.bin", "abcdef");
  fs::last_write_time(check::folder() / "input.bin", fs::file_time_type::clock::now() - 2min);
  const infer::ResultFolder results(folder, contract(), identity);
  std::vector<infer::Buffer> outputs;
  outputs.emplace_back(4);
  outputs.emplace_back(2);
  results.write("m_bs2_000000", outputs);
  fs::last_write_time(folder / "run.txt", fs::file_time_type::clock::now() - 1min);
  return folder;
}

bool has_results(const fs::path& folder, const std::string& identity = "one\n") {
  return infer::ResultFolder(folder, contract(), identity).has(job());
}

}  // namespace

TEST("results of the same run are there") {
  const fs::path folder = finished_folder();
  CHECK(has_results(folder));
  CHECK(fs::file_size(folder / "m_bs2_000000_0.bin") == 4 && fs::file_size(folder / "m_bs2_000000_1.bin") == 2);
}

TEST("results of another model are made again") { CHECK(!has_results(finished_folder(), "two\n")); }

TEST("a result that is missing, cut or older than its input is made again") {
  fs::path folder = finished_folder();
  fs::remove(folder / "m_bs2_000000_1.bin");
  CHECK(!has_results(folder));
  folder = finished_folder();
  check::write(folder / "m_bs2_000000_0.bin", "abc");
  CHECK(!has_results(folder));
  folder = finished_folder();
  fs::last_write_time(check::folder() / "input.bin", fs::file_time_type::clock::now() + 1min);
  CHECK(!has_results(folder));
}

TEST("results that no run claims are made again") {
  const fs::path folder = finished_folder();
  fs::remove(folder / "run.txt");
  CHECK(!has_results(folder));
}

TEST("two runs do not write to one folder") {
  const infer::ResultFolder first(check::folder(), contract(), "one\n");
  CHECK_RAISES(infer::ResultFolder(check::folder(), contract(), "one\n"), "another run is writing there");
}

TEST("results that the disk cannot hold are refused before the first") {
  const infer::ResultFolder results(check::folder(), contract(), "one\n");
  results.check_space(1000);
  CHECK_RAISES(results.check_space(std::size_t{1} << 60), "kB are free");
  CHECK_RAISES(results.check_space(std::size_t{1} << 63), "kB are free");
}
