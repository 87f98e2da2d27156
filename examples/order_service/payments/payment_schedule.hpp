// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <gabion/core/clock.hpp>

#include "tables/rows.hpp"

namespace shop {

/// Which due payment to ask the provider for next. Holds at most `capacity` of them; the rest stay
/// in their table until there is room. No clock and no lock of its own: the caller says what time
/// it is, and one thread uses it at a time.
class payment_schedule {
 public:
  explicit payment_schedule(std::size_t capacity) noexcept : capacity_{capacity} {}

  [[nodiscard]] bool has_room() const noexcept { return entries_.size() < capacity_; }
  [[nodiscard]] bool knows(const std::string& key) const { return entries_.contains(key); }

  /// Adds a payment that may be asked for at once; does nothing if it is known or there is no room.
  void add(const due_payment& payment) {
    const std::string key = payment.key();
    if (!has_room() || knows(key)) return;
    entries_.emplace(key, payment);
    ready_.emplace(gabion::instant{}, key);
  }

  /// Takes the payment that has been ready for longest. It is nobody else's until finished() or
  /// postpone().
  [[nodiscard]] std::optional<due_payment> take(gabion::instant now) {
    if (ready_.empty() || ready_.begin()->first > now) return std::nullopt;
    const auto node = ready_.extract(ready_.begin());
    return entries_.at(node.value().second);
  }

  /// There is nothing more to ask for it.
  void finished(const due_payment& payment) { entries_.erase(payment.key()); }

  /// The same payment again, but not before then.
  void postpone(const due_payment& payment, gabion::instant until) {
    const std::string key = payment.key();
    entries_.insert_or_assign(key, payment);
    ready_.emplace(until, key);
  }

  /// When the next one is ready; nothing if none waits.
  [[nodiscard]] std::optional<gabion::instant> next_ready() const {
    if (ready_.empty()) return std::nullopt;
    return ready_.begin()->first;
  }

 private:
  std::size_t capacity_;
  std::map<std::string, due_payment> entries_{};
  std::set<std::pair<gabion::instant, std::string>> ready_{};
};

}  // namespace shop
