// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/position.hpp>
#include <gabion/log/pump_options.hpp>

namespace gabion::inline v0 {

/// What to do with an event that a projection cannot apply.
enum class on_poison : std::uint8_t {
  pause,        ///< stop before it until an operator resumes. The default: nothing is skipped silently
  dead_letter,  ///< keep its position and the error as a letter, and go on behind it
};

/// How a projector works. Later members are only ever added at the end.
struct projector_options {
  std::string owner{};                           ///< names this projector in the lease, unique among all; default: a random name
  std::size_t batch = 512;                       ///< events of one transaction at most; 1 to 1,000,000; default 512
  std::uint32_t max_attempts = 5;                ///< failed attempts until an event is poison; 1 up; default 5
  on_poison poison = on_poison::pause;           ///< default pause
  backoff_options retry{};                       ///< between attempts at one event; default 100 ms to 30 s
  duration poll_every = std::chrono::milliseconds{100};  ///< how often to look for events unless woken; 1 ms up; default 100 ms
  duration lease_ttl = std::chrono::seconds{30};         ///< see pump_options; 30 ms up; default 30 s
  duration acquire_every = std::chrono::seconds{1};      ///< how often to ask for a lease that somebody else has; default 1 s
};

/// A projection applied events: its checkpoint and its read model are committed.
struct projection_advanced {
  std::string_view key{};
  position from{};
  position to{};
  std::size_t events = 0;
};

/// A projection stands before an event that it cannot apply; nothing goes on until resume().
struct projection_faulted {
  std::string_view key{};
  position at{};  ///< of the event
  std::uint32_t attempts = 0;
  std::string_view reason{};
};

/// An event was given up, kept as a letter and passed by.
struct projection_passed_by {
  std::string_view key{};
  position at{};
  std::uint32_t attempts = 0;
  std::string_view reason{};
};

/// A store failed; it will be asked again after a while.
struct projection_store_failed {
  std::string_view key{};
  std::string_view operation{};  ///< "acquire", "renew", "release", "fetch", "apply", "settle", "restart"
  std::error_code code{};
  std::string_view reason{};
};

namespace detail {

/// The pump of a projection: one page at a time, one key.
[[nodiscard]] inline pump_options pump_of(const projector_options& options) {
  detail::check_range("projector_options.batch", options.batch, 1, 1'000'000);
  detail::check_at_least("projector_options.lease_ttl", options.lease_ttl, std::chrono::milliseconds{30});
  pump_options pump;
  pump.window = 1;
  pump.batch = 1;
  pump.settle_batch = 1;
  pump.max_attempts = options.max_attempts;
  pump.on_poison = options.poison == on_poison::pause ? poison_policy::pause : poison_policy::skip;
  pump.retry = options.retry;
  pump.poll_every = options.poll_every;
  pump.rescan_every = options.poll_every < pump.rescan_every ? pump.rescan_every : options.poll_every;
  pump.lease_ttl = options.lease_ttl;
  pump.lease_margin = options.lease_ttl / 6;
  pump.acquire_every = options.acquire_every;
  gabion::validate(pump, "projector_options");
  return pump;
}

}  // namespace detail

}  // namespace gabion::inline v0
