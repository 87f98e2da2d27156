// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

#include <pthread.h>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace redis::detail {

/// Keeps SIGPIPE from this thread while it lives: hiredis writes so that a connection which the
/// server has closed raises it, and it would end the process.
class no_sigpipe {
 public:
  no_sigpipe() noexcept {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  no_sigpipe(const no_sigpipe&) = delete;
  no_sigpipe& operator=(const no_sigpipe&) = delete;
  ~no_sigpipe() {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    int taken = 0;
    if (!was_pending_ && sigismember(&pending, SIGPIPE) == 1) sigwait(&pipe_, &taken);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace redis::detail
}  // namespace v0
}  // namespace gabion
