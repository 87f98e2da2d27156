// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The counts of a host in 64 bits: life (8), failures in a row (16), successes (20) and failures
/// (20) of the interval. Both counts are halved when one is full, so their share stays what it is.
class outlier_tally {
 public:
  constexpr outlier_tally() noexcept = default;
  constexpr explicit outlier_tally(std::uint64_t bits) noexcept : bits_{bits} {}
  [[nodiscard]] static constexpr outlier_tally fresh(std::uint32_t life) noexcept {
    return outlier_tally{std::uint64_t{life & 0xff} << 56};
  }

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr bool of(std::uint32_t life) const noexcept {
    return bits_ >> 56 == (life & 0xff);
  }
  [[nodiscard]] constexpr std::uint32_t in_row() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 40 & 0xffff);
  }
  [[nodiscard]] constexpr std::uint32_t succeeded() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 20 & most);
  }
  [[nodiscard]] constexpr std::uint32_t failed() const noexcept {
    return static_cast<std::uint32_t>(bits_ & most);
  }

  [[nodiscard]] constexpr outlier_tally counted(bool failure) const noexcept {
    std::uint64_t good = succeeded();
    std::uint64_t bad = failed();
    ++(failure ? bad : good);
    if (good > most || bad > most) {
      good /= 2;
      bad /= 2;
    }
    const std::uint64_t row = !failure ? 0 : in_row() == 0xffff ? 0xffff : in_row() + 1;
    return outlier_tally{(bits_ >> 56 << 56) | row << 40 | good << 20 | bad};
  }
  /// The next interval begins; failures in a row go on.
  [[nodiscard]] constexpr outlier_tally next_interval() const noexcept {
    return outlier_tally{bits_ >> 40 << 40};
  }

 private:
  static constexpr std::uint64_t most = (std::uint64_t{1} << 20) - 1;
  std::uint64_t bits_ = 0;
};

/// Mean and spread of rates in basis points, in exact integers. Up to 1024 rates.
class rate_spread {
 public:
  constexpr void add(std::uint32_t rate) noexcept {
    ++count_;
    sum_ += rate;
    squares_ += std::uint64_t{rate} * rate;
  }
  [[nodiscard]] constexpr std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] constexpr std::uint32_t mean() const noexcept {
    return count_ == 0 ? 0 : static_cast<std::uint32_t>(sum_ / count_);
  }

  /// The rate is below the mean by factor_percent / 100 standard deviations or more. Squared on
  /// both sides, so that no root is taken: (n mean - n rate)^2 x 100^2 >= factor^2 x n^2 variance.
  /// Never if all rates are the same.
  [[nodiscard]] constexpr bool outlying(std::uint32_t rate,
                                        std::uint32_t factor_percent) const noexcept {
    if (sum_ <= count_ * rate) return false;
    const std::uint64_t below = sum_ - count_ * rate;
    const std::uint64_t variance = count_ * squares_ - sum_ * sum_;
    return below * below * 10'000 >= std::uint64_t{factor_percent} * factor_percent * variance;
  }

 private:
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t squares_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
