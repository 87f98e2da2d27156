// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_options.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What one step of a breaker needs to know of an `open_time` function that can only be asked
/// without the lock: the step says what to ask, gives the lock back, and is run again with the
/// answer.
class circuit_question {
 public:
  /// The open time if it is known: no function, or the answer to this very question. Otherwise
  /// asks.
  [[nodiscard]] bool knows(duration (*open_time)(const circuit_open_request&) noexcept,
                           const circuit_open_request& request, duration& time) noexcept {
    time = request.planned;
    if (open_time == nullptr) return true;
    if (answered_ && request.attempt == request_.attempt && request.cause == request_.cause) {
      time = answer_;
      return true;
    }
    ask_ = open_time;
    request_ = request;
    return false;
  }

  [[nodiscard]] bool asked() const noexcept { return ask_ != nullptr; }
  void find_out() noexcept {
    answer_ = detail::max_of(ask_(request_), duration{1});
    answered_ = true;
    ask_ = nullptr;
  }

  /// The step has done what must not be done twice.
  bool recorded = false;

 private:
  duration (*ask_)(const circuit_open_request&) noexcept = nullptr;
  circuit_open_request request_{};
  duration answer_{};
  bool answered_ = false;
};

/// How long the circuit stays open, from one time to the next.
class circuit_opening {
 public:
  explicit circuit_opening(const circuit_growth_options& o) noexcept
      : random_{o.seed == 0 && o.jitter_percent != 0 ? gabion::random_seed() : o.seed} {}

  /// Other jitter from now on. The same options go on as they were.
  void reseed(const circuit_growth_options& before, const circuit_growth_options& o) noexcept {
    if (before.seed != o.seed || (before.jitter_percent == 0 && o.jitter_percent != 0)) {
      const std::uint32_t attempt = attempt_;
      const instant since = closed_since_;
      *this = circuit_opening{o};
      attempt_ = attempt;
      closed_since_ = since;
    }
  }

  [[nodiscard]] std::uint32_t attempt() const noexcept { return attempt_; }
  void set_attempt(std::uint32_t attempt) noexcept { attempt_ = attempt; }
  void closed(instant at) noexcept { closed_since_ = at; }

  /// The next opening, out of the closed state or out of recovery.
  [[nodiscard]] circuit_open_request next(const circuit_breaker_options& o, circuit_cause cause,
                                          bool closed, instant now) noexcept {
    const bool quiet =
        attempt_ != 0 && closed && gabion::elapsed(closed_since_, now) >= o.open_growth.quiet_for;
    const std::uint32_t attempt = quiet                           ? 1
                                  : attempt_ == ~std::uint32_t{0} ? attempt_
                                                                  : attempt_ + 1;
    return {attempt, cause, planned(o, attempt)};
  }

 private:
  [[nodiscard]] duration planned(const circuit_breaker_options& o, std::uint32_t attempt) noexcept {
    const auto first = static_cast<std::uint64_t>(o.open_for.count());
    const auto cap =
        static_cast<std::uint64_t>(detail::max_of(o.open_growth.max, o.open_for).count());
    std::uint64_t time = detail::grow(first, o.open_growth.factor_percent, attempt - 1, cap);
    if (o.open_growth.jitter_percent != 0 && o.open_for != (duration::max)()) {
      const std::uint64_t part = time / 100 * o.open_growth.jitter_percent +
                                 time % 100 * o.open_growth.jitter_percent / 100;
      time = gabion::uniform(random_, detail::max_of(time - part, std::uint64_t{1}), time);
    }
    return duration{static_cast<duration::rep>(time)};
  }

  std::uint32_t attempt_ = 0;
  instant closed_since_ = (instant::min)();
  xoshiro256 random_;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
