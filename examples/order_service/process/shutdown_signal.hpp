// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

namespace shop {

/// Waits for SIGTERM or SIGINT. Make it before any thread: threads inherit the mask, so the signals
/// arrive in wait() only and never interrupt work.
class shutdown_signal {
 public:
  shutdown_signal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  void wait() const {
    int caught = 0;
    while (sigwait(&signals_, &caught) != 0) {}
  }

 private:
  sigset_t signals_{};
};

}  // namespace shop
