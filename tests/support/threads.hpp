// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace gabion_test {

/// Runs `body(0)` to `body(n - 1)` on a thread each, which all begin at once, and waits for them.
template <class Body>
void on_threads(int n, Body body) {
  std::vector<std::thread> threads;
  std::atomic<bool> go{false};
  for (int i = 0; i < n; ++i)
    threads.emplace_back([&, i] {
      while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
      body(i);
    });
  go.store(true, std::memory_order_release);
  for (auto& t : threads) t.join();
}

}  // namespace gabion_test
