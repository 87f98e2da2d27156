// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/admission.hpp>
#include <gabion/resilience/detail/verdict_buckets.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/shared_random.hpp>
#include <gabion/resilience/throttle_permit.hpp>

namespace gabion {
inline namespace v0 {

/// What an adaptive throttle calls a request.
enum class throttle_counts : std::uint8_t {
  all,       ///< also the ones that it has rejected: the formula of the book
  executed,  ///< only those that were made; it rejects less
};

/// How an adaptive throttle decides. New members go last.
struct adaptive_throttle_options {
  throttle_counts counts = throttle_counts::all;  ///< default all
  /// Requests that are let through per accepted one, in percent: 200 lets the other side be asked
  /// twice as much as it takes. The lower, the earlier it throttles. 100 to 10,000; default 200.
  /// Success rate s instead: 100 / s, see `accepted_percent`.
  std::uint32_t k_percent = 200;
  /// If set, it throttles below this success rate, exactly as k = 100 / accepted_percent. 1 to 100;
  /// 0 = k_percent holds, the default.
  std::uint32_t accepted_percent = 0;
  /// Never rejects more, so recovery is seen; 1 to 100, 100 = the book; default 90
  std::uint32_t max_reject_percent = 90;
  /// Rejects none on fewer in the window; 0 and up; default 10
  std::uint32_t minimum_requests = 10;
  /// Each priority above normal adds so much to k_percent, or takes it off accepted_percent; each
  /// below the other way; held at their ranges. So the higher is throttled later. 0 to 1000, 0 =
  /// all alike; default 20.
  std::uint32_t priority_step = 20;
  /// The time looked back; at least 1 ms a bucket; default 2 min
  duration window = std::chrono::minutes{2};
  std::uint32_t buckets = 8;  ///< of the window; 1 to 64; default 8
};

namespace detail {

/// requests x base - accepts x weight over (requests + 1) x base.
struct throttle_ratio {
  std::uint64_t base = 100;
  std::uint64_t weight = 200;
};

[[nodiscard]] constexpr throttle_ratio ratio_for(const adaptive_throttle_options& o,
                                                 call_priority priority) noexcept {
  const auto steps =
      static_cast<std::int64_t>(priority) - static_cast<std::int64_t>(call_priority::normal);
  const std::int64_t shift = steps * std::int64_t{o.priority_step};
  const auto held = [](std::int64_t value, std::int64_t low, std::int64_t high) {
    return static_cast<std::uint64_t>(detail::clamped(value, low, high));
  };
  if (o.accepted_percent == 0) return {100, held(std::int64_t{o.k_percent} + shift, 100, 10'000)};
  return {held(std::int64_t{o.accepted_percent} - shift, 1, 100), 100};
}

[[nodiscard]] constexpr option_problem problem_of(const adaptive_throttle_options& o) noexcept {
  if (const auto p = out_of_range("k_percent", o.k_percent, 100, 10'000, "100 to 10000")) return p;
  if (const auto p = out_of_range("accepted_percent", o.accepted_percent, 0, 100, "0 to 100"))
    return p;
  if (const auto p = out_of_range("max_reject_percent", o.max_reject_percent, 1, 100, "1 to 100"))
    return p;
  if (const auto p = out_of_range("priority_step", o.priority_step, 0, 1000, "0 to 1000")) return p;
  if (const auto p = out_of_range("buckets", o.buckets, 1, 64, "1 to 64")) return p;
  if (o.window / std::int64_t{o.buckets} < std::chrono::milliseconds{1})
    return {"window", o.window, "at least 1 ms for each of the buckets"};
  return {};
}

}  // namespace detail

/// True if an adaptive throttle takes these options. For a `static_assert` on options known at
/// compile time.
[[nodiscard]] constexpr bool valid(const adaptive_throttle_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const adaptive_throttle_options& o) {
  detail::refuse_option("adaptive_throttle_options", detail::problem_of(o));
}

/// A look at an adaptive throttle. Not of one moment while calls are made.
struct adaptive_throttle_snapshot {
  std::uint64_t requests = 0;  ///< in the window, as `counts` says
  std::uint64_t accepts = 0;   ///< in the window
  /// The chance that the next call of normal priority is rejected: reject_part / reject_of.
  std::uint64_t reject_part = 0;
  std::uint64_t reject_of = 1;
  std::uint64_t admitted = 0;  ///< since it was made
  std::uint64_t rejected = 0;  ///< since it was made
};

/// Rejects, by chance, as much as the other side would reject, so that it is not worn down by
/// refusing.
///
/// p = max(0, (requests - k x accepts) / (requests + 1)), over a sliding window; a request is what
/// was accepted, what failed and, as the book has it, what was rejected here. A call that is
/// ignored, cancelled or abandoned is none. p is an exact fraction, held against an exact random
/// number; at p = 0 none is drawn. No allocation after construction, no clock reading, no waiting.
///
/// Every member is safe to call from several threads, and lock-free with `basic_shared_random`.
/// Neither copied nor moved: permits point to it and must not outlive it. O(buckets) for each call.
/// Source: Beyer et al., "Site Reliability Engineering", 2016, chapter 21, client-side throttling.
template <random_source Random = shared_random, env Env = native_env>
class basic_adaptive_throttle {
 public:
  using permit = basic_throttle_permit<basic_adaptive_throttle>;
  using admission = basic_admission<permit>;
  class run;
  static constexpr policy_kind kind = policy_kind::throttle;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_adaptive_throttle(const adaptive_throttle_options& options = {},
                                   Random random = Random{})
      : options_{(gabion::validate(options), options)},
        window_{options.window, options.buckets},
        random_{std::move(random)} {}

  basic_adaptive_throttle(const basic_adaptive_throttle&) = delete;
  basic_adaptive_throttle& operator=(const basic_adaptive_throttle&) = delete;

  /// A permit for one call, or a refusal `overloaded`. Never blocks.
  [[nodiscard]] admission try_acquire(instant now,
                                      call_priority priority = call_priority::normal) noexcept {
    if (rejects(now, priority)) {
      rejected_.fetch_add(1, std::memory_order_relaxed);
      if (options_.counts == throttle_counts::all) window_.other(now);
      return admission{refusal{errc::overloaded, {}}};
    }
    admitted_.fetch_add(1, std::memory_order_relaxed);
    return admission{permit{*this}};
  }

  [[nodiscard]] adaptive_throttle_snapshot snapshot(instant now) const noexcept {
    const detail::bucket_sum sum = window_.sum(now);
    const chance p = chance_of(sum, call_priority::normal);
    return {sum.accepted + sum.others,
            sum.accepted,
            p.part,
            p.of,
            admitted_.load(std::memory_order_relaxed),
            rejected_.load(std::memory_order_relaxed)};
  }

  [[nodiscard]] const adaptive_throttle_options& options() const noexcept { return options_; }

 private:
  friend permit;

  struct chance {
    std::uint64_t part = 0;
    std::uint64_t of = 1;
  };

  /// Sums are below 2^39, so that nothing here overflows.
  [[nodiscard]] chance chance_of(const detail::bucket_sum& sum,
                                 call_priority priority) const noexcept {
    const std::uint64_t requests = sum.accepted + sum.others;
    if (requests < options_.minimum_requests) return {};
    const detail::throttle_ratio ratio = detail::ratio_for(options_, priority);
    if (requests * ratio.base <= sum.accepted * ratio.weight) return {};
    const chance p{requests * ratio.base - sum.accepted * ratio.weight,
                   (requests + 1) * ratio.base};
    if (p.part * 100 > p.of * options_.max_reject_percent)
      return {options_.max_reject_percent, 100};
    return p;
  }

  [[nodiscard]] bool rejects(instant now, call_priority priority) noexcept {
    const chance p = chance_of(window_.sum(now), priority);
    return p.part != 0 && random_.draw(p.of) < p.part;
  }

  void settle(bool accepted, instant now) noexcept {
    if (accepted)
      window_.accepted(now);
    else
      window_.other(now);
  }

  adaptive_throttle_options options_;
  detail::verdict_buckets<Env> window_;
  detail::random_gate<Random, Env> random_;
  typename Env::template atomic<std::uint64_t> admitted_{0};
  typename Env::template atomic<std::uint64_t> rejected_{0};
};

using adaptive_throttle = basic_adaptive_throttle<>;

/// One call's passage. What the call below was refused counts for nothing: it says nothing about
/// the other side.
template <random_source Random, env Env>
class basic_adaptive_throttle<Random, Env>::run {
 public:
  explicit run(basic_adaptive_throttle& throttle) noexcept : throttle_{&throttle} {}

  template <class Now>
  entry_step enter(call_context& context, const Now& now) noexcept {
    admission entry = throttle_->try_acquire(now(), context.priority);
    if (!entry) return entry_step::refuse(entry.why());
    permit_ = std::move(entry.permit());
    return entry_step::pass();
  }

  template <class Now>
  exit_step leave(call_outcome& outcome, call_context& /*context*/, const Now& now) noexcept {
    if (outcome.never_called())
      permit_.ignore();
    else
      permit_.settle(outcome.verdict, now());
    return exit_step::up();
  }

 private:
  basic_adaptive_throttle* throttle_;
  permit permit_{};
};

}  // namespace v0
}  // namespace gabion
