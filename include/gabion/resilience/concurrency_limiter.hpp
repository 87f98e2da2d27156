// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/admission.hpp>
#include <gabion/resilience/concurrency_options.hpp>
#include <gabion/resilience/concurrency_permit.hpp>
#include <gabion/resilience/detail/concurrency_word.hpp>
#include <gabion/resilience/detail/limit_range.hpp>
#include <gabion/resilience/detail/sample_window.hpp>
#include <gabion/resilience/limit_algorithm.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// What a concurrency limiter has counted since it was made.
struct concurrency_counts {
  std::uint64_t success = 0;
  std::uint64_t dropped = 0;
  std::uint64_t ignored = 0;
  std::uint64_t abandoned = 0;  ///< permits without a verdict
  std::uint64_t rejected = 0;
  /// Of the successes: begun before the baseline was measured anew, so not a sample
  std::uint64_t stale = 0;
  /// Of the successes: ended while another thread's was taken in, so not a sample
  std::uint64_t skipped = 0;

  /// Permits that were granted and have come back.
  [[nodiscard]] constexpr std::uint64_t settled() const noexcept {
    return success + dropped + ignored + abandoned;
  }
  friend bool operator==(const concurrency_counts&, const concurrency_counts&) = default;
};

/// A look at a concurrency limiter. Limit, calls in flight and epoch are of one moment.
struct concurrency_snapshot {
  std::uint32_t limit = 0;
  std::uint32_t in_flight = 0;  ///< may be above a limit that has just shrunk
  std::uint32_t epoch = 0;      ///< how often the baseline was measured anew; wraps after 65,536
  concurrency_counts counts{};
};

/// Finds out how many calls the other side can take at a time, and lets no more through.
///
/// At every moment a call is admitted only if fewer are in flight than the limit says. What calls
/// took moves the limit, by `Limit`: aimd_limit, vegas_limit, gradient2_limit, or your own. Nothing
/// here waits, sleeps, reads a clock or allocates. One thread at a time teaches the algorithm; a
/// sample that meets another is left out and counted, a drop never is.
///
/// Every member is safe to call from several threads, and lock-free. Neither copied nor moved:
/// permits point to it and must not outlive it.
template <limit_algorithm Limit, env Env = native_env>
class basic_concurrency_limiter {
 public:
  using permit = basic_concurrency_permit<basic_concurrency_limiter>;
  using admission = basic_admission<permit>;
  class run;
  static constexpr policy_kind kind = policy_kind::concurrency_limiter;
  static constexpr bool holds_permit = true;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_concurrency_limiter(Limit limit, const concurrency_limiter_options& options = {})
      : options_{(gabion::validate(options), options)},
        word_{detail::concurrency_word{}.with_limit(bounded(limit)).bits()},
        window_{options.window},
        algorithm_{std::move(limit)} {}

  basic_concurrency_limiter(const basic_concurrency_limiter&) = delete;
  basic_concurrency_limiter& operator=(const basic_concurrency_limiter&) = delete;

  /// A permit for one call that begins now, or a refusal `overloaded`. Never blocks.
  [[nodiscard]] admission try_acquire(instant now) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    do {
      const detail::concurrency_word w{seen};
      if (w.in_flight() >= w.limit()) {
        rejected_.fetch_add(1, std::memory_order_relaxed);
        return admission{refusal{errc::overloaded, {}}};
      }
    } while (!word_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    const detail::concurrency_word w{seen};
    return admission{permit{*this, stamp{now, w.in_flight() + 1, w.epoch()}}};
  }

  [[nodiscard]] concurrency_snapshot snapshot() const noexcept {
    const detail::concurrency_word w{word_.load(std::memory_order_acquire)};
    const auto read = [](const auto& c) { return c.load(std::memory_order_relaxed); };
    return {w.limit(),
            w.in_flight(),
            w.epoch(),
            {read(success_), read(dropped_), read(ignored_), read(abandoned_), read(rejected_),
             read(stale_), read(skipped_)}};
  }

