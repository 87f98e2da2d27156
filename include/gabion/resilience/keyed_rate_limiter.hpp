// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/detail/bounded_lru.hpp>
#include <gabion/resilience/detail/rate_run.hpp>
#include <gabion/resilience/gcra.hpp>
#include <gabion/resilience/key_hash.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {

/// What happens to a new key when all places are taken by keys that still owe something.
enum class keyed_overflow : std::uint8_t {
  evict,   ///< the key that was not asked for the longest time is forgotten. The default
  refuse,  ///< the new key gets no permit until a place is free
};

[[nodiscard]] constexpr std::string_view to_string(keyed_overflow value) noexcept {
  switch (value) {
    case keyed_overflow::evict: return "evict";
    case keyed_overflow::refuse: return "refuse";
  }
  return "unknown";
}

/// How many keys are kept, and how long. New members go last.
struct keyed_rate_limiter_options {
  /// Keys in memory at the same time, over all shards: 1 to 16777216; rounded up to a multiple of
  /// `shards`. Default 10000.
  std::uint32_t keys = 10'000;
  /// Parts with a lock of their own. 1 to 1024, rounded up to a power of two; default 16.
  std::uint32_t shards = 16;
  /// A key that was not asked for so long is forgotten; at least as long as its limiter needs to
  /// fill up, so that nothing is gained by it. Not negative; default 0, which means just that.
  duration idle_for{};
  /// What happens to a new key when there is no place. Default evict.
  keyed_overflow overflow = keyed_overflow::evict;
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const keyed_rate_limiter_options& o) noexcept {
  if (const auto p = out_of_range("keys", o.keys, 1, 16'777'216, "1 to 16777216")) return p;
  if (const auto p = out_of_range("shards", o.shards, 1, 1024, "1 to 1024")) return p;
  if (o.idle_for < duration::zero()) return {"idle_for", o.idle_for, "0 ns or more"};
  return {};
}

}  // namespace detail

/// True if a keyed limiter takes these options. For a `static_assert` on options known at compile
/// time.
[[nodiscard]] constexpr bool valid(const keyed_rate_limiter_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const keyed_rate_limiter_options& o) {
  detail::refuse_option("keyed_rate_limiter_options", detail::problem_of(o));
}

/// What a keyed limiter holds. A value.
struct keyed_rate_limiter_snapshot {
  std::uint32_t keys = 0;      ///< in memory now
  std::uint32_t capacity = 0;  ///< at most
  /// Forgotten for lack of room; those that were idle are not among them
  std::uint64_t evicted = 0;
  std::uint64_t turned_away = 0;  ///< requests of new keys that were refused for lack of room
};

/// A rate limiter for each key, in memory that is taken once: by tenant, by user, by address.
///
/// A key begins with a full limiter. It is forgotten when it has been idle until its limiter was
/// full again, which changes nothing; if permits were reserved ahead, not before those are paid
/// back. If all places are taken by others, `evict` forgets the one that was asked for the longest
/// time ago: that key may gain as much as one full burst each time, so give it more places than
/// there are busy keys, or choose `refuse`. Keys are spread over shards, each with a lock of its
/// own, held for a few instructions; places are per shard. No allocation after construction but
/// what a new key's own copy and limiter take: none for integers and short texts with `gcra` or
/// `token_bucket`, one with `sliding_window_limiter`. O(1) on average, and O(idle keys that still
/// owe reserved permits). Every member is safe to call from several threads. Neither copied nor
/// moved.
template <class Key, class Limiter = gcra, class Hash = key_hash, env Env = native_env>
class keyed_rate_limiter {
  static_assert(gabion::explain_rate_limiter<Limiter>());
  static_assert(gabion::explain_key_hasher<Hash, Key>());

 public:
  using limiter_options = typename Limiter::options_type;
  class view;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit keyed_rate_limiter(const limiter_options& each,
                              const keyed_rate_limiter_options& options = {}, Hash hash = Hash{})
      : each_{(gabion::validate(options), each)}, overflow_{options.overflow}, hash_{hash} {
    const Limiter fresh{each_};
    const duration refill = fresh.refill_time();
    idle_for_ = options.idle_for < refill ? refill : options.idle_for;
    if constexpr (tells_what_is_owed) full_ = fresh.available(instant{});
    const std::uint32_t shards = std::bit_ceil(options.shards);
    const std::uint32_t places = (options.keys - 1) / shards + 1;
    shards_ = std::vector<shard>(shards);
    for (shard& s : shards_) s.keys.emplace(places, hash_);
  }

  keyed_rate_limiter(const keyed_rate_limiter&) = delete;
  keyed_rate_limiter& operator=(const keyed_rate_limiter&) = delete;

  /// Takes `permits` permits of that key, or none and says when there will be enough. A key may be
  /// whatever compares with a Key, makes one, and hashes alike: a std::string_view for a
  /// std::string.
  template <class Lookup>
  rate_admission take(const Lookup& key, instant now, std::uint32_t permits = 1) {
    return with(key, now, [&](Limiter& l) { return l.take(now, permits); }, &rate_admission::no);
  }

  /// Takes `permits` permits of that key that are good at `at`, not later than now + max_wait; or
  /// none.
  template <class Lookup>
    requires reserving_rate_limiter<Limiter>
  rate_reservation reserve(const Lookup& key, instant now, duration max_wait,
                           std::uint32_t permits = 1) {
    return with(
        key, now, [&](Limiter& l) { return l.reserve(now, max_wait, permits); },
        [](duration wait) { return rate_reservation{.retry_after = wait}; });
  }

