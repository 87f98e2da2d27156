// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>

#include <gabion/core/env.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/detail/fallback_handler.hpp>
#include <gabion/resilience/fallback.hpp>
#include <gabion/resilience/last_good.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// Remembers what succeeds, and answers what fails or is refused with the last good value of the
/// same key, if it is not too old.
///
/// `key_of(const call_context&)` gives the key: what is asked for, not which call it is. A success
/// costs one lock and a copy of the value. Stands below other fallbacks, or it would remember their
/// answers. The cache may be shared with others and must outlive this. That an answer is degraded
/// can be seen in the result if its outcome_traits have `mark_degraded(Result&)`. Safe to use from
/// several threads if `key_of` is. Neither copied nor moved.
template <class Cache, class KeyOf, env Env = native_env>
class basic_last_good_fallback {
  static_assert(std::is_invocable_r_v<typename Cache::key_type, KeyOf&, const call_context&>,
                "last_good_fallback: the function must give the cache's key for a const "
                "gabion::call_context&");

 public:
  static constexpr policy_kind kind = policy_kind::fallback;

  basic_last_good_fallback(Cache& cache, KeyOf key_of)
      : cache_{&cache}, key_of_{std::move(key_of)} {}
  basic_last_good_fallback(const basic_last_good_fallback&) = delete;
  basic_last_good_fallback& operator=(const basic_last_good_fallback&) = delete;

  /// One call's passage.
  class run {
   public:
    explicit run(basic_last_good_fallback& policy) noexcept : policy_{&policy} {}

    template <class Now>
    [[nodiscard]] entry_step enter(const call_context& /*context*/,
                                   const Now& /*now*/) const noexcept {
      return entry_step::pass();
    }
    template <class Result, class Now>
    void settle_result(std::optional<Result>& result, call_outcome& outcome,
                       const call_context& context, const Now& now) {
      static_assert(std::same_as<Result, typename Cache::value_type>,
                    "last_good_fallback: the calls must return the cache's value type");
      if (outcome.verdict == verdict::success && result.has_value())
        policy_->cache_->put(policy_->key_of_(context), *result, now());
      else if (outcome.verdict == verdict::failure)
        policy_->answer(result, outcome, context, now());
    }
    template <class Now>
    [[nodiscard]] exit_step leave(const call_outcome& /*outcome*/, const call_context& /*context*/,
                                  const Now& /*now*/) const noexcept {
      return exit_step::up();
    }

   private:
    basic_last_good_fallback* policy_;
  };

  [[nodiscard]] fallback_counts counts() const noexcept {
    return {used_.load(std::memory_order_relaxed), declined_.load(std::memory_order_relaxed), 0};
  }

 private:
  template <class Result>
  void answer(std::optional<Result>& result, call_outcome& outcome, const call_context& context,
              instant now) {
    std::optional<remembered<Result>> known = cache_->get(key_of_(context), now);
    (known ? used_ : declined_).fetch_add(1, std::memory_order_relaxed);
    if (!known) return;
    outcome = call_outcome{};
    result.reset();
    result.emplace(std::move(known->value));
    if constexpr (detail::marks_degraded<Result>) outcome_traits<Result>::mark_degraded(*result);
  }

  Cache* cache_;
  KeyOf key_of_;
  typename Env::template atomic<std::uint64_t> used_{0};
  typename Env::template atomic<std::uint64_t> declined_{0};
};

template <class Cache, class KeyOf>
basic_last_good_fallback(Cache&, KeyOf) -> basic_last_good_fallback<Cache, KeyOf>;

}  // namespace v0
}  // namespace gabion
