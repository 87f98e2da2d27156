// SPDX-License-Identifier: MIT
// Random sequences out of a seed: small numbers, so that every edge is met.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

#include "resilience/circuit_sequence.hpp"

namespace circuit_model {

class generator {
 public:
  explicit generator(std::uint64_t seed) : random_{seed} {}

  sequence make() {
    sequence s;
    constexpr std::array<duration, 3> units{duration{1}, std::chrono::milliseconds{1},
                                            std::chrono::hours{1}};
    s.unit = units.at(below(3));
    unit_ = s.unit;
    modes_ = chance(30);
    ramps_ = chance(40);
    backwards_ = chance(15);
    timed_ = chance(50);
    failing_ = below(10);
    for (circuit_breaker_options& o : s.options) {
      do o = options();
      while (!valid(o));
    }
    s.operations.reserve(steps);
    for (std::uint32_t i = 0; i < steps; ++i) s.operations.push_back(next());
    return s;
  }

 private:
  static constexpr std::uint32_t steps = 60;

  std::mt19937_64 random_;
  duration unit_{1};
  bool modes_ = false, ramps_ = false, backwards_ = false, timed_ = false;
  std::uint32_t failing_ = 5;

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  std::uint32_t from(std::uint32_t low, std::uint32_t high) { return low + below(high - low + 1); }
  bool chance(std::uint32_t percent) { return below(100) < percent; }
  duration time(std::uint32_t low, std::uint32_t high) { return from(low, high) * unit_; }
  std::uint32_t percent() {
    constexpr std::array<std::uint32_t, 8> some{1, 25, 33, 50, 51, 67, 99, 100};
    return some.at(below(8));
  }
  std::uint32_t percent_or_off() { return chance(50) ? percent() : 0; }

  template <class Rules>
  void rates(Rules& r, bool slow) {
    r.failure_percent = slow && chance(40) ? 0 : percent();
    r.minimum_calls = from(1, 6);
    if (slow) r.slow_percent = percent_or_off(), r.slow_or_failed_percent = percent_or_off();
  }

  circuit_breaker_options options() {
    circuit_breaker_options o;
    o.failures = chance(60) ? from(1, 5) : 0;
    if (timed_ && chance(80)) o.slow_after = time(1, 8);
    const bool slow = o.slow_after != duration::zero();
    if (chance(50)) o.window.calls = chance(20) ? from(15, 24) : from(1, 9), rates(o.window, slow);
    if (timed_ && chance(60)) {
      o.time_window.buckets = from(1, 4);
      o.time_window.span = o.time_window.buckets * time(1, 4);
      if (chance(20)) o.time_window.span += time(0, 3);
      rates(o.time_window, slow);
    }
    o.count_overdue = slow && chance(40);
    o.open_for = chance(3) ? (duration::max)() : time(1, 8);
    growth(o);
    o.max_stated_open = time(1, 12);
    o.half_open_permits = from(1, 3);
    o.successes_to_close = from(1, 3);
    if (chance(50)) o.half_open_calls = from(1, 5);
    if (chance(25)) o.half_open_failure_percent = percent();
    o.half_open_for = time(0, 5);
    if (ramps_) ramp(o.ramp);
    return o;
  }

  void growth(circuit_breaker_options& o) {
    if (chance(50)) o.open_growth.factor_percent = from(100, 300);
    if (chance(50)) o.open_growth.max = time(1, 30);
    if (chance(50)) o.open_growth.quiet_for = time(0, 10);
    if (chance(20)) o.open_time = by_attempt;
  }

  void ramp(gabion::circuit_ramp_options& r) {
    const std::uint32_t n = below(4);
    std::uint32_t share = 0;
    for (std::uint32_t i = 0; i < n; ++i)
      r.percent.at(i) = static_cast<std::uint8_t>(share = from(share + 1, 90 + i));
    r.step_calls = below(5);
    r.step_for = time(0, 4);
  }

  static duration by_attempt(const gabion::circuit_open_request& q) noexcept {
    if (q.attempt % 4 == 3) return duration{-1};
    return q.planned / 2 + (q.cause == circuit_cause::probe_lost ? 7 : 1) * duration{q.attempt};
  }

  operation next() {
    const std::uint32_t dice = below(100);
    if (dice < 44) return {};
    if (dice < 75) return settle();
    if (dice < 90) return {.what = action::advance, .amount = step_of_time()};
    if (dice < 92) return {.what = action::reconfigure, .which = below(3)};
    if (dice < 94)
      return {.what = action::trip,
              .amount = chance(5) ? for_ever : static_cast<std::int64_t>(from(0, 8)) - 1};
    if (dice < 95) return {.what = action::reset};
    if (dice < 96) return {.what = action::save_restore};
    if (dice < 97) return {.what = action::restore, .record = record()};
    if (modes_) return {.what = action::set_mode, .which = below(4)};
    return {.what = action::advance, .amount = 1};
  }

  operation settle() {
    operation x{.what = action::settle, .which = chance(50) ? 0 : below(100)};
    const std::uint32_t dice = below(20);
    x.how = dice == 0              ? verdict::ignored
            : dice == 1            ? verdict::cancelled
            : dice == 2            ? dropped
            : below(10) < failing_ ? verdict::failure
                                   : verdict::success;
    if (x.how == verdict::failure && chance(5))
      x.amount = chance(10) ? for_ever : static_cast<std::int64_t>(from(0, 15)) - 1;
    return x;
  }

  std::int64_t step_of_time() {
    const std::uint32_t dice = below(20);
    if (backwards_ && dice < 4) return -static_cast<std::int64_t>(from(1, 6));
    return dice == 4 ? 0 : dice == 5 ? from(30, 1000) : dice < 12 ? from(1, 2) : from(1, 9);
  }

  circuit_record record() {
    circuit_record r;
    r.state = static_cast<circuit_state>(below(4));
    if (modes_ && chance(30)) r.mode = static_cast<circuit_mode>(below(4));
    if (r.state == circuit_state::open) r.open_left = time(0, 9);
    r.consecutive_failures = below(4);
    r.probes_succeeded = below(3);
    r.probes_failed = below(3);
    r.ramp_step = below(4);
    r.attempt = chance(5) ? 0xffff'ffffU : below(5);
    return r;
  }
};

}  // namespace circuit_model
