// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>

namespace gabion {
inline namespace v0 {

/// When a host is taken out of service, and for how long. New members go last.
struct outlier_options {
  std::uint32_t capacity = 64;  ///< hosts at most; 1 to 1024; default 64. Allocated once
  /// Failures in a row that eject a host, at once. 1 to 65535; 0 = rule off. Default 5.
  std::uint32_t consecutive_failures = 5;
  /// At the end of an interval: ejects a host whose success rate is below the mean of all by so
  /// many standard deviations, in percent (190 = 1.9), or more. 1 to 400; 0 = rule off. Default
  /// 190.
  std::uint32_t success_rate_factor = 190;
  /// At the end of an interval: ejects a host if so many percent of its calls have failed, or more.
  /// 1 to 100; 0 = off, the default.
  std::uint32_t failure_percent = 0;
  /// Of a host in an interval, for both; 1 to 1,000,000; default 100
  std::uint32_t minimum_requests = 100;
  std::uint32_t minimum_hosts = 5;  ///< that had so many, for both; 1 to 1024; default 5
  duration interval = std::chrono::seconds{10};  ///< between evaluations; above 0; default 10 s
  /// An ejection lasts so long x the number of ejections; above 0; default 30 s
  duration base_time = std::chrono::seconds{30};
  duration max_time = std::chrono::minutes{5};  ///< but no longer; base_time and up; default 5 min
  /// And is shortened by up to so much by chance; 0 to 100; default 10
  std::uint32_t jitter_percent = 10;
  /// So much of all hosts at most is out of service at a time, but always one may be. The last one
  /// in service stays there unless this is 100. 1 to 100; default 10.
  std::uint32_t max_ejected_percent = 10;
  /// If so many percent of all calls of an interval have failed, or of the hosts are out or would
  /// be, it is not this host or that but everything. 1 to 100; default 60.
  std::uint32_t fleet_failure_percent = 60;
};

namespace detail {

[[nodiscard]] constexpr option_problem times_problem_of(const outlier_options& o) noexcept {
  if (o.interval <= duration::zero()) return {"interval", o.interval, "more than 0 ns"};
  if (o.base_time <= duration::zero()) return {"base_time", o.base_time, "more than 0 ns"};
  if (o.max_time < o.base_time) return {"max_time", o.max_time, "base_time or more"};
  return out_of_range("jitter_percent", o.jitter_percent, 0, 100, "0 to 100");
}

[[nodiscard]] constexpr option_problem problem_of(const outlier_options& o) noexcept {
  if (const auto p = out_of_range("capacity", o.capacity, 1, 1024, "1 to 1024")) return p;
  if (const auto p =
          out_of_range("consecutive_failures", o.consecutive_failures, 0, 65'535, "0 to 65535"))
    return p;
  if (const auto p = out_of_range("success_rate_factor", o.success_rate_factor, 0, 400, "0 to 400"))
    return p;
  if (const auto p = out_of_range("failure_percent", o.failure_percent, 0, 100, "0 to 100"))
    return p;
  if (const auto p =
          out_of_range("minimum_requests", o.minimum_requests, 1, 1'000'000, "1 to 1000000"))
    return p;
  if (const auto p = out_of_range("minimum_hosts", o.minimum_hosts, 1, 1024, "1 to 1024")) return p;
  if (const auto p = times_problem_of(o)) return p;
  if (const auto p = out_of_range("max_ejected_percent", o.max_ejected_percent, 1, 100, "1 to 100"))
    return p;
  return out_of_range("fleet_failure_percent", o.fleet_failure_percent, 1, 100, "1 to 100");
}

}  // namespace detail

/// True if an outlier ejection takes these options. For a `static_assert` on options known at
/// compile time.
[[nodiscard]] constexpr bool valid(const outlier_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const outlier_options& o) {
  detail::refuse_option("outlier_options", detail::problem_of(o));
}

/// A host's place in the set. Void once the host is removed, even if the place is taken again.
struct outlier_host {
  std::uint32_t index = 0;
  std::uint32_t life = 0;
  friend bool operator==(const outlier_host&, const outlier_host&) = default;
};

/// Why a host was taken out of service.
enum class outlier_cause : std::uint8_t {
  consecutive_failures,
  success_rate,
  failure_percent,
  manual
};

[[nodiscard]] constexpr std::string_view to_string(outlier_cause c) noexcept {
  switch (c) {
    case outlier_cause::consecutive_failures: return "consecutive failures";
    case outlier_cause::success_rate: return "success rate";
    case outlier_cause::failure_percent: return "failure percent";
    case outlier_cause::manual: return "manual";
  }
  return "unknown";
}

/// How far the trouble goes.
enum class outlier_scope : std::uint8_t {
  none,   ///< no host is out of service or would be
  hosts,  ///< some hosts stand out from the others
  fleet,  ///< it is everything: see `fleet_failure_percent`
};

[[nodiscard]] constexpr std::string_view to_string(outlier_scope s) noexcept {
  switch (s) {
    case outlier_scope::none: return "none";
    case outlier_scope::hosts: return "hosts";
    case outlier_scope::fleet: return "fleet";
  }
  return "unknown";
}

/// What one evaluation came to.
struct outlier_tick {
  bool evaluated = false;      ///< false: the interval is not over
  std::uint32_t ejected = 0;   ///< taken out of service by it
  std::uint32_t returned = 0;  ///< put back because their time was over
};

/// A look at one host.
struct outlier_host_snapshot {
  bool known = false;  ///< false: it was removed
  bool available = false;
  duration remaining{};   ///< of the ejection
  outlier_cause cause{};  ///< of the last ejection
  /// What the next ejection time is reckoned from, less one for each quiet interval
  std::uint32_t ejections = 0;
  std::uint32_t failures_in_row = 0;  ///< up to 65,535
  std::uint32_t succeeded = 0;        ///< in the interval that is running
  std::uint32_t failed = 0;
};

/// A look at all hosts. Rates are of the last interval that was evaluated.
struct outlier_fleet {
  std::uint32_t hosts = 0;
  std::uint32_t ejected = 0;
  std::uint32_t allowed = 0;  ///< how many may be out of service at a time
  outlier_scope scope = outlier_scope::none;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  /// Over the hosts that had enough requests, each with the same weight; in basis points
  std::uint32_t mean_success = 0;
  std::uint64_t ejections = 0;  ///< since it was made
  /// Ejections that did not take place because too many hosts were out already
  std::uint64_t overflow = 0;
  std::uint64_t late = 0;  ///< results of hosts that were out of service: not counted
};

}  // namespace v0
}  // namespace gabion
