// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/detail/attempt_reserve.hpp>

namespace gabion {
inline namespace v0 {

/// How much a retry budget allows. New members go last.
struct retry_budget_options {
  std::uint32_t tokens = 100;  ///< how many it holds, and begins with; 2 to 1'000'000; default 100
  std::uint32_t percent = 20;  ///< of a token comes back with each success; 1 to 1000; default 20
  /// Attempts that are allowed though the tokens say no; 0 to 1'000'000; default 3
  std::uint32_t per_second = 3;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const retry_budget_options& o) noexcept {
  if (const auto p = out_of_range("tokens", o.tokens, 2, 1'000'000, "2 to 1000000")) return p;
  if (const auto p = out_of_range("percent", o.percent, 1, 1000, "1 to 1000")) return p;
  return out_of_range("per_second", o.per_second, 0, 1'000'000, "0 to 1000000");
}

}  // namespace detail

/// True if a budget takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const retry_budget_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const retry_budget_options& o) {
  detail::refuse_option("retry_budget_options", detail::problem_of(o));
}

/// Retries and hedges of many calls to one backend, paid for by successes: each failure costs a
/// token, each success brings `percent` of one back, and there is a retry only while more than half
/// of the tokens are left. A hedge costs a token of its own and must leave more than half. So a
/// backend that fails one call in six (at 20 percent) is retried, one that is down is not.
///
/// Exact in hundredths of a token. It reads the clock only when it would refuse. Lock-free,
/// thread-safe: a load and, unless the budget is full, one compare-and-exchange per event. Neither
/// copied nor moved: policies point to it. Source: gRPC proposal A6, "gRPC Retry Design", retry
/// throttling.
template <env Env = native_env>
class basic_retry_budget {
 public:
  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_retry_budget(const retry_budget_options& options = {})
      : options_{(gabion::validate(options), options)},
        reserve_{options.per_second},
        level_{full()} {}
  basic_retry_budget(const basic_retry_budget&) = delete;
  basic_retry_budget& operator=(const basic_retry_budget&) = delete;

  template <class Now>
  void note(budget_event what, const Now& /*now*/) noexcept {
    if (what == budget_event::success) pay_in();
    if (what == budget_event::failure) pay_out();
  }

  /// Whether a retry may follow a failure that has been noted, or whether a hedge may start.
  template <class Now>
  [[nodiscard("it says whether the attempt may be made")]] bool try_spend(extra_attempt what,
                                                                          const Now& now) noexcept {
    const bool granted = what == extra_attempt::retry
                             ? level_.load(std::memory_order_relaxed) > full() / 2
                             : pay_for_hedge();
    return granted || reserve_.try_take(now);
  }

  /// The tokens that are left, rounded down. A snapshot.
  [[nodiscard]] std::uint32_t tokens() const noexcept {
    return level_.load(std::memory_order_relaxed) / token;
  }
  [[nodiscard]] const retry_budget_options& options() const noexcept { return options_; }

 private:
  static constexpr std::uint32_t token = 100;
  [[nodiscard]] std::uint32_t full() const noexcept { return options_.tokens * token; }

  void pay_in() noexcept {
    std::uint32_t seen = level_.load(std::memory_order_relaxed);
    while (seen < full()) {
      const std::uint32_t wanted =
          full() - seen < options_.percent ? full() : seen + options_.percent;
      if (level_.compare_exchange_weak(seen, wanted, std::memory_order_relaxed,
                                       std::memory_order_relaxed))
        return;
    }
  }
  void pay_out() noexcept {
    std::uint32_t seen = level_.load(std::memory_order_relaxed);
    while (seen > 0 &&
           !level_.compare_exchange_weak(seen, seen < token ? 0 : seen - token,
                                         std::memory_order_relaxed, std::memory_order_relaxed)) {}
  }
  [[nodiscard]] bool pay_for_hedge() noexcept {
    std::uint32_t seen = level_.load(std::memory_order_relaxed);
    while (seen > full() / 2 + token)
      if (level_.compare_exchange_weak(seen, seen - token, std::memory_order_relaxed,
                                       std::memory_order_relaxed))
        return true;
    return false;
  }

  retry_budget_options options_;
  detail::attempt_reserve<Env> reserve_;
  typename Env::template atomic<std::uint32_t> level_;
};

/// The budget on the standard atomics.
using retry_budget = basic_retry_budget<>;

}  // namespace v0
}  // namespace gabion
