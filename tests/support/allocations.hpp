// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

// Counts every allocation of a program that is linked with allocations.cpp, which replaces the
// global operators.
namespace gabion_test {

/// Returns the number of allocations so far.
[[nodiscard]] std::size_t allocations() noexcept;

/// Returns the number of allocations of `step()`.
template <class Step>
std::size_t allocations_in(Step step) {
  const std::size_t before = allocations();
  step();
  return allocations() - before;
}

}  // namespace gabion_test
