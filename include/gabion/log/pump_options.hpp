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

namespace gabion {
inline namespace v0 {

/// How a pump works: how much it holds, how often it looks, when it gives up. Later members are
/// only ever added at the end.
struct pump_options {
  std::size_t window = 1024;  ///< records held at once; 1 to 1,000,000; default 1024
  /// Bytes of records held at once, but always one record; 1 up; default 16 MiB
  std::size_t window_bytes = 16U * 1024U * 1024U;
  std::size_t batch = 256;  ///< records of one submission at most; 1 to 1,000,000; default 256
  /// Records settled in one transaction at most; 1 to 1,000,000; default 1024
  std::size_t settle_batch = 1024;
  /// How often to look for new records unless woken; 1 ms up; default 100 ms
  duration poll_every = std::chrono::milliseconds{100};
  /// How often to look from the beginning; from poll_every up; default 1 s
  duration rescan_every = std::chrono::seconds{1};
  /// Pause after a submission that was not taken whole; 1 ms up; default 5 ms
  duration pressure_wait = std::chrono::milliseconds{5};
  /// Counted failures until a record is given up; 1 up; default 10
  std::uint32_t max_attempts = 10;
  /// What to do with the records behind a given up one; default park
  poison_policy on_poison = poison_policy::park;
  /// Between attempts of one record, at least 1 ms; default 100 ms to 30 s
  backoff_options retry{};
  backoff_options outage{
      .initial = std::chrono::milliseconds{200},
      .cap = std::chrono::seconds{10},
      /// Between attempts at a sink that cannot be reached; default 200 ms to 10 s
      .jitter = backoff_jitter::equal};
  backoff_options store{.initial = std::chrono::milliseconds{50},
                        .cap = std::chrono::seconds{5},
                        /// Between attempts at a store that fails; default 50 ms to 5 s
                        .jitter = backoff_jitter::equal};
  /// How long a lease lasts; renewed at a third; 30 ms up; default 30 s
  duration lease_ttl = std::chrono::seconds{30};
  /// Nothing is submitted in this last part of a lease; 0 to half of lease_ttl; default 5 s
  duration lease_margin = std::chrono::seconds{5};
  /// How often to ask for a lease that somebody else has; 1 ms up; default 1 s
  duration acquire_every = std::chrono::seconds{1};
};

/// Throws error(invalid_argument) that names the member and its range, or does nothing. `owner`
/// names the record in it.
inline void validate(const pump_options& options, const std::string& owner = "pump_options") {
  constexpr std::uint64_t million = 1'000'000;
  constexpr duration tick = std::chrono::milliseconds{1};
  detail::check_range(owner + ".window", options.window, 1, million);
  detail::check_positive(owner + ".window_bytes", options.window_bytes);
  detail::check_range(owner + ".batch", options.batch, 1, million);
  detail::check_range(owner + ".settle_batch", options.settle_batch, 1, million);
  detail::check_positive(owner + ".max_attempts", options.max_attempts);
  detail::check_at_least(owner + ".poll_every", options.poll_every, tick);
  detail::check_at_least(owner + ".rescan_every", options.rescan_every, options.poll_every);
  detail::check_at_least(owner + ".pressure_wait", options.pressure_wait, tick);
  detail::check_at_least(owner + ".lease_ttl", options.lease_ttl, 30 * tick);
  detail::check_at_least(owner + ".lease_margin", options.lease_margin, duration::zero());
  detail::check_at_least(owner + ".acquire_every", options.acquire_every, tick);
  if (options.lease_margin > options.lease_ttl / 2)
    detail::fail(errc::invalid_argument,
                 owner + ".lease_margin is " + std::to_string(options.lease_margin.count()) +
                     " ns; allowed: 0 to half of lease_ttl (" +
                     std::to_string(options.lease_ttl.count() / 2) + " ns)");
  gabion::validate(options.retry, owner + ".retry");
  gabion::validate(options.outage, owner + ".outage");
  gabion::validate(options.store, owner + ".store");
}

}  // namespace v0
}  // namespace gabion
