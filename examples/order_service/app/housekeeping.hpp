// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>

#include <gabion/core/error.hpp>
#include <gabion/log/waker.hpp>

#include "app/log.hpp"

namespace shop {

/// How long what is done is remembered. Never shorter than the longest time after which a client
/// may repeat a command, or the broker a message: what is forgotten is new again.
struct housekeeping_options {
  std::chrono::hours keep{7 * 24};
  std::chrono::minutes every{1};
  std::size_t batch = 1000;  ///< rows removed in one transaction, so that nobody waits long
};

/// Removes published messages, processed inbox entries and old command results. What is unsent,
/// dead or parked stays.
template <class Backend>
class housekeeping {
 public:
  explicit housekeeping(Backend& backend, const housekeeping_options& options = {})
      : backend_{&backend}, options_{options} {}

  void run(const std::stop_token& stop) {
    gabion::waker never;
    while (!stop.stop_requested()) {
      clean();
      (void)never.wait(stop, options_.every);
    }
  }

  /// One round. A store that fails is asked again in the next.
  void clean() {
    const gabion::wall_time before = gabion::system_clock::now() - options_.keep;
    try {
      while (backend_->outbox.purge_published(before, options_.batch) == options_.batch) {}
      while (backend_->inbox.purge_processed(before, options_.batch) == options_.batch) {}
      while (backend_->commands.forget(before, options_.batch) == options_.batch) {}
    } catch (const gabion::error& e) {
      log_line("housekeeping failed", {{"reason", e.what()}});
    }
  }

 private:
  Backend* backend_;
  housekeeping_options options_;
};

}  // namespace shop
