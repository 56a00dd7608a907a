#include "worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <system_error>
#include <thread>

extern char **environ;

namespace mindspore {

namespace {

constexpr uint64_t kLargestText = 1u << 20;
constexpr int kPatienceMs = 2000;  // for the end of a process whose socket is closed

std::string Reason(int error) { return std::generic_category().message(error); }

// The child sees its socket, its output on our stderr (MindSpore prints there) and nothing to read.
class FileActions {
 public:
  explicit FileActions(int child_socket) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO);
    // onto itself: this clears its close-on-exec flag in the child alone
    posix_spawn_file_actions_adddup2(&actions_, child_socket, child_socket);
  }
  FileActions(const FileActions &) = delete;
  FileActions &operator=(const FileActions &) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t *get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

}  // namespace

WorkerProcess::WorkerProcess(const std::string &python, const std::string &script) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error("no socket for the worker (" + Reason(errno) + ")");
  }
  const FileActions actions(ends[1]);
  std::string program = python;
  std::string file = script;
  std::string number = std::to_string(ends[1]);
  char *arguments[] = {program.data(), file.data(), number.data(), nullptr};
  const int error = ::posix_spawnp(&process_, python.c_str(), actions.get(), nullptr, arguments, environ);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    throw std::runtime_error(python + ": cannot be started (" + Reason(error) +
                             "); MS_HOST_PYTHON names the Python that has MindSpore");
  }
  socket_ = ends[0];
}

WorkerProcess::~WorkerProcess() {
  if (socket_ >= 0) {
    ::close(socket_);
  }
  int status = 0;
  if (process_ > 0 && !WaitFor(kPatienceMs, &status)) {
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
  }
}

bool WorkerProcess::WaitFor(int milliseconds, int *status) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    const pid_t done = ::waitpid(process_, status, WNOHANG);
    if (done == process_ || (done < 0 && errno == ECHILD)) {
      process_ = -1;
      return true;
    }
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void WorkerProcess::ReportEnd() {
  int status = 0;
  if (process_ <= 0 || !WaitFor(kPatienceMs, &status)) {
    throw std::runtime_error("the worker process does not answer");
  }
  throw std::runtime_error(WIFSIGNALED(status)
                               ? "the worker process was ended by signal " + std::to_string(WTERMSIG(status))
                               : "the worker process ended with status " + std::to_string(WEXITSTATUS(status)));
}

void WorkerProcess::Send(const void *data, size_t size) {
  const char *next = static_cast<const char *>(data);
  while (size > 0) {
    // no SIGPIPE when the process is gone
    const ssize_t count = ::send(socket_, next, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      ReportEnd();
    }
    next += count;
    size -= static_cast<size_t>(count);
  }
}

void WorkerProcess::Receive(void *data, size_t size) {
  char *next = static_cast<char *>(data);
  while (size > 0) {
    const ssize_t count = ::recv(socket_, next, size, 0);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      ReportEnd();
    }
    next += count;
    size -= static_cast<size_t>(count);
  }
}

void WorkerProcess::SendText(const std::string &text) {
  unsigned char header[8];
  for (int k = 0; k < 8; ++k) {
    header[k] = static_cast<unsigned char>(static_cast<uint64_t>(text.size()) >> (8 * k));
  }
  Send(header, sizeof header);
  Send(text.data(), text.size());
}

std::string WorkerProcess::ReceiveText() {
  unsigned char header[8];
  Receive(header, sizeof header);
  uint64_t size = 0;
  for (int k = 0; k < 8; ++k) {
    size |= static_cast<uint64_t>(header[k]) << (8 * k);
  }
  if (size > kLargestText) {
    throw std::runtime_error("the worker process sent something else than a message");
  }
  std::string text(size, '\0');
  Receive(text.data(), size);
  return text;
}

}  // namespace mindspore
