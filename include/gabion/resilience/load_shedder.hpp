// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/load_source.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// At which load whom is turned away, in percent; 1 to 100, 0 = never. A higher priority must not
/// go before a lower one. New members go last.
struct load_shedder_options {
  std::uint32_t background = 70;  ///< default 70
  std::uint32_t low = 80;         ///< default 80
  std::uint32_t normal = 90;      ///< default 90
  std::uint32_t high = 95;        ///< default 95
  std::uint32_t critical = 0;     ///< default 0: critical calls are never shed
  /// A priority comes in again when the load is so many percent below its threshold; 0 to 50, below
  /// every threshold. Default 5.
  std::uint32_t hysteresis = 5;
  duration retry_after{};  ///< told to those who are shed; 0 and up, 0 = not known, the default
};

namespace detail {

inline constexpr std::size_t priorities = 5;

[[nodiscard]] constexpr std::array<std::uint32_t, priorities> shed_thresholds(
    const load_shedder_options& o) noexcept {
  return {o.background, o.low, o.normal, o.high, o.critical};
}

[[nodiscard]] constexpr option_problem problem_of(const load_shedder_options& o) noexcept {
  constexpr std::array<std::string_view, priorities> names{"background", "low", "normal", "high",
                                                           "critical"};
  if (const auto p = out_of_range("hysteresis", o.hysteresis, 0, 50, "0 to 50")) return p;
  std::uint32_t before = 0;
  bool never = false;
  const auto thresholds = shed_thresholds(o);
  for (std::size_t i = 0; i < priorities; ++i) {
    const std::uint32_t at = thresholds[i];
    if (at > 100) return {names[i], at, "0 to 100"};
    if (at != 0 && at <= o.hysteresis) return {names[i], at, "0, or more than hysteresis"};
    if (at != 0 && (never || at < before))
      return {names[i], at, "0, or at least the threshold of every lower priority"};
    never = never || at == 0;
    before = at;
  }
  if (o.retry_after < duration::zero()) return {"retry_after", o.retry_after, "0 ns or more"};
  return {};
}

}  // namespace detail

/// True if a load shedder takes these options. For a `static_assert` on options known at compile
/// time.
[[nodiscard]] constexpr bool valid(const load_shedder_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const load_shedder_options& o) {
  detail::refuse_option("load_shedder_options", detail::problem_of(o));
}

/// A look at a load shedder. By priority, background first.
struct load_shedder_snapshot {
  std::uint32_t load = 0;  ///< in basis points
  std::array<bool, detail::priorities> shedding{};
  std::array<std::uint64_t, detail::priorities> shed{};  ///< calls, since it was made

  [[nodiscard]] constexpr std::uint64_t shed_total() const noexcept {
    std::uint64_t total = 0;
    for (const std::uint64_t n : shed) total += n;
    return total;
  }
};

/// Turns calls away under load, the unimportant ones first.
///
/// A priority is shed from its threshold on (load >= threshold), and until the load is below the
/// threshold less the hysteresis, so that it does not flutter. Who is shed always includes every
/// lower priority that has a threshold. The load is read once for each call. No allocation, no
/// clock, no waiting.
///
/// Every member is safe to call from several threads, and lock-free. Neither copied nor moved.
template <load_source Source, env Env = native_env>
class basic_load_shedder {
 public:
  class run;
  static constexpr policy_kind kind = policy_kind::load_shedder;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_load_shedder(Source source, const load_shedder_options& options = {})
      : options_{(gabion::validate(options), options)},
        thresholds_{detail::shed_thresholds(options)},
        source_{std::move(source)} {}

  basic_load_shedder(const basic_load_shedder&) = delete;
  basic_load_shedder& operator=(const basic_load_shedder&) = delete;

  /// Nothing if the call may go on, or a refusal `overloaded`.
  [[nodiscard]] std::optional<refusal> refuses(call_priority priority) noexcept {
    const auto place = static_cast<std::size_t>(priority);
    if ((look() >> place & 1U) == 0) return std::nullopt;
    shed_[place].fetch_add(1, std::memory_order_relaxed);
    return refusal{errc::overloaded, options_.retry_after};
  }

  /// Reads the load, too.
  [[nodiscard]] load_shedder_snapshot snapshot() noexcept {
    load_shedder_snapshot s;
    const std::uint32_t shedding = look();
    s.load = current();
    for (std::size_t i = 0; i < detail::priorities; ++i) {
      s.shedding[i] = (shedding >> i & 1U) != 0;
      s.shed[i] = shed_[i].load(std::memory_order_relaxed);
    }
    return s;
  }

  [[nodiscard]] const load_shedder_options& options() const noexcept { return options_; }

 private:
  [[nodiscard]] std::uint32_t current() const noexcept {
    return detail::min_of(source_.load(), full_load);
  }

  /// One bit for each priority that is shed at this load, given those that were.
  [[nodiscard]] std::uint32_t decide(std::uint32_t load, std::uint32_t before) const noexcept {
    std::uint32_t after = 0;
    for (std::size_t i = 0; i < detail::priorities; ++i) {
      const std::uint32_t at = thresholds_[i];
      const std::uint32_t ends = (before >> i & 1U) != 0 ? at - options_.hysteresis : at;
      if (at != 0 && load >= ends * 100) after |= 1U << i;
    }
    return after;
  }

  [[nodiscard]] std::uint32_t look() noexcept {
    const std::uint32_t load = current();
    std::uint32_t seen = shedding_.load(std::memory_order_relaxed);
    for (;;) {
      const std::uint32_t next = decide(load, seen);
      if (next == seen) return seen;
      if (shedding_.compare_exchange_weak(seen, next, std::memory_order_relaxed,
                                          std::memory_order_relaxed))
        return next;
    }
  }

  load_shedder_options options_;
  std::array<std::uint32_t, detail::priorities> thresholds_;
  [[no_unique_address]] Source source_;
  typename Env::template atomic<std::uint32_t> shedding_{0};
  std::array<typename Env::template atomic<std::uint64_t>, detail::priorities> shed_{};
};

/// A load shedder that listens to that source.
template <load_source Source>
using load_shedder = basic_load_shedder<Source>;

template <load_source Source>
basic_load_shedder(Source) -> basic_load_shedder<Source>;
template <load_source Source>
basic_load_shedder(Source, load_shedder_options) -> basic_load_shedder<Source>;

/// One call's passage: it holds nothing and has nothing to say on the way up.
template <load_source Source, env Env>
class basic_load_shedder<Source, Env>::run {
 public:
  explicit run(basic_load_shedder& shedder) noexcept : shedder_{&shedder} {}

  template <class Now>
  entry_step enter(call_context& context, const Now& /*now*/) noexcept {
    if (const auto why = shedder_->refuses(context.priority)) return entry_step::refuse(*why);
    return entry_step::pass();
  }

  template <class Now>
  exit_step leave(call_outcome& /*outcome*/, call_context& /*context*/,
                  const Now& /*now*/) noexcept {
    return exit_step::up();
  }

 private:
  basic_load_shedder* shedder_;
};

}  // namespace v0
}  // namespace gabion
