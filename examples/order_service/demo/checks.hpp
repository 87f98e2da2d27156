// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "demo/evidence.hpp"

namespace shop::demo {

/// One promise, and whether it was kept.
struct finding {
  std::string promise{};
  std::size_t looked_at = 0;  ///< how many things were checked
  std::size_t broken = 0;
  std::vector<std::string> examples{};  ///< the first few of what broke it

  /// Nothing to look at proves nothing, so it is no success.
  [[nodiscard]] bool kept() const noexcept { return broken == 0 && looked_at > 0; }
  void break_with(std::string example);
};

// Each takes the evidence and judges one promise. Pure functions; none trusts what the service says
// of itself.
[[nodiscard]] finding check_acknowledged(const evidence& e);
[[nodiscard]] finding check_answered(const evidence& e);
[[nodiscard]] finding check_own_writes(const evidence& e);
[[nodiscard]] finding check_repeats(const evidence& e);
[[nodiscard]] finding check_streams(const evidence& e);
[[nodiscard]] finding check_consumers(const evidence& e);
[[nodiscard]] finding check_effects(const evidence& e);
[[nodiscard]] finding check_stock(const evidence& e);
[[nodiscard]] finding check_money(const evidence& e);
[[nodiscard]] finding check_key_order(const evidence& e);
[[nodiscard]] finding check_nothing_left(const evidence& e);
[[nodiscard]] finding check_breaker(const evidence& e, bool provider_failed);

/// All of them, in the order of the report.
[[nodiscard]] std::vector<finding> check_all(const evidence& e, bool provider_failed);

}  // namespace shop::demo
