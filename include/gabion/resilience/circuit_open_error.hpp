// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <gabion/core/error.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {

/// Thrown by `call` if the breaker rejects and the result type cannot say so. Its code is
/// errc::circuit_open.
class circuit_open_error : public error {
 public:
  circuit_open_error(std::string_view breaker, circuit_rejection why)
      : error{errc::circuit_open, text(breaker, why)}, rejection_{why} {}

  [[nodiscard]] const circuit_rejection& rejection() const noexcept { return rejection_; }
  /// What is left of the open time; zero if half-open.
  [[nodiscard]] duration retry_after() const noexcept { return rejection_.retry_after; }

 private:
  [[nodiscard]] static std::string text(std::string_view breaker, circuit_rejection why) {
    std::string s{"circuit breaker "};
    s.append(1, '"').append(breaker).append("\" is ").append(to_string(why.reason));
    if (why.reason == circuit_refusal::open)
      s.append("; retry after ")
          .append(
              std::to_string(std::chrono::ceil<std::chrono::milliseconds>(why.retry_after).count()))
          .append(" ms");
    return s;
  }

  circuit_rejection rejection_;
};

}  // namespace v0
}  // namespace gabion