  /// The limit that holds now.
  [[nodiscard]] std::uint32_t limit() const noexcept { return snapshot_word().limit(); }
  /// The calls in flight now.
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return snapshot_word().in_flight(); }
  [[nodiscard]] const concurrency_limiter_options& options() const noexcept { return options_; }

 private:
  friend permit;
  template <class T>
  using atomic = typename Env::template atomic<T>;
  static constexpr std::uint64_t one_less = ~std::uint64_t{0};

  /// What a permit remembers of the moment it was granted.
  struct stamp {
    instant at{};
    std::uint32_t in_flight = 0;
    std::uint32_t epoch = 0;
  };

  [[nodiscard]] static std::uint32_t bounded(const Limit& limit) noexcept {
    return detail::clamped<std::uint32_t>(limit.limit(), 1, detail::max_concurrency);
  }
  [[nodiscard]] detail::concurrency_word snapshot_word() const noexcept {
    return detail::concurrency_word{word_.load(std::memory_order_relaxed)};
  }

  void abandon() noexcept {
    word_.fetch_add(one_less, std::memory_order_acq_rel);
    abandoned_.fetch_add(1, std::memory_order_relaxed);
  }

  void settle(const stamp& begun, limit_verdict v, instant now) noexcept {
    const detail::concurrency_word w{word_.fetch_add(one_less, std::memory_order_acq_rel)};
    if (v == limit_verdict::ignored) return count(ignored_);
    if (v == limit_verdict::dropped) {
      count(dropped_);
      drop_seen_.store(true, std::memory_order_release);
    } else {
      count(success_);
      if (w.epoch() != begun.epoch) return count(stale_);
    }
    learn(begun, v, now);
  }

  static void count(atomic<std::uint64_t>& c) noexcept {
    c.fetch_add(1, std::memory_order_relaxed);
  }

  /// Whoever comes while another thread is here goes on without: nobody waits for the algorithm.
  void learn(const stamp& begun, limit_verdict v, instant now) noexcept {
    if (busy_.exchange(true, std::memory_order_acquire)) {
      if (v == limit_verdict::success) count(skipped_);
      return;
    }
    take_in(begun, now);
    busy_.store(false, std::memory_order_release);
  }

  void take_in(const stamp& begun, instant now) noexcept {
    // A sample of an epoch that ended between the check and here must not reach the new baseline.
    // The epoch stands still here.
    const bool dropped = drop_seen_.load(std::memory_order_relaxed) &&
                         drop_seen_.exchange(false, std::memory_order_acq_rel);
    if (!dropped && snapshot_word().epoch() != begun.epoch) return count(stale_);
    const duration rtt = detail::max_of(options_.shortest_rtt, gabion::elapsed(begun.at, now));
    const std::optional<limit_sample> sample = window_.add({rtt, begun.in_flight, dropped}, now);
    if (!sample) return;
    const limit_effect effect = algorithm_.update(*sample);
    publish(bounded(algorithm_), effect == limit_effect::restart);
  }

  void publish(std::uint32_t limit, bool restart) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    if (!restart && detail::concurrency_word{seen}.limit() == limit) return;
    detail::concurrency_word next;
    do {
      next = detail::concurrency_word{seen}.with_limit(limit);
      if (restart) next = next.next_epoch();
    } while (!word_.compare_exchange_weak(seen, next.bits(), std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
  }

  concurrency_limiter_options options_;
  alignas(64) atomic<std::uint64_t> word_;
  alignas(64) atomic<bool> busy_{false};
  atomic<bool> drop_seen_{false};
  detail::sample_window window_;
  Limit algorithm_;
  alignas(64) atomic<std::uint64_t> success_{0};
  atomic<std::uint64_t> dropped_{0};
  atomic<std::uint64_t> ignored_{0};
  atomic<std::uint64_t> abandoned_{0};
  atomic<std::uint64_t> rejected_{0};
  atomic<std::uint64_t> stale_{0};
  atomic<std::uint64_t> skipped_{0};
};

template <limit_algorithm Limit>
basic_concurrency_limiter(Limit) -> basic_concurrency_limiter<Limit>;
template <limit_algorithm Limit>
basic_concurrency_limiter(Limit, concurrency_limiter_options) -> basic_concurrency_limiter<Limit>;

/// One call's passage: holds a place while what lies below runs.
///
/// Dropped are: a call that ran out of time, and one that brought a stated wait. Ignored are what
/// never ran, what the caller gave up, and what is judged ignored. Other failures are what
/// `failures` says.
template <limit_algorithm Limit, env Env>
class basic_concurrency_limiter<Limit, Env>::run {
 public:
  explicit run(basic_concurrency_limiter& limiter) noexcept : limiter_{&limiter} {}

  template <class Now>
  entry_step enter(call_context& /*context*/, const Now& now) noexcept {
    admission entry = limiter_->try_acquire(now());
    if (!entry) return entry_step::refuse(entry.why());
    permit_ = std::move(entry.permit());
    return entry_step::pass();
  }

  template <class Now>
  exit_step leave(call_outcome& outcome, call_context& context, const Now& now) noexcept {
    if (outcome.never_called() || outcome.verdict == verdict::ignored ||
        outcome.verdict == verdict::cancelled) {
      permit_.ignore();
      return exit_step::up();
    }
    const instant end = now();
    permit_.settle(judge(outcome, context, end), end);
    return exit_step::up();
  }

 private:
  [[nodiscard]] limit_verdict judge(const call_outcome& outcome, const call_context& context,
                                    instant end) const noexcept {
    if (outcome.verdict == verdict::success) return limit_verdict::success;
    if (outcome.refused || outcome.retry_after || context.until.expired(end))
      return limit_verdict::dropped;
    return limiter_->options_.failures;
  }

  basic_concurrency_limiter* limiter_;
  permit permit_{};
};

}  // namespace v0
}  // namespace gabion
