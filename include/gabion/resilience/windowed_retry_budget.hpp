// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/detail/attempt_reserve.hpp>

namespace gabion {
inline namespace v0 {

/// How much a windowed retry budget allows. New members go last.
struct windowed_retry_budget_options {
  std::uint32_t percent = 20;  ///< extra attempts per hundred calls; 1 to 1000; default 20
  /// Attempts that are allowed without calls; 0 to 1'000'000; default 3
  std::uint32_t per_second = 3;
  /// What is not used so long is gone; 10 ms to 1 h; default 10 s
  duration keep = std::chrono::seconds{10};
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const windowed_retry_budget_options& o) noexcept {
  if (const auto p = out_of_range("percent", o.percent, 1, 1000, "1 to 1000")) return p;
  if (const auto p = out_of_range("per_second", o.per_second, 0, 1'000'000, "0 to 1000000"))
    return p;
  if (o.keep < std::chrono::milliseconds{10} || o.keep > std::chrono::hours{1})
    return {"keep", o.keep, "10 ms to 1 h"};
  return {};
}

}  // namespace detail

/// True if a budget takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const windowed_retry_budget_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const windowed_retry_budget_options& o) {
  detail::refuse_option("windowed_retry_budget_options", detail::problem_of(o));
}

/// Retries and hedges of many calls to one backend, paid for by calls: each call brings `percent`
/// of an attempt, which can be used for `keep` and is gone after at most a tenth more. However
/// calls fail, the load is at most 100 + percent percent of them, and what was saved in quiet hours
/// cannot be spent on one outage.
///
/// A call costs one addition, and every few calls one clock reading and one compare-and-exchange.
/// Spending looks at 11 cells, after a day of rest too. Lock-free, thread-safe. Neither copied nor
/// moved: policies point to it. Source: Finagle's RetryBudget; Beyer et al., "Site Reliability
/// Engineering", 2016, chapter 21.
template <env Env = native_env>
class basic_windowed_retry_budget {
 public:
  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_windowed_retry_budget(const windowed_retry_budget_options& options = {})
      : options_{(gabion::validate(options), options)}, reserve_{options.per_second} {}
  basic_windowed_retry_budget(const basic_windowed_retry_budget&) = delete;
  basic_windowed_retry_budget& operator=(const basic_windowed_retry_budget&) = delete;

  template <class Now>
  void note(budget_event what, const Now& now) noexcept {
    if (what != budget_event::call) return;
    // Whole attempts go into cells that expire; what is left over, below one, is carried on.
    const std::uint64_t before = carried_.fetch_add(options_.percent, std::memory_order_relaxed);
    const std::uint64_t whole = (before % 100 + options_.percent) / 100;
    if (whole > 0) pay_in(period(now()), whole);
  }

  template <class Now>
  [[nodiscard("it says whether the attempt may be made")]] bool try_spend(extra_attempt /*what*/,
                                                                          const Now& now) noexcept {
    const std::uint64_t current = period(now());
    for (std::uint64_t age = cells; age-- > 0;)  // the oldest first: it expires first
      if (current >= age && take_from(current - age)) return true;
    return reserve_.try_take(now);
  }

  /// The attempts that calls have paid for and that are not expired. A snapshot.
  [[nodiscard]] std::uint64_t available(instant now) const noexcept {
    const std::uint64_t current = period(now);
    std::uint64_t sum = 0;
    for (const auto& c : cells_) {
      const std::uint64_t seen = c.load(std::memory_order_relaxed);
      if (period_of(seen) <= current && current - period_of(seen) < cells) sum += count_of(seen);
    }
    return sum;
  }
  [[nodiscard]] const windowed_retry_budget_options& options() const noexcept { return options_; }

 private:
  static constexpr std::uint64_t parts = 10;
  static constexpr std::uint64_t cells = parts + 1;  // one more: the newest is not yet full
  // A cell: the period that it is for, and how many attempts are left of it. 2^40 periods of 1 ms
  // are 34 years.
  static constexpr unsigned count_bits = 24;
  static constexpr std::uint64_t most = (std::uint64_t{1} << count_bits) - 1;

  [[nodiscard]] static constexpr std::uint64_t count_of(std::uint64_t cell) noexcept {
    return cell & most;
  }
  [[nodiscard]] static constexpr std::uint64_t period_of(std::uint64_t cell) noexcept {
    return cell >> count_bits;
  }

  [[nodiscard]] std::uint64_t period(instant now) const noexcept {
    const std::int64_t since = duration{now.time_since_epoch()}.count();
    constexpr std::uint64_t last = (std::uint64_t{1} << (64 - count_bits)) - 1;
    return since < 0 ? 0
                     : (static_cast<std::uint64_t>(since) /
                        (static_cast<std::uint64_t>(options_.keep.count()) / parts)) &
                           last;
  }

  void pay_in(std::uint64_t current, std::uint64_t whole) noexcept {
    auto& cell = cells_[current % cells];
    std::uint64_t seen = cell.load(std::memory_order_relaxed);
    for (;;) {
      // A clock that is behind pays into what a clock ahead has begun.
      const std::uint64_t kept = period_of(seen) >= current ? seen : current << count_bits;
      const std::uint64_t wanted = count_of(kept) + whole > most ? kept | most : kept + whole;
      if (cell.compare_exchange_weak(seen, wanted, std::memory_order_relaxed,
                                     std::memory_order_relaxed))
        return;
    }
  }

  [[nodiscard]] bool take_from(std::uint64_t wanted) noexcept {
    auto& cell = cells_[wanted % cells];
    std::uint64_t seen = cell.load(std::memory_order_relaxed);
    while (period_of(seen) == wanted && count_of(seen) > 0)
      if (cell.compare_exchange_weak(seen, seen - 1, std::memory_order_relaxed,
                                     std::memory_order_relaxed))
        return true;
    return false;
  }

  windowed_retry_budget_options options_;
  detail::attempt_reserve<Env> reserve_;
  typename Env::template atomic<std::uint64_t> carried_{0};
  std::array<typename Env::template atomic<std::uint64_t>, cells> cells_{};
};

/// The budget on the standard atomics.
using windowed_retry_budget = basic_windowed_retry_budget<>;

}  // namespace v0
}  // namespace gabion
