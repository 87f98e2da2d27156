// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace shop::demo {

/// A server started as a real process. It dies with this object, and with the thread that started
/// it.
class child_process {
 public:
  /// Starts the program; what it writes to stderr is appended to `log`. Throws std::system_error.
  child_process(const std::filesystem::path& program, std::vector<std::string> arguments,
                const std::filesystem::path& log);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// The port that it says it listens on. Throws std::runtime_error if it ends first or the time is
  /// up.
  int wait_for_port(std::chrono::milliseconds at_most);

  /// False once it has ended by itself.
  [[nodiscard]] bool running();

  /// Ends it at once, as a power cut would: SIGKILL.
  void kill();

  /// Asks it to end (SIGTERM) and gives its exit status, or nothing if it did not end in time; then
  /// it is killed.
  std::optional<int> terminate(std::chrono::milliseconds at_most);

 private:
  /// Reads its stdout until a line is complete or it has ended; false if the time is up first.
  bool read_line(std::string& line, std::chrono::milliseconds at_most);
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds at_most);
  int reap();

  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace shop::demo
