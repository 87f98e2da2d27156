// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

/// What is handed to a spawner: callable once, copyable, one pointer big.
struct spawned_work {
  void operator()() noexcept {}
  void* state = nullptr;
};

}  // namespace detail

/// Runs work on another thread: `spawn(work)` takes something that can be called without arguments,
/// is copyable, never throws and is the size of a pointer, and answers whether it has taken it. It
/// calls it once, or drops it; then nothing is run. Copies may be made: the first call counts. A
/// thread pool's `post` with a bound on its queue is a good one.
///
/// `spawn` must be safe from several threads, must not block for long, and must not run the work
/// before it returns if the caller cannot wait for it.
template <class S>
concept spawner = requires(S& s, detail::spawned_work work) {
  { s.spawn(work) } -> std::same_as<bool>;
};

/// Names what S lacks to be a spawner, in words.
template <class S>
consteval bool explain_spawner() {
  static_assert(spawner<S>,
                "spawner: `bool spawn(Work)`, a template that runs work() on another thread and "
                "answers false if it cannot take "
                "it, is missing");
  return spawner<S>;
}

}  // namespace v0
}  // namespace gabion
