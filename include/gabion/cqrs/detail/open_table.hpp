// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/cqrs/detail/open_entry.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Handlers by name: a hash table with linear probing, at most half full.
class open_table {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// `type`: where the sender's own name of the type starts, if it has one; the same place is the
  /// same type, with no need to compare names.
  [[nodiscard]] const open_entry* find(std::uint64_t hash, std::string_view name,
                                       const char* type = nullptr) const noexcept {
    if (slots_.empty()) return nullptr;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = static_cast<std::size_t>(hash) & mask; slots_[at] != empty;
         at = (at + 1) & mask) {
      const open_entry& entry = entries_[slots_[at] - 1];
      if (entry.hash() == hash && (entry.types().message.data() == type || entry.name() == name))
        return &entry;
    }
    return nullptr;
  }

  /// The name must not be there yet. All or nothing.
  void insert(open_entry entry) {
    if (slots_.size() < 2 * (entries_.size() + 1)) {
      std::vector<std::uint32_t> wider(slots_.empty() ? 8 : 2 * slots_.size(), empty);
      entries_.push_back(std::move(entry));
      slots_.swap(wider);
    } else {
      entries_.push_back(std::move(entry));
    }
    rebuild();
  }

  [[nodiscard]] bool erase(const open_entry* entry) {
    if (entry == nullptr) return false;
    entries_.erase(entries_.begin() + (entry - entries_.data()));
    rebuild();
    return true;
  }

 private:
  static constexpr std::uint32_t empty = 0;

  void rebuild() noexcept {
    slots_.assign(slots_.size(), empty);
    const std::size_t mask = slots_.size() - 1;
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      std::size_t at = static_cast<std::size_t>(entries_[i].hash()) & mask;
      while (slots_[at] != empty) at = (at + 1) & mask;
      slots_[at] = i + 1;
    }
  }

  std::vector<open_entry> entries_{};
  std::vector<std::uint32_t> slots_{};  // entry number + 1
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
