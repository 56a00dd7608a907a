#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "check.h"
#include "errors.h"
#include "files.h"
#include "sha256.h"

namespace {

namespace fs = std::filesystem;

std::size_t count_files(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST("what is written is read") {
  const fs::path path = check::folder() / "a.bin";
  const std::string text("1\0002", 3);
  infer::write_atomically(path, text.data(), text.size());
  CHECK(check::read(path) == text && infer::read_text(path, 3) == text && count_files(check::folder()) == 1);
  CHECK(infer::read_exactly(path, 3).size() == 3);
  CHECK_RAISES(infer::read_exactly(path, 4), "a.bin: 3 bytes, expected 4");
  CHECK_RAISES(infer::read_text(path, 2), "3 bytes, such a file has at most 2");
}

TEST("a full disk is reported with the file") {
  const infer::Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const std::string text(100, 'x');
  CHECK_RAISES(infer::write_all(full, "result.bin", text.data(), text.size()),
               "result.bin: cannot be written (No space left on device)");
}

TEST("a write that fails leaves the old file and nothing else") {
  const fs::path path = check::write(check::folder() / "a.bin", "old");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string text(5000, 'x');
  CHECK_RAISES(infer::write_atomically(path, text.data(), text.size()), "a.bin: cannot be written (File too large)");
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(check::read(path) == "old" && count_files(check::folder()) == 1);
}

TEST("a folder that is not there, or a file in its place, is named") {
  CHECK_RAISES(infer::write_atomically("/no/such/a.bin", "x", 1), "/no/such/a.bin: cannot be written (No such file");
  check::write(check::folder() / "file", "");
  CHECK_RAISES(infer::make_folder(check::folder() / "file"), "cannot be made as a folder (Not a directory)");
  CHECK_RAISES(infer::make_folder(check::folder() / "file" / "below"), "cannot be made as a folder");
  infer::make_folder(check::folder() / "a" / "b");
  CHECK(fs::is_directory(check::folder() / "a" / "b"));
}

TEST("the hash is that of the standard's examples") {
  CHECK(infer::hash_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(infer::hash_text("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(infer::hash_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const fs::path path = check::write(check::folder() / "million", std::string(1000000, 'a'));
  CHECK(infer::hash_file(path) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK_RAISES(infer::hash_file("/no/such"), "/no/such: cannot be read");
}

TEST("a message is one line whatever it is made from") {
  CHECK(infer::one_line("  a\n\tb\r\n c\x1b[0m \x7f ") == "a b c [0m");
  CHECK(infer::one_line("\n\n").empty());
}
