// SPDX-License-Identifier: MIT
// The breaker on the least that a clock, an observer and an environment can be.
#include <atomic>
#include <concepts>
#include <mutex>
#include <utility>

#include <gabion/circuit_breaker.hpp>

#include "support/catch.hpp"

namespace {

class least_clock {
 public:
  explicit least_clock(int) {}
  least_clock(const least_clock&) = default;
  [[nodiscard]] gabion::instant now() const noexcept { return {}; }
};

class least_observer {
 public:
  explicit least_observer(int) {}
  least_observer(least_observer&&) = default;
  void operator()(const gabion::circuit_transition& /*t*/) {}
};

/// Only what the breaker asks of an environment, with nothing more than the concept's operations
/// and what it uses besides.
struct least_env {
  template <class T>
  class atomic {
   public:
    atomic() = default;
    explicit(false) atomic(T v) : v_{v} {}
    [[nodiscard]] T load(std::memory_order o) const noexcept { return v_.load(o); }
    void store(T v, std::memory_order o) noexcept { v_.store(v, o); }
    T exchange(T v, std::memory_order o) noexcept { return v_.exchange(v, o); }
    T fetch_add(T n, std::memory_order o) noexcept { return v_.fetch_add(n, o); }
    bool compare_exchange_weak(T& e, T d, std::memory_order s, std::memory_order f) noexcept {
      return v_.compare_exchange_weak(e, d, s, f);
    }
    bool compare_exchange_strong(T& e, T d, std::memory_order s, std::memory_order f) noexcept {
      return v_.compare_exchange_strong(e, d, s, f);
    }

   private:
    std::atomic<T> v_{};
  };
  class mutex {
   public:
    void lock() { m_.lock(); }
    void unlock() { m_.unlock(); }

   private:
    std::mutex m_{};
  };
  static void failpoint(const char* /*name*/) {}
};

}  // namespace

TEST_CASE("the breaker works on the least of clocks and observers and environments",
          "[circuit_breaker][concepts]") {
  static_assert(gabion::clock<least_clock> && gabion::env<least_env>);
  gabion::basic_circuit_breaker<least_clock, least_observer, least_env> b{
      {.failures = 2, .window = {.calls = 10}}, least_clock{1}, least_observer{1}};
  CHECK(b.call([] { return 1; }) == 1);
  CHECK(b.call([] { return 1; }, [] { return 2; }) == 1);
  b.try_acquire()->failure();
  b.try_acquire()->failure();
  CHECK(b.state() == gabion::circuit_state::open);
  CHECK(b.snapshot().counts.settled() == 4);
  b.reset();
}
