// SPDX-License-Identifier: MIT
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace gabion_test {

/// Waits for a child process. Returns how it ended: "ended", "hung", "threw", "exit 3" or
/// "signal 11".
template <class Function>
std::string fate_of(Function&& f, unsigned seconds = 1) {
  const pid_t child = ::fork();
  if (child < 0) return "fork failed";
  if (child == 0) {
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
      std::signal(signal, SIG_DFL);
    ::alarm(seconds);
    try {
      f();
    } catch (...) {
      ::_exit(99);
    }
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return "waitpid failed";
  if (WIFSIGNALED(status)) {
    return WTERMSIG(status) == SIGALRM ? "hung" : "signal " + std::to_string(WTERMSIG(status));
  }
  if (WEXITSTATUS(status) == 0) return "ended";
  return WEXITSTATUS(status) == 99 ? "threw" : "exit " + std::to_string(WEXITSTATUS(status));
}

/// Runs `f` in a child process, for code that may hang, crash or be undefined. Returns true if it
/// ended within `seconds`, without a crash and without an exception. A failed check inside `f`
/// calls `_exit(1)`.
template <class Function>
bool ends_well(Function&& f, unsigned seconds = 1) {
  return fate_of(f, seconds) == "ended";
}

}  // namespace gabion_test
