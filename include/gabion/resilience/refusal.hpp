// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {

/// Why a call was refused, and when it may be worth asking again.
struct refusal {
  /// Circuit_open, rate_limited, overloaded, timeout, cancelled or rejected
  errc code = errc::rejected;
  duration retry_after{};  ///< zero = not known
  friend bool operator==(const refusal&, const refusal&) = default;
};

/// Thrown for a call that a policy has refused and whose result type cannot say so. `code()` says
/// which kind of policy.
class refused_error : public error {
 public:
  explicit refused_error(refusal why) : refused_error{why, text(why)} {}
  /// With words of its own.
  refused_error(refusal why, const std::string& what) : error{why.code, what}, refusal_{why} {}

  [[nodiscard]] const refusal& why() const noexcept { return refusal_; }
  /// Zero if it is not known.
  [[nodiscard]] duration retry_after() const noexcept { return refusal_.retry_after; }

 private:
  [[nodiscard]] static std::string text(refusal why) {
    std::string s{"the call was refused"};
    if (why.retry_after > duration::zero())
      s.append("; retry after ")
          .append(
              std::to_string(std::chrono::ceil<std::chrono::milliseconds>(why.retry_after).count()))
          .append(" ms");
    return s;
  }

  refusal refusal_;
};

}  // namespace v0
}  // namespace gabion
