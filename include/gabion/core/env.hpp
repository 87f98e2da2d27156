// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <mutex>

namespace gabion::inline v0 {

/// What production code runs on: the standard atomics and mutex, and failpoints that cost nothing.
///
/// Every shared access of a core goes through its Env, so that a test can put an interleaving explorer
/// under the very same code. A failpoint names a moment at which a crash must do no harm.
struct native_env {
  template <class T>
  using atomic = std::atomic<T>;
  using mutex = std::mutex;

  static constexpr void failpoint(const char* /*name*/) noexcept {}
};

/// The environment of a core: shared memory and named failpoints.
template <class E>
concept env = requires(typename E::template atomic<int>& a, typename E::mutex& m) {
  { a.load(std::memory_order_acquire) } -> std::same_as<int>;
  a.store(1, std::memory_order_release);
  { a.fetch_add(1, std::memory_order_acq_rel) } -> std::same_as<int>;
  m.lock();
  m.unlock();
  E::failpoint("name");
};

}  // namespace gabion::inline v0
