// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/key_hash.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// At most `capacity` values by key, in the order of their last use. A value is made where it
/// stays: it need not be movable, and its address holds until it is removed.
///
/// All memory is taken in the constructor; whether keys and values allocate is theirs. The hash
/// table has at least twice as many cells as values. Time comes in as instants; one that goes back
/// counts as the latest seen. Not safe for several threads: whoever owns it locks. Every operation
/// is O(1) on average, unless it says otherwise.
template <class Key, class Value, class Hash = key_hash>
class bounded_lru {
 public:
  /// `capacity` from 1 to 2^30.
  explicit bounded_lru(std::uint32_t capacity, Hash hash = Hash{})
      : hash_{std::move(hash)},
        slots_(capacity),
        cells_(std::bit_ceil(std::size_t{capacity} * 2)),
        mask_{cells_.size() - 1} {
    for (std::uint32_t i = capacity; i-- > 0;) free(i);
  }

  /// The value of that key, or null. It becomes the most recently used.
  template <class Lookup>
  [[nodiscard]] Value* find(const Lookup& key, instant now) noexcept {
    return find_hashed(key, hash_(key), now);
  }

  /// The value of that key, or null. Its use is not noted.
  template <class Lookup>
  [[nodiscard]] Value* peek(const Lookup& key) noexcept {
    const std::size_t cell = seek(key, hash_(key));
    return cells_[cell] == none ? nullptr : &slot_in(cell).body->value;
  }
  template <class Lookup>
  [[nodiscard]] const Value* peek(const Lookup& key) const noexcept {
    const std::size_t cell = seek(key, hash_(key));
    return cells_[cell] == none ? nullptr : &slot_in(cell).body->value;
  }

  /// The value of that key; if there is none, the one that `make()` gives. Null if there is no
  /// room: then the least recently used value for which `may_evict(key, value, idle)` is true would
  /// have to go, and there is none. O(values that may not go). If `make` or the copy of the key
  /// throws, nothing is added, though an old value may have gone.
  template <class Lookup, class Make, class MayEvict>
  [[nodiscard]] Value* find_or_make(const Lookup& key, instant now, const Make& make,
                                    const MayEvict& may_evict) {
    return find_or_make(key, hash_(key), now, make, may_evict);
  }

  /// The same for a caller who has hashed the key already, with this object's hash.
  template <class Lookup, class Make, class MayEvict>
  [[nodiscard]] Value* find_or_make(const Lookup& key, std::uint64_t hash, instant now,
                                    const Make& make, const MayEvict& may_evict) {
    if (Value* const known = find_hashed(key, hash, now)) return known;
    if (free_ == none && !evict_one(now, may_evict)) return nullptr;
    slot& s = at(free_);
    s.body.emplace(key, make);
    const std::uint32_t index = std::exchange(free_, s.older);
    s.hash = hash;
    cells_[seek_free(hash)] = index;
    push_newest(index, now);
    ++size_;
    return &s.body->value;
  }

  /// Removes that key. False if it was not there.
  template <class Lookup>
  bool erase(const Lookup& key) noexcept {
    const std::size_t cell = seek(key, hash_(key));
    if (cells_[cell] == none) return false;
    remove(cells_[cell]);
    return true;
  }

  /// Removes what was not used for `idle_for` or longer and for which `may_evict(key, value, idle)`
  /// is true. How many went. O(values that are idle so long).
  template <class MayEvict>
  std::uint32_t expire(instant now, duration idle_for, const MayEvict& may_evict) noexcept {
    std::uint32_t gone = 0;
    for (std::uint32_t i = oldest_, next = none; i != none && idle(i, now) >= idle_for; i = next) {
      next = at(i).newer;
      if (!may_evict(key_of(i), value_of(i), idle(i, now))) continue;
      remove(i);
      ++gone;
    }
    return gone;
  }

  /// Calls `f(key, value, last_used)` for each, the most recently used first. O(size()).
  template <class Function>
  void for_each(const Function& f) {
    for (std::uint32_t i = newest_; i != none; i = at(i).older)
      f(key_of(i), at(i).body->value, at(i).used);
  }
  template <class Function>
  void for_each(const Function& f) const {
    for (std::uint32_t i = newest_; i != none; i = at(i).older)
      f(key_of(i), value_of(i), at(i).used);
  }

