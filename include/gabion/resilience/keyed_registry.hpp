// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/detail/bounded_lru.hpp>
#include <gabion/resilience/detail/registry_entry.hpp>
#include <gabion/resilience/key_hash.hpp>

namespace gabion {
inline namespace v0 {

/// How many policies a registry keeps, and for how long. New members go last.
struct keyed_registry_options {
  /// Keys at the same time, in equal parts for each shard (rounded up). 1 to 1048576; default 1024.
  std::uint32_t capacity = 1'024;
  /// Locks that share the keys out among them; a power of two, 1 to 64, at most `capacity`;
  /// default 4.
  std::uint32_t shards = 4;
  /// What nobody has asked for so long may go, and goes with the next new key or `expire`. Above 0;
  /// duration::max() = only when there is no room; default 10 min.
  duration idle_for = std::chrono::minutes{10};
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const keyed_registry_options& o) noexcept {
  if (o.capacity < 1 || o.capacity > 1'048'576) return {"capacity", o.capacity, "1 to 1048576"};
  if (!std::has_single_bit(o.shards) || o.shards > 64 || o.shards > o.capacity)
    return {"shards", o.shards, "1, 2, 4, 8, 16, 32 or 64, and not above capacity"};
  if (o.idle_for <= duration::zero()) return {"idle_for", o.idle_for, "more than 0 ns"};
  return {};
}

}  // namespace detail

/// True if a registry takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const keyed_registry_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const keyed_registry_options& o) {
  detail::refuse_option("keyed_registry_options", detail::problem_of(o));
}

/// The same for every key: a recipe that looks at none.
template <class Parts>
struct same_for_all {
  Parts parts{};
  template <class Key>
  [[nodiscard]] const Parts& operator()(const Key& /*key*/) const noexcept {
    return parts;
  }
};
template <class Parts>
same_for_all(Parts) -> same_for_all<Parts>;

/// Lets what is evicted go without a word.
struct no_farewell {};

/// One policy for each key: a breaker for each host, a limiter for each tenant. Made when it is
/// first asked for, kept in bounded memory, and gone when nobody needs it: the least recently used
/// first, but never one that is in use.
///
/// `recipe(key)` says of what a policy is made: its constructor's argument, or a std::tuple of
/// them. `farewell(key, record)` is told of a policy that was evicted or expired, with what its
/// `save()` gave; or `farewell(key)`, if it has no `save()`. Both are called outside every lock, on
/// the thread that asked; a policy's constructor and `save()` run under the lock of a shard.
///
/// A handle keeps its policy: whoever holds one, or a permit behind it, is safe from eviction. If
/// every policy of the shard is held, a new key gets an empty handle, and nothing goes. A hit takes
/// one lock for a few instructions and allocates nothing. Every member is safe to call from several
/// threads. Neither copied nor moved; it must outlive its handles.
template <class Key, class Policy, class Recipe, class Farewell = no_farewell,
          class Hash = key_hash, env Env = native_env>
class basic_keyed_registry {
  using entry = detail::registry_entry<Policy, Env>;

 public:
  /// Keeps a policy where it is. Move-only; empty if there was no room.
  class [[nodiscard("without the handle the policy may be evicted")]] handle {
   public:
    handle() noexcept = default;
    handle(handle&& other) noexcept : entry_{std::exchange(other.entry_, nullptr)} {}
    handle& operator=(handle&& other) noexcept {
      const handle old{std::move(*this)};
      entry_ = std::exchange(other.entry_, nullptr);
      return *this;
    }
    ~handle() {
      if (entry_ != nullptr) entry_->unpin();
    }

    [[nodiscard]] explicit operator bool() const noexcept { return entry_ != nullptr; }
    [[nodiscard]] Policy& operator*() const noexcept { return entry_->policy(); }
    [[nodiscard]] Policy* operator->() const noexcept { return &entry_->policy(); }

   private:
    friend basic_keyed_registry;
    explicit handle(entry* e) noexcept : entry_{e} {
      if (entry_ != nullptr) entry_->pin();
    }
    entry* entry_ = nullptr;
  };

  /// Throws error(invalid_argument) that names the option and its range. Takes all its memory but
  /// that of keys and policies.
  explicit basic_keyed_registry(const keyed_registry_options& options, Recipe recipe,
                                Farewell farewell = Farewell{}, Hash hash = Hash{})
      : options_{checked(options)},
        recipe_(std::move(recipe)),
        farewell_(std::move(farewell)),
        hash_(std::move(hash)),
        shards_(options.shards) {
    static_assert(explain_key_hasher<Hash, Key>());
    for (shard& s : shards_) s.kept.emplace((options.capacity - 1) / options.shards + 1);
  }
  basic_keyed_registry(const basic_keyed_registry&) = delete;
  basic_keyed_registry& operator=(const basic_keyed_registry&) = delete;

