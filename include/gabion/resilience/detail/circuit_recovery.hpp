// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_options.hpp>

// The way back from open to closed, as pure decisions.
namespace gabion {
inline namespace v0 {
namespace detail {

enum class circuit_recovery : std::uint8_t { undecided, recovered, failed };

/// What the probes that have come back say.
///
/// By number: recovered at successes >= successes_to_close, failed as soon as the probes that are
/// left cannot reach that any more. By rate: on the last of the probes, failed if failed * 100 >=
/// percent * probes.
[[nodiscard]] constexpr circuit_recovery judge_probes(const circuit_breaker_options& o,
                                                      std::uint32_t successes,
                                                      std::uint32_t failed) noexcept {
  const std::uint32_t probes = detail::circuit_probes(o);
  if (o.half_open_failure_percent != 0) {
    const std::uint32_t recorded = successes + failed;
    if (recorded < probes) return circuit_recovery::undecided;
    return failed * 100 >= o.half_open_failure_percent * recorded ? circuit_recovery::failed
                                                                  : circuit_recovery::recovered;
  }
  if (successes >= o.successes_to_close) return circuit_recovery::recovered;
  return failed > probes - o.successes_to_close ? circuit_recovery::failed
                                                : circuit_recovery::undecided;
}

/// Which calls are let through while a circuit recovers by degrees, and when the next degree is
/// due. For use under a lock.
class circuit_ramp {
 public:
  void begin(std::uint32_t step, instant now) noexcept {
    step_ = step;
    since_ = now;
    recorded_ = 0;
    ticket_ = 0;
  }
  /// The share that is let through now; 0 if there is no such step.
  [[nodiscard]] std::uint32_t percent(const circuit_ramp_options& o) const noexcept {
    return step_ < o.percent.size() ? o.percent[step_] : 0;
  }
  [[nodiscard]] std::uint32_t step() const noexcept { return step_; }

  /// Of each hundred calls, counted from the begin of the step, exactly `percent` are let through,
  /// the first one too.
  [[nodiscard]] bool admits(const circuit_ramp_options& o) noexcept {
    const std::uint32_t percent = this->percent(o);
    const bool admitted = ticket_ * percent % 100 < percent;
    ticket_ = (ticket_ + 1) % 100;
    return admitted;
  }

  void record() noexcept { ++recorded_; }

  /// Goes on to the next step if the present one is done. False if there is none: recovered.
  [[nodiscard]] bool advance(const circuit_ramp_options& o, instant now) noexcept {
    if (percent(o) != 0 && (recorded_ < o.step_calls || gabion::elapsed(since_, now) < o.step_for))
      return true;
    begin(step_ + 1, now);
    return percent(o) != 0;
  }

 private:
  std::uint32_t step_ = 0;
  instant since_{};
  std::uint32_t recorded_ = 0;
  std::uint32_t ticket_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
