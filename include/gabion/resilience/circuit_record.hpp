// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion::inline v0 {

/// What is worth keeping of a breaker over a restart. A value without pointers or instants; `save()` makes it, `restore()` takes
/// it.
///
/// Outcomes in windows are not kept: a window starts empty, so a restored breaker opens later than one that went on, never
/// sooner.
struct circuit_record {
  static constexpr std::uint32_t current_version = 1;

  std::uint32_t version = current_version;
  circuit_mode mode = circuit_mode::normal;
  circuit_state state = circuit_state::closed;
  duration open_left{};  ///< open: what is left of the open time; the time between save and restore is not known here
  std::uint32_t consecutive_failures = 0;  ///< closed: failures in a row
  std::uint32_t probes_succeeded = 0;      ///< half-open
  std::uint32_t probes_failed = 0;         ///< half-open
  std::uint32_t ramp_step = 0;             ///< ramping: from 0; beyond the last step means the last
  std::uint32_t attempt = 0;               ///< openings since the last quiet time

  friend bool operator==(const circuit_record&, const circuit_record&) = default;
};

/// What is wrong with the record, in words; empty if nothing is.
[[nodiscard]] inline std::string problem_of(const circuit_record& r) {
  const auto out_of_range = [](const char* member, std::uint64_t value, const char* allowed) {
    return std::string{"circuit_record."} + member + " is " + std::to_string(value) + "; allowed: " + allowed;
  };
  if (r.version != circuit_record::current_version) return out_of_range("version", r.version, "1");
  if (r.mode > circuit_mode::metrics_only) return out_of_range("mode", static_cast<std::uint64_t>(r.mode), "0 to 3");
  if (r.state > circuit_state::ramping) return out_of_range("state", static_cast<std::uint64_t>(r.state), "0 to 3");
  if (r.open_left < duration::zero())
    return "circuit_record.open_left is " + std::to_string(r.open_left.count()) + " ns; allowed: 0 ns or more";
  if (r.open_left != duration::zero() && r.state != circuit_state::open)
    return "circuit_record.open_left is " + std::to_string(r.open_left.count()) +
           " ns though the state is not open; allowed: 0 ns";
  if (r.consecutive_failures > 65'535) return out_of_range("consecutive_failures", r.consecutive_failures, "0 to 65535");
  if (r.probes_succeeded > 1'023) return out_of_range("probes_succeeded", r.probes_succeeded, "0 to 1023");
  if (r.probes_failed > 1'023) return out_of_range("probes_failed", r.probes_failed, "0 to 1023");
  if (r.ramp_step > 7) return out_of_range("ramp_step", r.ramp_step, "0 to 7");
  return {};
}

/// Throws error{invalid_argument} that names the member, its value and its range, or does nothing.
inline void validate(const circuit_record& r) {
  if (const std::string problem = problem_of(r); !problem.empty()) detail::fail(errc::invalid_argument, problem);
}

}  // namespace gabion::inline v0