  /// The policy of that key, made now if there is none. Empty if it had to be made and everything
  /// that could go is in use. What the recipe or the policy's constructor throws passes through;
  /// nothing is added then.
  template <class Lookup>
  [[nodiscard]] handle get(const Lookup& key, instant now) {
    const detail::hashed_key<Key, Lookup> wanted{key, hash_(key)};
    shard& s = shard_of(wanted.hash);
    if (handle known = found(s, wanted, now)) return known;
    const auto& parts = recipe_(key);
    farewells gone{farewell_};
    const std::lock_guard guard{s.lock};
    s.kept->expire(now, options_.idle_for, gone.may_go());
    return handle{s.kept->find_or_make(wanted, now, [&] { return entry{parts}; }, gone.may_go())};
  }

  /// The policy of that key, or empty if there is none.
  template <class Lookup>
  [[nodiscard]] handle find(const Lookup& key, instant now) noexcept {
    const detail::hashed_key<Key, Lookup> wanted{key, hash_(key)};
    return found(shard_of(wanted.hash), wanted, now);
  }

  /// Removes a policy that nobody holds, without a farewell. False if it is not there or in use.
  template <class Lookup>
  bool erase(const Lookup& key) noexcept {
    const detail::hashed_key<Key, Lookup> wanted{key, hash_(key)};
    shard& s = shard_of(wanted.hash);
    const std::lock_guard guard{s.lock};
    const entry* const e = s.kept->peek(wanted);
    return e != nullptr && !e->pinned() && s.kept->erase(wanted);
  }

  /// Lets go what has been idle and is not in use. How many went. O(what is idle).
  std::uint32_t expire(instant now) {
    std::uint32_t all = 0;
    for (shard& s : shards_) {
      for (std::uint32_t some = 1; some != 0; all += some) {
        farewells gone{farewell_};
        const std::lock_guard guard{s.lock};
        some = s.kept->expire(now, options_.idle_for, gone.may_go());
      }
    }
    return all;
  }

  /// Calls `f(const Key&, const Policy&)` for each, outside every lock, in no particular order;
  /// what comes or goes meanwhile may be left out. Each is held while it is shown, and its use is
  /// not noted. Copies the keys.
  template <class Function>
  void for_each(const Function& f) {
    std::vector<Key> keys;
    for (shard& s : shards_) {
      keys.clear();
      keys.reserve(s.kept->capacity());
      {
        const std::lock_guard guard{s.lock};
        s.kept->for_each([&](const Key& key, const entry&, instant) { keys.push_back(key); });
      }
      for (const Key& key : keys)
        if (const handle h = shown(s, key)) f(key, std::as_const(*h));
    }
  }

  /// Keys now.
  [[nodiscard]] std::uint32_t size() noexcept {
    return static_cast<std::uint32_t>(sum([](const auto& kept) { return kept.size(); }));
  }
  /// Keys at most: as asked for, rounded up to a multiple of the shards.
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(shards_.size()) * shards_.front().kept->capacity();
  }
  /// How many had to make room for others; those that were idle too long are not among them.
  [[nodiscard]] std::uint64_t evicted() noexcept {
    return sum([](const auto& kept) { return kept.evicted(); });
  }

 private:
  using kept_type = detail::bounded_lru<Key, entry, detail::ready_hash>;
  using farewells = detail::registry_farewells<Key, Policy, Farewell, Env>;
  struct alignas(64) shard {
    typename Env::mutex lock{};
    std::optional<kept_type> kept{};
  };

  [[nodiscard]] static const keyed_registry_options& checked(const keyed_registry_options& o) {
    gabion::validate(o);
    return o;
  }
  /// By the high bits; the table of a shard goes by the low ones.
  [[nodiscard]] shard& shard_of(std::uint64_t hash) noexcept {
    return shards_[(hash >> 40) & (shards_.size() - 1)];
  }

  template <class Wanted>
  [[nodiscard]] static handle found(shard& s, const Wanted& wanted, instant now) noexcept {
    const std::lock_guard guard{s.lock};
    return handle{s.kept->find(wanted, now)};
  }
  [[nodiscard]] handle shown(shard& s, const Key& key) noexcept {
    const detail::hashed_key<Key, Key> wanted{key, hash_(key)};
    const std::lock_guard guard{s.lock};
    return handle{const_cast<entry*>(std::as_const(*s.kept).peek(wanted))};
  }
  template <class Count>
  [[nodiscard]] std::uint64_t sum(const Count& count) noexcept {
    std::uint64_t all = 0;
    for (shard& s : shards_) {
      const std::lock_guard guard{s.lock};
      all += count(*s.kept);
    }
    return all;
  }

  keyed_registry_options options_;
  [[no_unique_address]] Recipe recipe_;
  [[no_unique_address]] Farewell farewell_;
  [[no_unique_address]] Hash hash_;
  std::vector<shard> shards_;
};

/// A registry on the standard atomics: `keyed_registry<std::string, circuit_breaker, recipe_type>`.
template <class Key, class Policy, class Recipe, class Farewell = no_farewell>
using keyed_registry = basic_keyed_registry<Key, Policy, Recipe, Farewell>;

}  // namespace v0
}  // namespace gabion
