// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/bulkhead_permit.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/detail/permit_word.hpp>
#include <gabion/resilience/detail/refused_call.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// How many calls a bulkhead lets in at the same time. New members go last.
struct bulkhead_options {
  /// Calls in flight at the same time. 0 to 2147483647; 0 = closed. Default 25.
  std::uint32_t limit = 25;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const bulkhead_options& o) noexcept {
  return out_of_range("limit", o.limit, 0, bulkhead_max_limit, "0 to 2147483647");
}

}  // namespace detail

/// True if a bulkhead takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const bulkhead_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const bulkhead_options& o) {
  detail::refuse_option("bulkhead_options", detail::problem_of(o));
}

/// Lets so many calls through at the same time and refuses the rest at once, so that one slow thing
/// can't take every thread. `queueing_bulkhead` is the one that lets some of the rest wait.
///
/// Never more than `limit` permits are out, except after the limit was lowered: then none is given
/// until enough came back. Taking a permit is one compare-and-swap, giving it back one subtraction.
/// Nothing here waits, locks or allocates. Every member is safe to call from several threads.
/// Neither copied nor moved: permits point to it and must not outlive it.
template <env Env = native_env>
class basic_bulkhead {
 public:
  using permit = basic_bulkhead_permit<basic_bulkhead>;
  class run;
  static constexpr policy_kind kind = policy_kind::bulkhead;
  static constexpr bool holds_permit = true;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_bulkhead(const bulkhead_options& options = {})
      : word_{(gabion::validate(options), options.limit)} {}

  basic_bulkhead(const basic_bulkhead&) = delete;
  basic_bulkhead& operator=(const basic_bulkhead&) = delete;

  /// A permit, or an empty one if all are in use. Never blocks.
  [[nodiscard]] permit try_acquire() noexcept { return permit{admit() ? this : nullptr}; }
  /// The same; a bulkhead has no need of the time.
  [[nodiscard]] permit try_acquire(instant /*now*/) noexcept { return try_acquire(); }

  /// Calls f under a permit and returns exactly what f returns; what f throws passes unchanged. If
  /// there is no permit, f isn't called: the answer is
  /// `outcome_traits<Result>::rejected(errc::overloaded, 0)` if the type has it, otherwise
  /// refused_error is thrown.
  template <std::invocable Function>
  std::invoke_result_t<Function> call(Function&& f) {
    static_assert(detail::explain_blocking<std::invoke_result_t<Function>>());
    const permit held = try_acquire();
    if (!held)
      return detail::refused_call<std::invoke_result_t<Function>>({.code = errc::overloaded},
                                                                  "the bulkhead is full");
    return std::forward<Function>(f)();
  }

  /// Sets the limit at once, without waiting for anybody. Lowered below what is in use, it lets
  /// nobody in until enough permits came back. Throws error(invalid_argument), as the constructor
  /// does.
  void resize(std::uint32_t limit) {
    gabion::validate(bulkhead_options{.limit = limit});
    static_cast<void>(word_.resize(limit));
  }

  /// Limit and use are of one moment. Lock-free.
  [[nodiscard]] bulkhead_snapshot snapshot() const noexcept {
    const detail::permit_state s = word_.load();
    return {.limit = s.limit,
            .in_use = s.in_use,
            .rejected = rejected_.load(std::memory_order_relaxed)};
  }

 private:
  friend permit;

  [[nodiscard]] bool admit() noexcept {
    if (word_.try_take()) return true;
    rejected_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  void give_back() noexcept { static_cast<void>(word_.give_back()); }

  alignas(64) detail::permit_word<Env> word_;
  typename Env::template atomic<std::uint64_t> rejected_{0};
};

/// One call's passage: holds a permit from `enter` to `leave`, or until it is destroyed.
template <env Env>
class basic_bulkhead<Env>::run {
 public:
  static constexpr bool never_waits = true;
  static constexpr bool empty_after_leave = true;

  explicit run(basic_bulkhead& owner) noexcept : bulkhead_{&owner} {}

  template <class Now>
  [[gnu::always_inline]] entry_step enter(call_context& /*context*/, const Now& /*now*/) noexcept {
    basic_bulkhead* const owner = bulkhead_;
    if (!owner->admit()) [[unlikely]]
      return entry_step::refuse({.code = errc::overloaded});
    permit_.bulkhead_ = owner;
    return entry_step::pass();
  }
  template <class Now>
  [[gnu::always_inline]] exit_step leave(const call_outcome& /*outcome*/, call_context& /*context*/,
                                         const Now& /*now*/) noexcept {
    permit_.release();
    return exit_step::up();
  }

 private:
  basic_bulkhead* bulkhead_;
  permit permit_{};
};

/// The bulkhead for production.
using bulkhead = basic_bulkhead<>;
/// Its permit.
using bulkhead_permit = bulkhead::permit;

}  // namespace v0
}  // namespace gabion
