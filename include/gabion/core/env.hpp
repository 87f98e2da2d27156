// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <mutex>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// What production code runs on: the standard atomics and mutex, and failpoints that cost nothing.
///
/// Every shared access of a core goes through its Env, so that a test can put an interleaving
/// explorer under the very same code. A failpoint names a moment at which a crash must do no harm.
struct native_env {
  template <class T>
  using atomic = std::atomic<T>;
  using mutex = std::mutex;

  static constexpr void failpoint(const char* /*name*/) noexcept {}
};

/// Has atomics for shared memory, as std::atomic: `template <class T> using atomic`.
template <class E>
concept has_atomics = requires(typename E::template atomic<int>& a) {
  { a.load(std::memory_order_acquire) } -> std::same_as<int>;
  a.store(1, std::memory_order_release);
  { a.fetch_add(1, std::memory_order_acq_rel) } -> std::same_as<int>;
};

/// Has a mutex, as std::mutex: `using mutex`.
template <class E>
concept has_mutex = requires(typename E::mutex& m) {
  m.lock();
  m.unlock();
};

/// Has named moments at which a crash must do no harm: `static void failpoint(const char*)`.
template <class E>
concept has_failpoints = requires { E::failpoint("name"); };

/// The environment of a core: shared memory and named failpoints.
template <class E>
concept env = has_atomics<E> && has_mutex<E> && has_failpoints<E>;

/// Names everything that E lacks to be an environment, in words.
template <class E>
consteval bool explain_env() {
  static_assert(
      has_atomics<E>,
      "env: `template <class T> using atomic`, with the operations of std::atomic, is missing");
  static_assert(has_mutex<E>, "env: `using mutex`, with lock() and unlock(), is missing");
  static_assert(has_failpoints<E>, "env: `static void failpoint(const char*)` is missing");
  return env<E>;
}

}  // namespace v0
}  // namespace gabion