  /// When the least recently used value was used; nothing if there is none.
  [[nodiscard]] std::optional<instant> oldest_use() const noexcept {
    return oldest_ == none ? std::nullopt : std::optional{at(oldest_).used};
  }

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(slots_.size());
  }
  /// How many values had to make room for others; expired and erased ones are not among them.
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  [[nodiscard]] const Hash& hash() const noexcept { return hash_; }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct entry {
    template <class Lookup, class Make>
    entry(const Lookup& k, const Make& make) : key(k), value(make()) {}
    Key key;
    Value value;
  };
  struct slot {
    std::optional<entry> body{};
    std::uint64_t hash = 0;
    instant used{};
    std::uint32_t older = none;  // of a free slot: the next free one
    std::uint32_t newer = none;
  };
  /// A cell of the hash table: the index of a slot. Its own type, so that a vector of them begins
  /// empty.
  struct cell_index {
    std::uint32_t value = none;
    cell_index& operator=(std::uint32_t index) noexcept {
      value = index;
      return *this;
    }
    [[nodiscard]] explicit(false) operator std::uint32_t() const noexcept { return value; }
  };

  [[nodiscard]] slot& at(std::uint32_t i) noexcept { return slots_[i]; }
  [[nodiscard]] const slot& at(std::uint32_t i) const noexcept { return slots_[i]; }
  [[nodiscard]] slot& slot_in(std::size_t cell) noexcept { return slots_[cells_[cell]]; }
  [[nodiscard]] const slot& slot_in(std::size_t cell) const noexcept {
    return slots_[cells_[cell]];
  }
  [[nodiscard]] const Key& key_of(std::uint32_t i) const noexcept { return at(i).body->key; }
  [[nodiscard]] const Value& value_of(std::uint32_t i) const noexcept { return at(i).body->value; }
  [[nodiscard]] duration idle(std::uint32_t i, instant now) const noexcept {
    return gabion::elapsed(at(i).used, now);
  }

  template <class Lookup>
  [[nodiscard]] Value* find_hashed(const Lookup& key, std::uint64_t hash, instant now) noexcept {
    const std::uint32_t i = cells_[seek(key, hash)];
    if (i == none) return nullptr;
    touch(i, now);
    return &at(i).body->value;
  }

  /// The cell of that key, or the empty one where it would be.
  template <class Lookup>
  [[nodiscard]] std::size_t seek(const Lookup& key, std::uint64_t hash) const noexcept {
    std::size_t cell = hash & mask_;
    while (cells_[cell] != none && !(slot_in(cell).hash == hash && slot_in(cell).body->key == key))
      cell = (cell + 1) & mask_;
    return cell;
  }
  [[nodiscard]] std::size_t seek_free(std::uint64_t hash) const noexcept {
    std::size_t cell = hash & mask_;
    while (cells_[cell] != none) cell = (cell + 1) & mask_;
    return cell;
  }

  /// Empties the cell of slot `i` and moves up what was displaced by it, so that no search ends too
  /// soon.
  void leave_cell(std::uint32_t i) noexcept {
    std::size_t hole = at(i).hash & mask_;
    while (cells_[hole] != i) hole = (hole + 1) & mask_;
    for (std::size_t cell = (hole + 1) & mask_; cells_[cell] != none; cell = (cell + 1) & mask_) {
      const std::size_t home = slot_in(cell).hash & mask_;
      // it would come before its home
      if (((cell - home) & mask_) < ((cell - hole) & mask_)) continue;
      cells_[hole] = cells_[cell];
      hole = cell;
    }
    cells_[hole] = none;
  }

  template <class MayEvict>
  [[nodiscard]] bool evict_one(instant now, const MayEvict& may_evict) noexcept {
    for (std::uint32_t i = oldest_; i != none; i = at(i).newer) {
      if (!may_evict(key_of(i), value_of(i), idle(i, now))) continue;
      remove(i);
      ++evicted_;
      return true;
    }
    return false;
  }

  void remove(std::uint32_t i) noexcept {
    leave_cell(i);
    unlink(i);
    at(i).body.reset();
    free(i);
    --size_;
  }
  void free(std::uint32_t i) noexcept { at(i).older = std::exchange(free_, i); }

  void touch(std::uint32_t i, instant now) noexcept {
    if (i == newest_) {
      if (now > at(i).used) at(i).used = now;
      return;
    }
    unlink(i);
    push_newest(i, now);
  }
  void unlink(std::uint32_t i) noexcept {
    const slot& s = at(i);
    (s.newer == none ? newest_ : at(s.newer).older) = s.older;
    (s.older == none ? oldest_ : at(s.older).newer) = s.newer;
  }
  void push_newest(std::uint32_t i, instant now) noexcept {
    slot& s = at(i);
    s.used = newest_ == none || now > at(newest_).used ? now : at(newest_).used;
    s.newer = none;
    s.older = newest_;
    (newest_ == none ? oldest_ : at(newest_).newer) = i;
    newest_ = i;
  }

  [[no_unique_address]] Hash hash_;
  std::vector<slot> slots_;
  std::vector<cell_index> cells_;
  std::size_t mask_;
  std::uint32_t newest_ = none;
  std::uint32_t oldest_ = none;
  std::uint32_t free_ = none;
  std::uint32_t size_ = 0;
  std::uint64_t evicted_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
