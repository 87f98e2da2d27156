// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/env.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

template <class T>
inline constexpr bool is_tuple = false;
template <class... Ts>
inline constexpr bool is_tuple<std::tuple<Ts...>> = true;

/// A policy and how many hold it. A count rises from 0 only under the lock of its shard, so that
/// under it 0 stays 0.
template <class Policy, env Env>
class registry_entry {
 public:
  template <class Parts>
  explicit registry_entry(const Parts& parts) : policy_(made_of(parts)) {}

  void pin() noexcept { pins_.fetch_add(1, std::memory_order_relaxed); }
  void unpin() noexcept { pins_.fetch_sub(1, std::memory_order_release); }
  [[nodiscard]] bool pinned() const noexcept { return pins_.load(std::memory_order_acquire) != 0; }

  [[nodiscard]] Policy& policy() noexcept { return policy_; }
  [[nodiscard]] const Policy& policy() const noexcept { return policy_; }

 private:
  template <class Parts>
  [[nodiscard]] static Policy made_of(const Parts& parts) {
    if constexpr (detail::is_tuple<Parts>)
      return std::make_from_tuple<Policy>(parts);
    else
      return Policy(parts);
  }

  typename Env::template atomic<std::uint32_t> pins_{0};
  Policy policy_;
};

/// A key to look up, whose hash is known.
template <class Key, class Lookup>
struct hashed_key {
  const Lookup& text;
  std::uint64_t hash;

  [[nodiscard]] explicit operator Key() const { return Key(text); }
  friend bool operator==(const Key& key, const hashed_key& wanted) noexcept {
    return key == wanted.text;
  }
};

/// Takes the hash that was computed before.
struct ready_hash {
  template <class Wanted>
  [[nodiscard]] std::uint64_t operator()(const Wanted& wanted) const noexcept {
    return wanted.hash;
  }
};

template <class Policy>
concept can_be_saved = requires(const Policy& policy) { policy.save(); };

/// Chooses what may go, and keeps what is to be said of it until the lock is free: make it before
/// the lock.
template <class Key, class Policy, class Farewell, env Env>
class registry_farewells {
  static constexpr bool told_with_record = [] {
    if constexpr (can_be_saved<Policy>)
      return std::is_invocable_v<Farewell&, const Key&,
                                 const decltype(std::declval<const Policy&>().save())&>;
    else
      return false;
  }();
  static constexpr bool told = told_with_record || std::is_invocable_v<Farewell&, const Key&>;

  struct nothing {};
  template <bool WithRecord, class P>
  struct record_of {
    using type = nothing;
  };
  template <class P>
  struct record_of<true, P> {
    using type = decltype(std::declval<const P&>().save());
  };
  struct row {
    Key key;
    typename record_of<told_with_record, Policy>::type record;
  };

 public:
  /// So many go at a time if somebody is told.
  static constexpr std::size_t batch = 16;

  explicit registry_farewells(Farewell& farewell) : farewell_{farewell} {
    if constexpr (told) rows_.reserve(batch);
  }
  registry_farewells(const registry_farewells&) = delete;
  registry_farewells& operator=(const registry_farewells&) = delete;
  ~registry_farewells() {
    if constexpr (told)
      for (const row& r : rows_) static_cast<void>(detail::guarded([&] { tell(r); }));
  }

  [[nodiscard]] auto may_go() noexcept {
    return [this](const Key& key, const registry_entry<Policy, Env>& entry, duration /*idle*/) {
      return !entry.pinned() && noted(key, entry.policy());
    };
  }

 private:
  [[nodiscard]] bool noted([[maybe_unused]] const Key& key,
                           [[maybe_unused]] const Policy& policy) noexcept {
    if constexpr (!told) {
      return true;
    } else {
      if (rows_.size() == batch) return false;
      return !detail::guarded([&] {
        if constexpr (told_with_record)
          rows_.push_back({key, policy.save()});
        else
          rows_.push_back({key, {}});
      });
    }
  }
  void tell(const row& r) {
    if constexpr (told_with_record)
      farewell_(r.key, r.record);
    else
      farewell_(r.key);
  }

  Farewell& farewell_;
  std::vector<row> rows_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
