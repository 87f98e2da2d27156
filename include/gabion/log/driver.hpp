// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <stop_token>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/log/waker.hpp>

namespace gabion {
inline namespace v0 {

/// How one turn of an engine ended.
struct turn {
  bool worked = false;   ///< something was done, so there may be more to do
  bool stopped = false;  ///< nothing will be done any more unless it is resumed
  instant until{};       ///< if nothing was done: when to turn again at the latest
};

/// Something that works turn by turn: `take_turn()` does what can be done without waiting,
/// `await(most)` waits for its own input (deliveries, messages) at most that long and answers false
/// if it has nothing to wait for.
template <class Engine>
concept turns = requires(Engine& e, duration most) {
  { e.take_turn() } -> std::same_as<turn>;
  { e.await(most) } -> std::same_as<bool>;
  e.wake_up();
  e.begin_stop();
};

/// Turns an engine until a stop is requested, sleeping in between; then lets it end what it has
/// begun, for at most `grace`. It wakes when `bell` rings, when input comes, or when the engine
/// asked for it. Blocks the calling thread.
///
/// While the engine waits for its own input, a ring of the bell is seen within `slice`.
template <turns Engine, clock Clock>
void run_blocking(Engine& engine, waker& bell, const Clock& time, const std::stop_token& stop,
                  duration grace, duration slice) {
  instant give_up = (instant::max)();
  bool stopping = false;
  for (;;) {
    if (stop.stop_requested() && !stopping) {
      stopping = true;
      give_up = gabion::saturating_add(time.now(), grace);
      engine.begin_stop();
    }
    if (bell.take()) engine.wake_up();
    const turn done = engine.take_turn();
    if (done.worked) continue;
    const instant now = time.now();
    if (stopping && (done.stopped || now >= give_up)) return;
    const instant until = detail::min_of(done.stopped ? (instant::max)() : done.until, give_up);
    const duration most = detail::max_of(gabion::elapsed(now, until), duration{1});
    if (!done.stopped && engine.await(detail::min_of(most, slice))) continue;
    if (stopping)
      bell.wait(std::stop_token{}, most);
    else
      bell.wait(stop, most);
  }
}

}  // namespace v0
}  // namespace gabion
