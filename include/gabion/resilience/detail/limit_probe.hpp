// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>

#include <gabion/core/detail/order.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/detail/limit_range.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// When an algorithm measures its baseline anew, and for how long: the limit is lowered meanwhile,
/// so that what is measured is the other side without a queue. Without it a baseline that was
/// measured under load would let the limit drift up for ever.
template <random_source Random>
class limit_probe {
 public:
  limit_probe(std::uint32_t samples, std::uint32_t limit_percent, Random random)
      : random_{std::move(random)}, samples_{samples}, percent_{limit_percent} {
    spread();
  }

  /// Counts a sample. True if a probe begins here: after `every` samples, less up to a half of them
  /// by chance, so that many clients do not probe together. 0 = never.
  [[nodiscard]] bool begins(std::uint64_t every) noexcept {
    if (every == 0 || ++seen_ * whole < every * share_) return false;
    seen_ = 0;
    left_ = samples_;
    spread();
    return true;
  }

  [[nodiscard]] bool running() const noexcept { return left_ != 0; }
  /// Counts a sample of the probe; true if it was the last.
  [[nodiscard]] bool ends() noexcept { return --left_ == 0; }

  /// The limit that holds now.
  [[nodiscard]] std::uint32_t limit(std::uint32_t usual, std::uint32_t min_limit) const noexcept {
    if (!running()) return usual;
    return detail::max_of(min_limit,
                          static_cast<std::uint32_t>(std::uint64_t{usual} * percent_ / 100));
  }

 private:
  static constexpr std::uint64_t whole = 1024;
  void spread() noexcept { share_ = gabion::uniform(random_, whole / 2, whole); }

  Random random_;
  std::uint64_t share_ = whole;
  std::uint64_t seen_ = 0;
  std::uint32_t left_ = 0;
  std::uint32_t samples_;
  std::uint32_t percent_;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
