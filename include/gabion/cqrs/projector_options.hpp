// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/pump_options.hpp>

namespace gabion {
inline namespace v0 {

/// How a projector works. Later members are only ever added at the end.
struct projector_options {
  /// Names this projector in the lease, unique among all; default: a random name
  std::string owner{};
  std::size_t batch = 512;  ///< events of one transaction at most; 1 to 1,000,000; default 512
  std::uint32_t max_attempts = 5;  ///< failed attempts until an event is poison; 1 up; default 5
  /// What to do with an event that cannot be applied: pause in front of it until an operator
  /// resumes, or skip it, kept as a letter. Not park: a projection has one order and no keys.
  /// Default pause.
  poison_policy on_poison = poison_policy::pause;
  backoff_options retry{};  ///< between attempts at one event; default 100 ms to 30 s
  /// How often to look for events unless woken; 1 ms up; default 100 ms
  duration poll_every = std::chrono::milliseconds{100};
  duration lease_ttl = std::chrono::seconds{30};  ///< see pump_options; 30 ms up; default 30 s
  /// How often to ask for a lease that somebody else has; default 1 s
  duration acquire_every = std::chrono::seconds{1};
  /// How long run() settles what is applied once asked to stop; 0 up; default 10 s
  duration stop_grace = std::chrono::seconds{10};
};

namespace detail {

/// The pump of a projection: one page at a time, one key.
[[nodiscard]] inline pump_options pump_of(const projector_options& options) {
  detail::check_range("projector_options.batch", options.batch, 1, 1'000'000);
  if (options.on_poison == poison_policy::park)
    detail::fail(errc::invalid_argument,
                 "projector_options.on_poison is park; allowed: pause or skip. A projection has no "
                 "keys to park");
  detail::check_at_least("projector_options.stop_grace", options.stop_grace, duration::zero());
  detail::check_at_least("projector_options.lease_ttl", options.lease_ttl,
                         std::chrono::milliseconds{30});
  pump_options pump;
  pump.window = 1;
  pump.batch = 1;
  pump.settle_batch = 1;
  pump.max_attempts = options.max_attempts;
  pump.on_poison = options.on_poison;
  pump.retry = options.retry;
  pump.poll_every = options.poll_every;
  pump.rescan_every =
      options.poll_every < pump.rescan_every ? pump.rescan_every : options.poll_every;
  pump.lease_ttl = options.lease_ttl;
  pump.lease_margin = options.lease_ttl / 6;
  pump.acquire_every = options.acquire_every;
  gabion::validate(pump, "projector_options");
  return pump;
}

}  // namespace detail

}  // namespace v0
}  // namespace gabion
