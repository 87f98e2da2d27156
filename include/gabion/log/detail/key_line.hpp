// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/position.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// After every position.
inline constexpr position beyond{~std::uint64_t{0}};

struct key_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view key) const noexcept {
    return std::hash<std::string_view>{}(key);
  }
};

struct same_key {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
};

/// By moment, then by position: never by address, so that a run can be repeated.
struct earlier_first {
  template <class Slot>
  bool operator()(const std::pair<instant, Slot*>& a,
                  const std::pair<instant, Slot*>& b) const noexcept {
    return a.first != b.first ? a.first < b.first : a.second->at < b.second->at;
  }
};

/// The records of one key that are not final, in the order of their positions; and why they may
/// have to wait.
template <class Slot>
struct key_line {
  const std::string* key = nullptr;  // none: the only record has no key
  Slot* first = nullptr;
  Slot* last = nullptr;
  std::size_t size = 0;
  std::size_t flying = 0;
  std::size_t given_up = 0;   // dead or parked, and the store does not know yet
  bool failed = false;        // something came back: nothing more is submitted until nothing flies
  bool delayed = false;       // waits for a moment
  position poison = beyond;   // what is behind it gets parked
  position refused = beyond;  // what comes back from behind it came back because of it
  position left_behind = beyond;  // from here on the records of this key were left in the store

  [[nodiscard]] bool empty() const noexcept { return first == nullptr && given_up == 0; }
  [[nodiscard]] bool open() const noexcept { return !failed && !delayed && given_up == 0; }

  /// Puts the slot where its position belongs; at the end in constant time.
  void link(Slot& s) noexcept {
    Slot* before = last;
    while (before != nullptr && before->at > s.at) before = before->before;
    s.line = this;
    s.before = before;
    s.behind = before == nullptr ? first : before->behind;
    (s.before == nullptr ? first : s.before->behind) = &s;
    (s.behind == nullptr ? last : s.behind->before) = &s;
    ++size;
  }

  void unlink(Slot& s) noexcept {
    (s.before == nullptr ? first : s.before->behind) = s.behind;
    (s.behind == nullptr ? last : s.behind->before) = s.before;
    s.before = s.behind = nullptr;
    --size;
  }
};

enum class progress : std::uint8_t {
  waiting,  ///< to be submitted, now or later
  flying,   ///< submitted; its delivery is not known
  final,    ///< its disposition is known; the store has yet to remember it
};

/// One record that a pump holds, and where it stands.
template <class Record>
struct pump_slot {
  pump_slot(Record&& r, position where, std::uint32_t failed, std::size_t size)
      : record{std::move(r)}, at{where}, bytes{size}, attempts{failed} {}

  Record record;
  position at;
  std::size_t bytes;
  std::uint32_t attempts;       // counted failures, over all restarts
  std::uint32_t uncounted = 0;  // hand-overs that came back through no fault of the record
  std::uint32_t setbacks = 0;   // failures that made it wait, counted or not
  duration delay{};             // its last wait, for decorrelated jitter
  progress state = progress::waiting;
  disposition as = disposition::deferred;
  bool queued = false;                 // in the queue of records that may be submitted
  bool listed = false;                 // in the list of what the store has to remember
  bool settling = false;               // in the settlement under way
  std::optional<outcome> came_back{};  // not delivered, while others of its key are still flying
  std::string reason{};
  pump_slot* before = nullptr;
  pump_slot* behind = nullptr;
  key_line<pump_slot>* line = nullptr;
  key_line<pump_slot> own{};  // the line of a record without a key
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
