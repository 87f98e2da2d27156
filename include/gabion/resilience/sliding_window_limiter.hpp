// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/detail/rate_run.hpp>
#include <gabion/resilience/detail/wide.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {

/// How many permits in any window of that length. New members go last.
struct sliding_window_options {
  /// Permits in any window. 1 and up; default 60.
  std::uint32_t limit = 60;
  /// The length of the window. At least `slices` nanoseconds, at most 366 days; default 1 min.
  duration window = std::chrono::minutes{1};
  /// How finely the window slides: a permit comes back up to window / slices late. 1 to 1000;
  /// default 10.
  std::uint32_t slices = 10;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const sliding_window_options& o) noexcept {
  if (o.limit == 0) return {"limit", 0, "at least 1"};
  if (const auto p = out_of_range("slices", o.slices, 1, 1000, "1 to 1000")) return p;
  if (o.window < duration{o.slices} || o.window > std::chrono::hours{24 * 366})
    return {"window", o.window, "1 ns for each slice to 366 days"};
  return {};
}

}  // namespace detail

/// True if a limiter takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const sliding_window_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const sliding_window_options& o) {
  detail::refuse_option("sliding_window_options", detail::problem_of(o));
}

namespace presets {

/// Never more than that in any window of that length: 60 per minute is at most 60 in any 60
/// seconds.
[[nodiscard]] constexpr sliding_window_options sliding_window_of(rate r) noexcept {
  return {.limit = r.permits, .window = r.per};
}

}  // namespace presets

/// Rate limiter by a sliding window: never more than `limit` permits in any window, wherever it
/// begins.
///
/// The window is counted in slices, so that memory is fixed: a permit counts until its whole slice
/// is a window old. Thus the limit is never exceeded, and a permit comes back after the window plus
/// at most one slice. (A pair of counters with a weighted average, as many have it, may exceed the
/// limit.) No permits can be reserved ahead: who may come when is known only once it is. A `now`
/// that goes back counts as the latest seen. Every member is safe to call from several threads; a
/// lock is held for a few instructions, never across code of yours. Nothing waits or allocates
/// after construction. O(slices) at worst, O(1) on average. Neither copied nor moved.
template <env Env = native_env>
class basic_sliding_window_limiter {
 public:
  using options_type = sliding_window_options;
  using run = detail::rate_run<basic_sliding_window_limiter>;
  static constexpr policy_kind kind = policy_kind::rate_limiter;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_sliding_window_limiter(const sliding_window_options& options = {})
      : limit_{(gabion::validate(options), options.limit)},
        slice_{(options.window.count() - 1) / options.slices + 1},
        counts_(options.slices + 1) {}

  basic_sliding_window_limiter(const basic_sliding_window_limiter&) = delete;
  basic_sliding_window_limiter& operator=(const basic_sliding_window_limiter&) = delete;

  /// Takes `permits` permits, or none and says when there will be enough; never for more than
  /// `limit`.
  rate_admission take(instant now, std::uint32_t permits = 1) noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    if (permits > limit_) return rate_admission::no((duration::max)());
    slide(now);
    if (permits > limit_ - used_) return rate_admission::no(wait(now, permits - (limit_ - used_)));
    counts_[cell(current_)] += permits;
    used_ += permits;
    return rate_admission::yes();
  }

  /// Calls f if there is a permit now and returns exactly what f returns; what f throws passes
  /// unchanged. If there is none, f isn't called: the answer is
  /// `outcome_traits<Result>::rejected(errc::rate_limited, retry_after)` if the type has it,
  /// otherwise refused_error is thrown.
  template <std::invocable Function, clock Clock = steady_clock>
  std::invoke_result_t<Function> call(Function&& f, const Clock& time = Clock{}) {
    return detail::call_limited(*this, time, std::forward<Function>(f));
  }

  /// How many permits could be taken at that moment.
  [[nodiscard]] std::uint32_t available(instant now) noexcept {
    const std::lock_guard<typename Env::mutex> guard{lock_};
    slide(now);
    return limit_ - used_;
  }

  /// How long after the last permit all is as if none had ever been taken, at most.
  [[nodiscard]] duration refill_time() const noexcept {
    return duration{slice_ * static_cast<duration::rep>(counts_.size())};
  }

 private:
  using slice_number = duration::rep;

  [[nodiscard]] std::size_t cell(slice_number s) const noexcept {
    const auto n = static_cast<slice_number>(counts_.size());
    const slice_number rest = s % n;
    return static_cast<std::size_t>(rest < 0 ? rest + n : rest);
  }

  [[nodiscard]] slice_number slice_of(instant now) const noexcept {
    const duration::rep t = now.time_since_epoch().count();
    return t / slice_ - (t % slice_ < 0 ? 1 : 0);
  }

  /// Forgets the slices that are a window old.
  void slide(instant now) noexcept {
    const slice_number now_in = slice_of(now);
    if (now_in <= current_) return;
    if (used_ == 0) {
      current_ = now_in;
      return;
    }
    const auto cells = static_cast<slice_number>(counts_.size());
    const slice_number steps = detail::saturating_subtract(now_in, current_);
    for (slice_number i = 1; i <= (steps < cells ? steps : cells); ++i) {
      std::uint32_t& old = counts_[cell(current_ + i)];
      used_ -= old;
      old = 0;
    }
    current_ = now_in;
  }

  /// How long it is until `missing` permits have come back.
  [[nodiscard]] duration wait(instant now, std::uint32_t missing) const noexcept {
    const auto cells = static_cast<slice_number>(counts_.size());
    for (slice_number i = 1;; ++i) {
      const std::uint32_t back = counts_[cell(current_ + i)];
      if (back < missing && i < cells) {
        missing -= back;
        continue;
      }
      // What was counted in the slice that this one takes the place of comes back as this one
      // begins.
      const detail::wide begins = detail::product(current_ + i, slice_);
      return duration{detail::narrowed(begins - now.time_since_epoch().count())};
    }
  }

  mutable typename Env::mutex lock_{};
  std::uint32_t limit_;
  std::uint32_t used_ = 0;
  duration::rep slice_;
  slice_number current_ = (std::numeric_limits<slice_number>::min)();
  std::vector<std::uint32_t> counts_;
};

/// The limiter for production.
using sliding_window_limiter = basic_sliding_window_limiter<>;

}  // namespace v0
}  // namespace gabion
