// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace shop {

/// Money that was moved. Negative: given back.
struct charge {
  std::string key{};
  std::string order_id{};
  std::int64_t amount_cents = 0;
  std::uint32_t repeats = 0;  ///< how often the same request came again
};

/// The books of the payment provider: a key is charged once, however often it is asked for. Safe to
/// use from several threads.
class charge_book {
 public:
  explicit charge_book(std::int64_t card_limit_cents) : card_limit_cents_{card_limit_cents} {}

  enum class verdict : std::uint8_t { charged, repeated, declined, key_reused };

  /// `key_reused`: the key was used for another order or amount before; nothing is charged.
  verdict charge_once(const charge& wanted) {
    const std::lock_guard guard{mutex_};
    if (const auto known = charges_.find(wanted.key); known != charges_.end()) {
      charge& before = known->second;
      if (before.order_id != wanted.order_id || before.amount_cents != wanted.amount_cents)
        return verdict::key_reused;
      ++before.repeats;
      return verdict::repeated;
    }
    if (wanted.amount_cents > card_limit_cents_) return verdict::declined;
    charges_.emplace(wanted.key, wanted);
    return verdict::charged;
  }

  [[nodiscard]] std::vector<charge> all() const {
    const std::lock_guard guard{mutex_};
    std::vector<charge> result;
    result.reserve(charges_.size());
    for (const auto& [key, c] : charges_) result.push_back(c);
    return result;
  }

 private:
  std::int64_t card_limit_cents_;
  mutable std::mutex mutex_{};
  std::map<std::string, charge> charges_{};
};

}  // namespace shop
