// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace shop::demo {

/// Shows on stdout how far the demo is: one line that is rewritten on a terminal, a line now and
/// then elsewhere.
class progress {
 public:
  /// Something worth keeping on the screen.
  void say(const std::string& what) {
    finish_line();
    std::printf("[%6.1f s] %s\n", seconds(), what.c_str());
    std::fflush(stdout);
  }

  /// Where things stand. Cheap to call often.
  void show(const std::string& where) {
    const auto now = clock::now();
    if (now - shown_ <
        (on_terminal_ ? std::chrono::milliseconds{200} : std::chrono::milliseconds{2000}))
      return;
    shown_ = now;
    std::printf(on_terminal_ ? "\r[%6.1f s] %s\033[K" : "[%6.1f s] %s\n", seconds(), where.c_str());
    std::fflush(stdout);
    line_open_ = on_terminal_;
  }

  /// Time since the beginning.
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>{clock::now() - begun_}.count();
  }

 private:
  using clock = std::chrono::steady_clock;

  void finish_line() {
    if (line_open_) std::printf("\r\033[K");
    line_open_ = false;
  }

  bool on_terminal_ = isatty(STDOUT_FILENO) == 1;
  bool line_open_ = false;
  clock::time_point begun_ = clock::now();
  clock::time_point shown_{};
};

}  // namespace shop::demo
