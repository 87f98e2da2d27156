// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/chaos_options.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/shared_random.hpp>

namespace gabion {
inline namespace v0 {

/// No factory: results are left as they are.
struct no_chaos_result {};

namespace detail {

/// What a factory may look like for a call that returns Result.
template <class Factory, class Result>
concept makes_from_result = requires(Factory& make, const Result& real) {
  { make(real) } -> std::convertible_to<Result>;
};
template <class Factory, class Result>
concept makes_from_nothing = requires(Factory& make) {
  { make() } -> std::convertible_to<Result>;
};

}  // namespace detail

/// Makes calls slow, makes them fail, or makes them return something else, at random, to find out
/// what the caller does about it.
///
/// Each kind is decided by itself, in the order latency, error, result, and not at all once the
/// caller has asked to stop. A rate of 0 or 1,000,000 is exact and draws nothing; the same seed
/// gives the same sequence to calls made one after the other. `Factory` is called with the real
/// result, or with nothing, gives the replacement and must not throw; it may run on several threads
/// at once. It can be switched off and on while calls are made. To have it cost nothing at all, see
/// `chaos_if`.
///
/// Every member is safe to call from several threads, and lock-free with `basic_shared_random`.
/// Neither copied nor moved.
template <random_source Random = shared_random, env Env = native_env,
          class Factory = no_chaos_result>
class basic_chaos {
 public:
  class run;
  static constexpr policy_kind kind = policy_kind::chaos;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_chaos(const chaos_options& options = {}, Random random = Random{},
                       Factory factory = Factory{})
      : options_{(gabion::validate(options), options)},
        random_{std::move(random)},
        factory_(std::move(factory)),
        enabled_{options.enabled},
        latency_rate_{options.latency_rate},
        error_rate_{options.error_rate},
        result_rate_{options.result_rate} {}

  basic_chaos(const basic_chaos&) = delete;
  basic_chaos& operator=(const basic_chaos&) = delete;

  /// How long to delay this call; zero if it is spared.
  [[nodiscard]] duration latency(const std::stop_token& stop = {}) noexcept {
    if (!strikes(latency_rate_, stop)) return duration::zero();
    latencies_.fetch_add(1, std::memory_order_relaxed);
    const auto spread =
        static_cast<std::uint64_t>((options_.latency_max - options_.latency_min).count());
    return options_.latency_min +
           duration{static_cast<duration::rep>(spread == 0 ? 0 : random_.draw(spread + 1))};
  }

  /// The failure of this call; nothing if it is spared.
  [[nodiscard]] std::optional<refusal> failure(const std::stop_token& stop = {}) noexcept {
    if (!strikes(error_rate_, stop)) return std::nullopt;
    errors_.fetch_add(1, std::memory_order_relaxed);
    return refusal{options_.error, options_.retry_after};
  }

  /// What to return instead of `real`; nothing if it is spared.
  template <class Result>
  [[nodiscard]] std::optional<Result> replacement(const Result& real,
                                                  const std::stop_token& stop = {}) {
    if constexpr (std::same_as<Factory, no_chaos_result> || std::same_as<Result, no_value>) {
      return std::nullopt;
    } else {
      static_assert(
          detail::makes_from_result<Factory, Result> || detail::makes_from_nothing<Factory, Result>,
          "chaos: the factory must give the result type of the call, from `const Result&` or from "
          "nothing");
      if (!strikes(result_rate_, stop)) return std::nullopt;
      results_.fetch_add(1, std::memory_order_relaxed);
      if constexpr (detail::makes_from_result<Factory, Result>)
        return std::optional<Result>{factory_(real)};
      else
        return std::optional<Result>{factory_()};
    }
  }

  /// Switches all of it on or off. A call that has begun may still see the old state.
  void enable(bool on) noexcept { enabled_.store(on, std::memory_order_relaxed); }
  [[nodiscard]] bool enabled() const noexcept { return enabled_.load(std::memory_order_relaxed); }

  /// In parts per million; more than 1,000,000 is taken as that.
  void set_latency_rate(std::uint32_t ppm) noexcept { set(latency_rate_, ppm); }
  void set_error_rate(std::uint32_t ppm) noexcept { set(error_rate_, ppm); }
  void set_result_rate(std::uint32_t ppm) noexcept { set(result_rate_, ppm); }

  [[nodiscard]] chaos_counts counts() const noexcept {
    return {latencies_.load(std::memory_order_relaxed), errors_.load(std::memory_order_relaxed),
            results_.load(std::memory_order_relaxed)};
  }

 private:
  using rate = typename Env::template atomic<std::uint32_t>;
  using counter = typename Env::template atomic<std::uint64_t>;

  static void set(rate& r, std::uint32_t value) noexcept {
    r.store(detail::min_of(value, chaos_always), std::memory_order_relaxed);
  }

  [[nodiscard]] bool strikes(const rate& r, const std::stop_token& stop) noexcept {
    if (!enabled()) return false;
    const std::uint32_t ppm = r.load(std::memory_order_relaxed);
    if (ppm == 0 || stop.stop_requested()) return false;
    return ppm == chaos_always || random_.draw(chaos_always) < ppm;
  }

  chaos_options options_;
  detail::random_gate<Random, Env> random_;
  [[no_unique_address]] Factory factory_;
  typename Env::template atomic<bool> enabled_;
  rate latency_rate_;
  rate error_rate_;
  rate result_rate_;
  counter latencies_{0};
  counter errors_{0};
  counter results_{0};
};

using chaos = basic_chaos<>;

/// One call's passage. Its delay stands for a slow other side, not for a queue: a timeout above it
/// counts it.
template <random_source Random, env Env, class Factory>
class basic_chaos<Random, Env, Factory>::run {
 public:
  explicit run(basic_chaos& policy) noexcept : chaos_{&policy} {}

  template <class Now>
  entry_step enter(call_context& context, const Now& now) noexcept {
    if (!delayed_) {
      delayed_ = true;
      const duration d = chaos_->latency(context.stop);
      if (d > duration::zero()) until_ = gabion::saturating_add(now(), d);
    }
    if (until_) {
      if (!context.stop.stop_requested() && now() < *until_) return entry_step::wait(*until_);
      until_.reset();
    }
    if (const auto why = chaos_->failure(context.stop)) return entry_step::refuse(*why);
    return entry_step::pass();
  }

  /// A call that was refused or threw has no result to replace.
  template <class Result, class Now>
  void settle_result(std::optional<Result>& result, call_outcome& outcome, call_context& context,
                     const Now& /*now*/) {
    if (!result.has_value()) return;
    std::optional<Result> other = chaos_->replacement(*result, context.stop);
    if (!other.has_value()) return;
    result.emplace(*std::move(other));
    outcome.verdict = outcome_traits<Result>::judge(*result);
    outcome.retry_after = gabion::stated_retry_after(*result);
  }

  template <class Now>
  exit_step leave(call_outcome& /*outcome*/, call_context& /*context*/,
                  const Now& /*now*/) noexcept {
    return exit_step::up();
  }

 private:
  basic_chaos* chaos_;
  std::optional<instant> until_{};
  bool delayed_ = false;
};

/// Chaos that is compiled out: it takes what `basic_chaos` takes, is empty, and does nothing.
class no_chaos {
 public:
  static constexpr policy_kind kind = policy_kind::chaos;

  constexpr no_chaos() noexcept = default;
  template <class... Rest>
  explicit constexpr no_chaos(const chaos_options& /*options*/, Rest&&... /*rest*/) noexcept {}

  static constexpr void enable(bool /*on*/) noexcept {}
  [[nodiscard]] static constexpr bool enabled() noexcept { return false; }
  static constexpr void set_latency_rate(std::uint32_t /*rate*/) noexcept {}
  static constexpr void set_error_rate(std::uint32_t /*rate*/) noexcept {}
  static constexpr void set_result_rate(std::uint32_t /*rate*/) noexcept {}
  [[nodiscard]] static constexpr chaos_counts counts() noexcept { return {}; }

  struct run {
    explicit constexpr run(no_chaos& /*chaos*/) noexcept {}
    template <class Now>
    static constexpr entry_step enter(call_context& /*context*/, const Now& /*now*/) noexcept {
      return entry_step::pass();
    }
    template <class Now>
    static constexpr exit_step leave(call_outcome& /*outcome*/, call_context& /*context*/,
                                     const Now& /*now*/) noexcept {
      return exit_step::up();
    }
  };
};

/// Chaos where the constant `On` is true, nothing otherwise; both are made and used alike.
template <bool On, random_source Random = shared_random, env Env = native_env,
          class Factory = no_chaos_result>
using chaos_if = std::conditional_t<On, basic_chaos<Random, Env, Factory>, no_chaos>;

}  // namespace v0
}  // namespace gabion
