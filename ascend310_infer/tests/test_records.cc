#include <fstream>

#include "check.h"
#include "records.h"

namespace {

namespace fs = std::filesystem;

struct Numbers {
  std::string format = "1", count = "5", batches = "3", passes = "2", per_chunk = "2";
};

// A record list of batches of two one-byte samples with two inputs.
std::string list_of(const Numbers& numbers) {
  return R"({"format": )" + numbers.format + R"(, "model": "m", "batch": 2,
    "inputs": [{"name": "a", "shape": [3], "dtype": "uint8"}, {"name": "b", "shape": [], "dtype": "int32"}],
    "outputs": [{"name": "y", "shape": [2], "dtype": "uint8"}], "notes": {}, "limit": 0,
    "count": )" + numbers.count + R"(, "batches": )" + numbers.batches + R"(, "passes": )" + numbers.passes +
         R"(, "batches_per_chunk": )" + numbers.per_chunk + "}";
}

fs::path write_list(const Numbers& numbers = {}) {
  check::write(check::folder() / "records.json", list_of(numbers));
  return check::folder();
}

fs::path write_all_records() {
  const fs::path folder = write_list();
  for (const int batch : {0, 1, 2}) {
    for (const std::string pass : {"", "_p1"}) {
      const fs::path chunk = folder / (batch < 2 ? "chunk_0000" : "chunk_0001");
      const std::string name = "m_bs2_00000" + std::to_string(batch) + pass + ".bin";
      check::write(chunk / "00_data" / name, "abcde" + std::to_string(batch));
      check::write(chunk / "01_data" / name, "01234567");
    }
  }
  return folder;
}

}  // namespace

TEST("the records on disk become runs in order") {
  const infer::RecordList records = infer::read_record_list(write_all_records());
  const std::vector<infer::Job> jobs = infer::find_jobs(records);
  CHECK(jobs.size() == 6);
  CHECK(jobs[0].stem == "m_bs2_000000" && jobs[1].stem == "m_bs2_000000_p1" && jobs[5].stem == "m_bs2_000002_p1");
  CHECK(jobs[5].inputs[1] == check::folder() / "chunk_0001" / "01_data" / "m_bs2_000002_p1.bin");
  const std::vector<infer::Buffer> inputs = infer::read_inputs(jobs[4], records.contract);
  CHECK(inputs.size() == 2 && inputs[0].size() == 6 && static_cast<char>(inputs[0].data()[5]) == '2');
}

TEST("a chunk that was taken away is left out, a foreign folder too") {
  const fs::path folder = write_all_records();
  fs::remove_all(folder / "chunk_0000");
  for (const char* name : {"chunk_0007", "chunk_00001", "chunk_99999999999999999999", "chunk_", "chunk_-001",
                           "chunk_000a", "other"}) {
    fs::create_directory(folder / name);
  }
  CHECK(infer::find_jobs(infer::read_record_list(folder)).size() == 2);
  fs::remove_all(folder / "chunk_0001");
  CHECK_RAISES(infer::find_jobs(infer::read_record_list(folder)), "no chunk of records is there");
}

TEST("a missing record is named") {
  const fs::path folder = write_all_records();
  fs::remove(folder / "chunk_0000" / "01_data" / "m_bs2_000001.bin");
  CHECK_RAISES(infer::find_jobs(infer::read_record_list(folder)), "01_data/m_bs2_000001.bin: cannot be read (No such");
}

TEST("a record of another size is named with both sizes") {
  for (const char* text : {"", "abcde", "abcdefg"}) {
    const fs::path folder = write_all_records();
    check::write(folder / "chunk_0000" / "00_data" / "m_bs2_000001.bin", text);
    CHECK_RAISES(infer::find_jobs(infer::read_record_list(folder)),
                 "m_bs2_000001.bin: " + std::to_string(std::string(text).size()) + " bytes, expected 6");
  }
}

TEST("a record that shrinks after it was found is noticed when it is read") {
  const infer::RecordList records = infer::read_record_list(write_all_records());
  const std::vector<infer::Job> jobs = infer::find_jobs(records);
  check::write(jobs[0].inputs[0], "ab");
  CHECK_RAISES(infer::read_inputs(jobs[0], records.contract), "2 bytes, expected 6");
}

TEST("a folder in the place of a record is named") {
  const fs::path path = write_all_records() / "chunk_0000" / "00_data" / "m_bs2_000000.bin";
  fs::remove(path);
  fs::create_directory(path);
  CHECK_RAISES(infer::find_jobs(infer::read_record_list(check::folder())), "m_bs2_000000.bin: is not a file");
}

TEST("counts that do not fit together or the format are refused") {
  const auto refused = [](const Numbers& numbers, const char* part) {
    CHECK_RAISES(infer::read_record_list(write_list(numbers)), part);
  };
  refused({"2"}, "format: this program reads 1");
  refused({"1", "0"}, "count: expected an integer of 1 or more, got 0");
  refused({"1", "5", "4"}, "batches: 4 of 2 do not hold 5");
  refused({"1", "9223372036854775807"}, "do not hold 9223372036854775807");
  refused({"1", "5", "3", "0"}, "passes: expected");
  refused({"1", "5", "3", "2", "-1"}, "batches_per_chunk: expected");
  refused({"1", "5", "3", "2", "1e3"}, "batches_per_chunk: expected");
}

TEST("huge counts end at the first record that is not there") {
  fs::create_directories(write_list({"1", "9223372036854775807", "4611686018427387904", "9223372036854775807",
                                     "9223372036854775807"}) / "chunk_0000");
  CHECK_RAISES(infer::find_jobs(infer::read_record_list(check::folder())), "m_bs2_000000.bin: cannot be read");
}

TEST("a folder that is missing or holds no list is named") {
  CHECK_RAISES(infer::read_record_list("/no/such"), "/no/such: no such folder");
  CHECK_RAISES(infer::read_record_list(check::folder()), "records.json: cannot be read");
}

TEST("a list that is cut anywhere is refused") {
  const std::string text = list_of({});
  for (std::size_t size = 0; size < text.size(); size += 7) {
    check::write(check::folder() / "records.json", text.substr(0, size));
    CHECK_RAISES(infer::read_record_list(check::folder()), "is not JSON");
  }
}
