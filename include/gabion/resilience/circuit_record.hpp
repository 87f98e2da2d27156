// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {

/// What is worth keeping of a breaker over a restart. A value without pointers or instants;
/// `save()` makes it, `restore()` takes it.
///
/// Outcomes in windows are not kept: a window starts empty, so a restored breaker opens later than
/// one that went on, never sooner.
struct circuit_record {
  static constexpr std::uint32_t current_version = 1;

  std::uint32_t version = current_version;
  circuit_mode mode = circuit_mode::normal;
  circuit_state state = circuit_state::closed;
  /// Open: what is left of the open time; the time between save and restore is not known here
  duration open_left{};
  std::uint32_t consecutive_failures = 0;  ///< closed: failures in a row
  std::uint32_t probes_succeeded = 0;      ///< half-open
  std::uint32_t probes_failed = 0;         ///< half-open
  std::uint32_t ramp_step = 0;             ///< ramping: from 0; beyond the last step means the last
  std::uint32_t attempt = 0;               ///< openings since the last quiet time

  friend bool operator==(const circuit_record&, const circuit_record&) = default;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const circuit_record& r) noexcept {
  if (const auto p = out_of_range("version", r.version, circuit_record::current_version,
                                  circuit_record::current_version, "1"))
    return p;
  if (const auto p = out_of_range("mode", static_cast<std::uint64_t>(r.mode), 0, 3, "0 to 3"))
    return p;
  if (const auto p = out_of_range("state", static_cast<std::uint64_t>(r.state), 0, 3, "0 to 3"))
    return p;
  if (r.open_left < duration::zero()) return {"open_left", r.open_left, "0 ns or more"};
  if (r.open_left != duration::zero() && r.state != circuit_state::open)
    return {"open_left", r.open_left, "0 ns unless the state is open"};
  if (const auto p =
          out_of_range("consecutive_failures", r.consecutive_failures, 0, 65'535, "0 to 65535"))
    return p;
  if (const auto p = out_of_range("probes_succeeded", r.probes_succeeded, 0, 1023, "0 to 1023"))
    return p;
  if (const auto p = out_of_range("probes_failed", r.probes_failed, 0, 1023, "0 to 1023")) return p;
  return out_of_range("ramp_step", r.ramp_step, 0, 7, "0 to 7");
}

}  // namespace detail

/// True if a breaker can be restored from this record.
[[nodiscard]] constexpr bool valid(const circuit_record& r) noexcept {
  return !detail::problem_of(r);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const circuit_record& r) {
  detail::refuse_option("circuit_record", detail::problem_of(r));
}

}  // namespace v0
}  // namespace gabion
