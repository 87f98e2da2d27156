// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/heap.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/resilience/circuit_opinion_store.hpp>

namespace gabion {
inline namespace v0 {

/// When the opinions of several instances open a circuit for all of them. Both numbers must be
/// reached.
struct circuit_quorum_options {
  /// At least so many must have found it failing by themselves; 1 to 256; default 2
  std::uint32_t instances = 2;
  /// And at least this share of those with an opinion of their own; 1 to 100; default 50
  std::uint32_t percent = 50;
};

/// What the opinions come to.
struct circuit_quorum {
  std::uint32_t failing = 0;  ///< open by failures of their own, with open time left
  std::uint32_t well = 0;    ///< closed. The others, half-open or open because others were, have no
                             ///< opinion of their own
  std::uint32_t needed = 0;  ///< so many failing ones make a quorum beside those that are well; the
                             ///< largest number = none do
  duration open_for{};       ///< until fewer than `needed` will still be open; zero = no quorum

  [[nodiscard]] constexpr bool open() const noexcept { return open_for > duration::zero(); }
};

namespace detail {

/// The least f with f >= instances and f * 100 >= percent * (f + well), exactly.
[[nodiscard]] constexpr std::uint32_t quorum_needed(const circuit_quorum_options& options,
                                                    std::uint32_t well) noexcept {
  if (options.percent >= 100)
    return well == 0 ? options.instances : (std::numeric_limits<std::uint32_t>::max)();
  const std::uint64_t rest = 100 - options.percent;
  const std::uint64_t share = (std::uint64_t{options.percent} * well + rest - 1) / rest;
  return static_cast<std::uint32_t>(detail::max_of(share, std::uint64_t{options.instances}));
}

}  // namespace detail

/// Counts opinions. A circuit that is open only because others said so counts for neither side:
/// else a quorum, once there, would be its own evidence and never end. In exact integers.
/// Complexity: O(n log n) in the opinions. The options must be in their ranges.
[[nodiscard]] inline circuit_quorum count_opinions(std::span<const circuit_opinion> opinions,
                                                   const circuit_quorum_options& options) {
  circuit_quorum result;
  std::vector<duration> left;
  left.reserve(opinions.size());
  for (const circuit_opinion& o : opinions) {
    if (o.second_hand) continue;
    if (o.state == circuit_state::closed) ++result.well;
    if (o.state == circuit_state::open && o.remaining > duration::zero())
      left.push_back(o.remaining);
  }
  result.failing = static_cast<std::uint32_t>(left.size());
  result.needed = detail::quorum_needed(options, result.well);
  if (result.failing < result.needed) return result;
  detail::heap_sort(left, [](duration a, duration b) { return a > b; });
  result.open_for = left[result.needed - 1];
  return result;
}

}  // namespace v0
}  // namespace gabion
