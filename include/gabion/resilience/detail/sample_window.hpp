// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include <gabion/core/detail/order.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/concurrency_options.hpp>
#include <gabion/resilience/limit_algorithm.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// One window of samples. One thread at a time.
class sample_window {
 public:
  explicit constexpr sample_window(const limit_window_options& options) noexcept
      : options_{options} {}

  /// Adds one; gives the sample of the whole window if it is complete with it, and begins the next.
  [[nodiscard]] std::optional<limit_sample> add(const limit_sample& sample, instant now) noexcept {
    if (count_ == 0) began_ = now;
    ++count_;
    sum_ = gabion::saturating_add(sum_, sample.rtt);
    shortest_ = detail::min_of(shortest_, sample.rtt);
    most_ = detail::max_of(most_, sample.in_flight);
    dropped_ = dropped_ || sample.dropped;
    if (count_ < options_.samples || gabion::elapsed(began_, now) < options_.span)
      return std::nullopt;
    const limit_sample whole{options_.take == sample_of::average ? sum_ / count_ : shortest_, most_,
                             dropped_};
    clear();
    return whole;
  }

  constexpr void clear() noexcept {
    count_ = 0;
    most_ = 0;
    sum_ = duration::zero();
    shortest_ = (duration::max)();
    dropped_ = false;
  }

 private:
  limit_window_options options_;
  std::uint32_t count_ = 0;
  std::uint32_t most_ = 0;
  duration sum_{};
  duration shortest_ = (duration::max)();
  instant began_{};
  bool dropped_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
