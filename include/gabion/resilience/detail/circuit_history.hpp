// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <gabion/resilience/circuit_options.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// How one call went, as far as windows are concerned.
struct circuit_outcome {
  bool failed = false;
  bool slow = false;
};

/// The contents of a window on their way into another one, from the oldest to the newest. Lives on
/// the stack, 16 KiB.
class circuit_history {
 public:
  constexpr circuit_history() noexcept = default;

  void add(circuit_outcome o) noexcept {
    if (size_ < outcomes_.size()) outcomes_[size_++] = o;
  }
  void clear() noexcept { size_ = 0; }

  /// Hands over the last `n` of them, or as many as there are.
  template <class Sink>
  void last(std::size_t n, const Sink& sink) const {
    for (std::size_t i = size_ > n ? size_ - n : 0; i < size_; ++i) sink(outcomes_[i]);
  }

 private:
  std::array<circuit_outcome, circuit_max_window> outcomes_{};
  std::size_t size_ = 0;
};

/// Nothing to be taken over.
inline constexpr circuit_history no_circuit_history{};

/// How many outcomes, and how many of them were bad in which way.
struct circuit_sum {
  std::uint64_t calls = 0;
  std::uint64_t failed = 0;
  std::uint64_t slow = 0;
  std::uint64_t either = 0;  ///< slow or failed; a slow failure once

  constexpr void add(circuit_outcome o) noexcept {
    ++calls;
    if (!o.failed && !o.slow) return;
    failed += o.failed ? 1U : 0U;
    slow += o.slow ? 1U : 0U;
    ++either;
  }
  constexpr void remove(circuit_outcome o) noexcept {
    --calls;
    if (!o.failed && !o.slow) return;
    failed -= o.failed ? 1U : 0U;
    slow -= o.slow ? 1U : 0U;
    --either;
  }
  constexpr circuit_sum& operator+=(const circuit_sum& o) noexcept {
    calls += o.calls;
    failed += o.failed;
    slow += o.slow;
    either += o.either;
    return *this;
  }
  constexpr circuit_sum& operator-=(const circuit_sum& o) noexcept {
    calls -= o.calls;
    failed -= o.failed;
    slow -= o.slow;
    either -= o.either;
    return *this;
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
