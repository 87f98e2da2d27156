// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/detail/bounded_lru.hpp>
#include <gabion/resilience/key_hash.hpp>

namespace gabion {
inline namespace v0 {

/// How many values are remembered, and how long. New members go last.
struct last_good_options {
  std::uint32_t capacity = 1024;  ///< values by key; 1 to 1'048'576; default 1024
  /// An older value is no answer; above 0; default 5 min
  duration max_age = std::chrono::minutes{5};
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const last_good_options& o) noexcept {
  if (const option_problem p =
          detail::out_of_range("capacity", o.capacity, 1, 1'048'576, "1 to 1048576"))
    return p;
  if (o.max_age <= duration::zero()) return {"max_age", o.max_age, "more than 0 ns"};
  return {};
}

}  // namespace detail

/// True if a cache takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const last_good_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const last_good_options& o) {
  detail::refuse_option("last_good_options", detail::problem_of(o));
}

/// A remembered value.
template <class Value>
struct remembered {
  Value value;
  duration age{};  ///< since it was stored
};

/// The last good value for each key, for when there is no new one: at most `capacity`, the least
/// recently used go first, none older than `max_age`.
///
/// All memory is taken in the constructor; whether keys and values allocate when they are copied is
/// theirs. Values are copied under the mutex: they must not call back. Safe to use from several
/// threads. Each operation is O(1) on average.
template <std::equality_comparable Key, std::copyable Value, class Hash = key_hash,
          env Env = native_env>
class basic_last_good {
  static_assert(explain_key_hasher<Hash, Key>());

 public:
  using key_type = Key;
  using value_type = Value;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_last_good(const last_good_options& options = {}, Hash hash = Hash{})
      : options_{(gabion::validate(options), options)},
        values_{options.capacity, std::move(hash)} {}
  basic_last_good(const basic_last_good&) = delete;
  basic_last_good& operator=(const basic_last_good&) = delete;

  /// Remembers it in place of what was there.
  void put(const Key& key, const Value& value, instant now) {
    const std::lock_guard lock{mutex_};
    if (entry* const known = values_.find(key, now)) {
      known->value = value;
      known->stored = now;
    } else {
      const auto any = [](const Key&, const entry&, duration) { return true; };
      static_cast<void>(values_.find_or_make(key, now, [&] { return entry{value, now}; }, any));
    }
  }

  /// The value, unless it is older than max_age. It becomes the most recently used.
  [[nodiscard]] std::optional<remembered<Value>> get(const Key& key, instant now) {
    const std::lock_guard lock{mutex_};
    const entry* const known = values_.find(key, now);
    if (known == nullptr) return std::nullopt;
    const duration age = gabion::elapsed(known->stored, now);
    if (age > options_.max_age) return std::nullopt;
    return remembered<Value>{known->value, age};
  }

  /// Forgets it. False if it was not there.
  bool erase(const Key& key) {
    const std::lock_guard lock{mutex_};
    return values_.erase(key);
  }

  [[nodiscard]] std::uint32_t size() const {
    const std::lock_guard lock{mutex_};
    return values_.size();
  }
  [[nodiscard]] const last_good_options& options() const noexcept { return options_; }

 private:
  struct entry {
    Value value;
    instant stored;
  };

  last_good_options options_;
  mutable typename Env::mutex mutex_{};
  detail::bounded_lru<Key, entry, Hash> values_;
};

/// The cache on the standard mutex.
template <class Key, class Value>
using last_good = basic_last_good<Key, Value>;

}  // namespace v0
}  // namespace gabion