  /// Gives the permits of a reservation of that key back, as the limiter's own `cancel`; false if
  /// the key is forgotten.
  template <class Lookup>
    requires reserving_rate_limiter<Limiter>
  bool cancel(const Lookup& key, const rate_reservation& reservation) {
    shard& s = shard_of(key);
    const std::lock_guard<typename Env::mutex> guard{s.lock};
    Limiter* const limiter = s.keys->peek(key);
    return limiter != nullptr && limiter->cancel(reservation);
  }

  /// The limiter of one key as an object of its own, and as a policy. It must not outlive this one.
  [[nodiscard]] view of(Key key) { return view{*this, std::move(key)}; }

  /// Forgets the key: it begins anew with a full limiter. False if it was not there.
  template <class Lookup>
  bool forget(const Lookup& key) {
    shard& s = shard_of(key);
    const std::lock_guard<typename Env::mutex> guard{s.lock};
    return s.keys->erase(key);
  }

  /// Forgets what is idle now; `take` does so by itself in its own shard. How many were forgotten.
  /// O(shards + forgotten).
  std::uint32_t expire(instant now) {
    std::uint32_t gone = 0;
    for (shard& s : shards_) {
      const std::lock_guard<typename Env::mutex> guard{s.lock};
      gone += s.keys->expire(now, idle_for_, forgettable(now));
    }
    return gone;
  }

  /// Each shard's part is of one moment. O(shards).
  [[nodiscard]] keyed_rate_limiter_snapshot snapshot() const {
    keyed_rate_limiter_snapshot all;
    for (const shard& s : shards_) {
      const std::lock_guard<typename Env::mutex> guard{s.lock};
      all.keys += s.keys->size();
      all.capacity += s.keys->capacity();
      all.evicted += s.keys->evicted();
      all.turned_away += s.turned_away;
    }
    return all;
  }

 private:
  struct alignas(64) shard {
    mutable typename Env::mutex lock{};
    std::optional<detail::bounded_lru<Key, Limiter, Hash>> keys{};
    std::uint64_t turned_away = 0;
  };

  static constexpr bool tells_what_is_owed =
      reserving_rate_limiter<Limiter> && requires(const Limiter& limiter, instant now) {
        { limiter.available(now) } noexcept -> std::same_as<std::uint32_t>;
      };

  /// What is idle is full again, but not where permits were reserved ahead.
  [[nodiscard]] auto forgettable(instant now) const noexcept {
    return [this, now]([[maybe_unused]] const Key& key, [[maybe_unused]] const Limiter& limiter,
                       duration /*idle*/) noexcept {
      if constexpr (tells_what_is_owed)
        return limiter.available(now) >= full_;
      else
        return true;
    };
  }

  // Multiplied by the golden ratio, so that the shard does not depend on the bits that choose the
  // place within it.
  [[nodiscard]] shard& shard_at(std::uint64_t hash) noexcept {
    return shards_[(hash * 0x9e3779b97f4a7c15U >> 48) & (shards_.size() - 1)];
  }
  template <class Lookup>
  [[nodiscard]] shard& shard_of(const Lookup& key) noexcept {
    return shard_at(hash_(key));
  }

  template <class Lookup, class Ask, class Refuse>
  auto with(const Lookup& key, instant now, const Ask& ask, const Refuse& refuse) {
    const std::uint64_t hash = hash_(key);
    shard& s = shard_at(hash);
    const std::lock_guard<typename Env::mutex> guard{s.lock};
    static_cast<void>(s.keys->expire(now, idle_for_, forgettable(now)));
    Limiter* const limiter = s.keys->find_or_make(
        key, hash, now, [this] { return Limiter{each_}; },
        [this](const Key&, const Limiter&, duration) noexcept {
          return overflow_ == keyed_overflow::evict;
        });
    if (limiter != nullptr) return ask(*limiter);
    ++s.turned_away;
    return refuse(deadline::after(s.keys->oldest_use().value_or(now), idle_for_).remaining(now));
  }

  limiter_options each_;
  keyed_overflow overflow_;
  [[no_unique_address]] Hash hash_;
  duration idle_for_{};
  std::uint32_t full_ = 0;  // permits that a key begins with
  std::vector<shard> shards_{};
};

/// One key's limiter: a rate limiter and a policy. A value that refers to the keyed one.
template <class Key, class Limiter, class Hash, env Env>
class keyed_rate_limiter<Key, Limiter, Hash, Env>::view {
 public:
  using run = detail::rate_run<view>;
  static constexpr policy_kind kind = policy_kind::rate_limiter;

  view(keyed_rate_limiter& all, Key key) : all_{&all}, key_(std::move(key)) {}

  rate_admission take(instant now, std::uint32_t permits = 1) {
    return all_->take(key_, now, permits);
  }
  rate_reservation reserve(instant now, duration max_wait, std::uint32_t permits = 1)
    requires reserving_rate_limiter<Limiter>
  {
    return all_->reserve(key_, now, max_wait, permits);
  }
  bool cancel(const rate_reservation& reservation)
    requires reserving_rate_limiter<Limiter>
  {
    return all_->cancel(key_, reservation);
  }

  /// As the limiter's own `call`.
  template <std::invocable Function, clock Clock = steady_clock>
  std::invoke_result_t<Function> call(Function&& f, const Clock& time = Clock{}) {
    return detail::call_limited(*this, time, std::forward<Function>(f));
  }

  [[nodiscard]] const Key& key() const noexcept { return key_; }

 private:
  keyed_rate_limiter* all_;
  Key key_;
};

}  // namespace v0
}  // namespace gabion
