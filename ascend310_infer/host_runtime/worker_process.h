// A Python process at the other end of a socket.
//
// A message is 8 bytes of length (little endian), that many bytes of JSON and the raw bytes of the
// tensors that the JSON describes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace mindspore {

class WorkerProcess {
 public:
  // Starts `python script socket_number`. Raises std::runtime_error.
  WorkerProcess(const std::string &python, const std::string &script);
  WorkerProcess(const WorkerProcess &) = delete;
  WorkerProcess &operator=(const WorkerProcess &) = delete;
  // Ends and reaps the process.
  ~WorkerProcess();

  // Raise std::runtime_error, which says how the process ended when it is gone.
  void SendText(const std::string &text);
  std::string ReceiveText();
  void Send(const void *data, size_t size);
  void Receive(void *data, size_t size);

 private:
  [[noreturn]] void ReportEnd();
  bool WaitFor(int milliseconds, int *status);

  int socket_ = -1;
  pid_t process_ = -1;
};

}  // namespace mindspore
