// SPDX-License-Identifier: MIT
// Operations that a policy cannot do without, as baselines of the tables.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

/// A load and a compare-and-swap of one word that all threads share.
inline void cas(benchmark::State& state) {
  static std::atomic<std::uint64_t> word{0};
  for (auto _ : state) {
    std::uint64_t seen = word.load(std::memory_order_acquire);
    while (!word.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {}
  }
}

inline void relaxed_add(benchmark::State& state) {
  static std::atomic<std::uint64_t> word{0};
  for (auto _ : state) word.fetch_add(1, std::memory_order_relaxed);
}

/// Lock and unlock of a mutex around one addition.
inline void mutex(benchmark::State& state) {
  static std::mutex lock;
  static std::uint64_t n = 0;
  for (auto _ : state) {
    const std::lock_guard guard{lock};
    benchmark::DoNotOptimize(++n);
  }
}

template <class Clock>
void reading(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Clock::now());
}

/// An exception thrown and caught.
inline void throw_and_catch(benchmark::State& state) {
  for (auto _ : state) {
    try {
      throw std::runtime_error{"rejected"};
    } catch (const std::runtime_error& e) {
      benchmark::DoNotOptimize(e.what());
    }
  }
}

/// Copies `Bytes` bytes.
template <std::size_t Bytes>
void copy(benchmark::State& state) {
  const std::vector<char> from(Bytes, 'x');
  std::vector<char> to(Bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), Bytes);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
}

/// Allocates and frees `Bytes` bytes.
template <std::size_t Bytes>
void allocation(benchmark::State& state) {
  for (auto _ : state) {
    void* memory = ::operator new(Bytes);
    benchmark::DoNotOptimize(memory);
    ::operator delete(memory);
  }
}

}  // namespace bench
