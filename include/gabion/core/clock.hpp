// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <ctime>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// Every duration in gabion, in nanoseconds. Any std::chrono duration converts to it.
using duration = std::chrono::nanoseconds;

/// A moment of steady time: never stored, never sent, only compared and waited for.
using instant = std::chrono::steady_clock::time_point;

/// A moment of wall time, UTC, in microseconds: only for what is stored or sent, never for a
/// decision about order.
using wall_time = std::chrono::sys_time<std::chrono::microseconds>;

/// Tells the steady time: `gabion::instant now() const noexcept`.
template <class C>
concept tells_instant = requires(const C& c) {
  requires noexcept(c.now());
  { c.now() } -> std::same_as<instant>;
};

/// Tells the wall time: `gabion::wall_time now() const noexcept`.
template <class C>
concept tells_wall_time = requires(const C& c) {
  requires noexcept(c.now());
  { c.now() } -> std::same_as<wall_time>;
};

/// A source of steady time. It must never go back and be safe to read from several threads.
/// Clocks are small values and are held by value; a test clock is a handle to time kept elsewhere.
template <class C>
concept clock = std::copy_constructible<C> && tells_instant<C>;

/// A source of wall time. It may jump; nothing but stored time stamps depends on it.
template <class C>
concept wall_clock = std::copy_constructible<C> && tells_wall_time<C>;

/// Names everything that C lacks to be a clock, in words.
template <class C>
consteval bool explain_clock() {
  static_assert(std::copy_constructible<C>,
                "clock: it can't be copied; let it be a handle to time kept elsewhere");
  static_assert(tells_instant<C>, "clock: `gabion::instant now() const noexcept` is missing");
  return clock<C>;
}

/// Names everything that C lacks to be a wall clock, in words.
template <class C>
consteval bool explain_wall_clock() {
  static_assert(std::copy_constructible<C>,
                "wall_clock: it can't be copied; let it be a handle to time kept elsewhere");
  static_assert(tells_wall_time<C>,
                "wall_clock: `gabion::wall_time now() const noexcept` is missing");
  return wall_clock<C>;
}

/// The precise steady clock. One reading costs about 25 ns.
struct steady_clock {
  [[nodiscard]] static instant now() noexcept { return std::chrono::steady_clock::now(); }
};

/// A steady clock that is up to one kernel tick (1 to 4 ms) behind, at about a quarter of the cost.
/// On systems without one it is the precise clock. Never mix its instants with another clock's.
struct coarse_clock {
  [[nodiscard]] static instant now() noexcept {
#ifdef CLOCK_MONOTONIC_COARSE
    std::timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return instant{std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec}};
#else
    return std::chrono::steady_clock::now();
#endif
  }
};

/// The system's wall clock.
struct system_clock {
  [[nodiscard]] static wall_time now() noexcept {
    return std::chrono::time_point_cast<wall_time::duration>(std::chrono::system_clock::now());
  }
};

}  // namespace v0
}  // namespace gabion
