// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

#include <gabion/core/clock.hpp>

namespace gabion {
inline namespace v0 {

/// What a budget is told of.
enum class budget_event : std::uint8_t {
  call,     ///< a logical call begins
  success,  ///< an attempt succeeded
  failure,  ///< an attempt failed in a way that may be tried again, whether it will be or not
};

/// What an attempt beside the first one is made for.
enum class extra_attempt : std::uint8_t { retry, hedge };

/// Is told how calls go: `note(budget_event, now)`. `now` is a callable that gives the instant; it
/// need not be called.
template <class B>
concept notes_attempts = requires(B& b, budget_event what, instant (*now)()) { b.note(what, now); };

/// Says whether one more attempt may be made, and pays for it: `bool try_spend(extra_attempt,
/// now)`.
template <class B>
concept grants_attempts = requires(B& b, extra_attempt what, instant (*now)()) {
  { b.try_spend(what, now) } -> std::same_as<bool>;
};

/// What many calls may spend together on attempts beside their first ones, so that retries and
/// hedges cannot multiply the load on what is failing already. Safe to use from several threads; it
/// must not throw.
template <class B>
concept attempt_budget = notes_attempts<B> && grants_attempts<B>;

/// Names everything that B lacks to be an attempt budget, in words.
template <class B>
consteval bool explain_attempt_budget() {
  static_assert(notes_attempts<B>,
                "attempt_budget: `void note(gabion::budget_event, const Now&)` is missing");
  static_assert(grants_attempts<B>,
                "attempt_budget: `bool try_spend(gabion::extra_attempt, const Now&)` is missing");
  return attempt_budget<B>;
}

/// No limit together: each call has only its own.
struct unlimited_budget {
  template <class Now>
  constexpr void note(budget_event /*what*/, const Now& /*now*/) const noexcept {}
  template <class Now>
  [[nodiscard]] constexpr bool try_spend(extra_attempt /*what*/,
                                         const Now& /*now*/) const noexcept {
    return true;
  }
};

}  // namespace v0
}  // namespace gabion
