// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <gabion/core/detail/order.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/detail/key_line.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What the store has yet to remember, oldest first, and the part of it that is on its way there.
template <class Slot>
class settle_list {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return listed_.size(); }

  void add(Slot& s) {
    if (!std::exchange(s.listed, true)) listed_.push_back(&s);
  }

  /// Sends the oldest `limit` on their way.
  std::span<const settlement> compose(std::size_t limit) {
    const auto n = static_cast<std::ptrdiff_t>(detail::min_of(limit, listed_.size()));
    for (auto s = listed_.begin(); s != listed_.begin() + n; ++s) {
      const bool closes = (*s)->state == progress::final;
      (*s)->listed = false;
      (*s)->settling = true;
      under_way_.push_back({*s, closes});
      lines_.push_back(
          {(*s)->at, closes ? (*s)->as : disposition::deferred, (*s)->attempts, (*s)->reason});
    }
    listed_.erase(listed_.begin(), listed_.begin() + n);
    return lines_;
  }

  /// The store remembers: calls `close(slot)` for each slot that is done with.
  template <class Close>
  void applied(Close&& close) {
    for (const entry& e : under_way_) {
      e.who->settling = false;
      if (e.closes) close(*e.who);
    }
    finish();
  }

  /// The store does not: the same goes to the head of the list again.
  void failed() {
    std::vector<Slot*> again;
    for (const entry& e : under_way_) {
      e.who->settling = false;
      if (!std::exchange(e.who->listed, true)) again.push_back(e.who);
    }
    listed_.insert(listed_.begin(), again.begin(), again.end());
    finish();
  }

  void clear() noexcept {
    listed_.clear();
    finish();
  }

 private:
  struct entry {
    Slot* who;
    bool closes;
  };

  void finish() noexcept {
    under_way_.clear();
    lines_.clear();
  }

  std::vector<Slot*> listed_{};
  std::vector<entry> under_way_{};
  std::vector<settlement> lines_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
