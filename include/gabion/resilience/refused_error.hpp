// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <gabion/core/error.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion::inline v0 {

/// Thrown by `call` of a limiter or a bulkhead that refuses if the result type cannot say so. Its code is that of the refusal.
class refused_error : public error {
 public:
  /// `who` names what refused, for the text.
  refused_error(std::string_view who, const refusal& why) : error{why.code, text(who, why)}, why_{why} {}

  [[nodiscard]] const refusal& why() const noexcept { return why_; }
  /// When it may be worth asking again; zero = not known.
  [[nodiscard]] duration retry_after() const noexcept { return why_.retry_after; }

 private:
  [[nodiscard]] static std::string text(std::string_view who, const refusal& why) {
    std::string s{who};
    s.append(" refused the call");
    if (why.retry_after > duration::zero())
      s.append("; retry after ")
          .append(std::to_string(std::chrono::ceil<std::chrono::milliseconds>(why.retry_after).count()))
          .append(" ms");
    return s;
  }

  refusal why_;
};

}  // namespace gabion::inline v0
