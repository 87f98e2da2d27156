// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <gabion/core/clock.hpp>
#include <gabion/core/wake_ref.hpp>

namespace gabion {
inline namespace v0 {

/// Waits until a moment of its clock: `wait_until(moment)` answers true when it has come, false if
/// the wait was cut short by a request to stop. It must return at once for a moment that is past.
template <class S>
concept sleeper = requires(S& s, instant moment) {
  { s.wait_until(moment) } -> std::same_as<bool>;
};

/// Names what S lacks to be a sleeper, in words.
template <class S>
consteval bool explain_sleeper() {
  static_assert(
      sleeper<S>,
      "sleeper: `bool wait_until(gabion::instant)`, false if it was interrupted, is missing");
  return sleeper<S>;
}

/// A sleeper whose wait may be ended early from another thread: `wake()` makes the wait in
/// progress, or else the next one, answer true before its time. Whoever waited looks again; being
/// woken for nothing does no harm.
template <class W>
concept waiter = sleeper<W> && wakeable<W>;

/// Names everything that W lacks to be a waiter, in words.
template <class W>
consteval bool explain_waiter() {
  static_assert(
      sleeper<W>,
      "waiter: `bool wait_until(gabion::instant)`, false if a stop was requested, is missing");
  static_assert(wakeable<W>, "waiter: `void wake()`, safe from any thread, is missing");
  return waiter<W>;
}

}  // namespace v0
}  // namespace gabion
