// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

// Counts every allocation of the executable. It replaces the global operators, so include it in one
// source file of it only.

namespace gabion_test {

inline std::size_t allocations = 0;

/// How often `step()` allocates.
template <class Step>
std::size_t allocations_in(Step step) {
  const std::size_t before = allocations;
  step();
  return allocations - before;
}

}  // namespace gabion_test

void* operator new(std::size_t size) {
  ++gabion_test::allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc{};
}
// Aligned ones too: what several threads share keeps its cache lines apart.
void* operator new(std::size_t size, std::align_val_t align) {
  ++gabion_test::allocations;
  const auto a = static_cast<std::size_t>(align);
  if (void* p = std::aligned_alloc(a, (size + a - 1) / a * a)) return p;
  throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
