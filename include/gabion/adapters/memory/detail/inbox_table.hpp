// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/outbox/inbox_store.hpp>

namespace gabion {
inline namespace v0 {
namespace memory::detail {

struct inbox_key {
  std::string consumer{};
  std::string source{};
  std::string id{};
  friend auto operator<=>(const inbox_key&, const inbox_key&) = default;
};

struct kept_letter {
  inbox_key key{};
  message what{};
  inbox_status status = inbox_status::dead;
  std::uint32_t attempts = 0;
  std::string reason{};
  wall_time kept_at{};
};

/// The entries and letters of an inbox. Not thread safe: its owner holds the lock of the database.
class inbox_table {
 public:
  std::map<inbox_key, inbox_entry> entries{};
  std::map<std::uint64_t, kept_letter> letters{};  // changed through put and remove only

  /// A new place. Places rise and never return.
  std::uint64_t next_letter() noexcept { return ++last_; }

  void put(std::uint64_t at, kept_letter letter) {
    if (letters.contains(at)) remove(at);
    ids_.emplace(letter.key, at);
    if (!letter.what.subject.empty()) keys_[{letter.key.consumer, letter.what.subject}].insert(at);
    letters.emplace(at, std::move(letter));
  }
  void remove(std::uint64_t at) {
    const auto found = letters.find(at);
    ids_.erase(found->second.key);
    if (const auto key = keys_.find({found->second.key.consumer, found->second.what.subject});
        key != keys_.end()) {
      key->second.erase(at);
      if (key->second.empty()) keys_.erase(key);
    }
    letters.erase(found);
  }

  [[nodiscard]] std::optional<std::uint64_t> find(const inbox_key& key) const {
    const auto found = ids_.find(key);
    return found == ids_.end() ? std::nullopt : std::optional{found->second};
  }
  /// The consumer's letter at that place, if it has that status.
  [[nodiscard]] const kept_letter* letter(std::string_view consumer, std::uint64_t at,
                                          inbox_status with) const {
    const auto found = letters.find(at);
    if (found == letters.end() || found->second.key.consumer != consumer ||
        found->second.status != with)
      return nullptr;
    return &found->second;
  }
  /// The places of a key's letters above `after`, in order; none for the empty key.
  [[nodiscard]] std::vector<std::uint64_t> of_key(std::string_view consumer, std::string_view key,
                                                  std::uint64_t after) const {
    const auto found =
        key.empty() ? keys_.end() : keys_.find({std::string{consumer}, std::string{key}});
    if (found == keys_.end()) return {};
    return {found->second.upper_bound(after), found->second.end()};
  }

 private:
  std::uint64_t last_ = 0;
  std::map<inbox_key, std::uint64_t> ids_{};
  std::map<std::pair<std::string, std::string>, std::set<std::uint64_t>> keys_{};
};

}  // namespace memory::detail
}  // namespace v0
}  // namespace gabion
