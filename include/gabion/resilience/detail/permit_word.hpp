// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include <gabion/core/env.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The most permits that a bulkhead can have.
inline constexpr std::uint32_t bulkhead_max_limit = 2'147'483'647;

/// What a bulkhead knows in one word: the limit, the permits in use, and whether somebody waits for
/// one.
struct permit_state {
  std::uint32_t limit = 0;
  std::uint32_t in_use = 0;
  bool waiting = false;

  [[nodiscard]] constexpr bool has_room() const noexcept { return in_use < limit; }
};

/// The atomic word of a bulkhead. While nobody waits, one compare-and-swap takes a permit and one
/// subtraction gives it back. While somebody waits, no permit is taken past the queue. Every member
/// is safe to call from several threads.
template <env Env>
class permit_word {
 public:
  explicit permit_word(std::uint32_t limit) noexcept : word_{limit_bits(limit)} {}

  [[nodiscard]] permit_state load() const noexcept {
    return unpacked(word_.load(std::memory_order_acquire));
  }

  /// Takes a permit if one is free and nobody waits for it. False: there is none to take.
  [[nodiscard]] bool try_take() noexcept {
    std::uint64_t seen = word_.load(std::memory_order_acquire);
    while (unpacked(seen).has_room() && (seen & waiting_bit) == 0)
      if (exchange(seen, seen + 1)) return true;
    return false;
  }

  /// Takes a free permit, also past the queue: for whoever holds the lock of the queue.
  [[nodiscard]] bool take_for_waiter() noexcept {
    std::uint64_t seen = word_.load(std::memory_order_acquire);
    while (unpacked(seen).has_room())
      if (exchange(seen, seen + 1)) return true;
    return false;
  }

  /// Says that somebody waits, unless a permit is free after all; then it takes that one. True:
  /// taken. Under the queue's lock.
  [[nodiscard]] bool take_or_wait() noexcept {
    std::uint64_t seen = word_.load(std::memory_order_acquire);
    for (;;) {
      const bool room = unpacked(seen).has_room();
      if (exchange(seen, room ? seen + 1 : seen | waiting_bit)) return room;
    }
  }

  /// Says that nobody waits any more. Under the queue's lock.
  void nobody_waits() noexcept {
    std::uint64_t seen = word_.load(std::memory_order_acquire);
    while ((seen & waiting_bit) != 0 && !exchange(seen, seen & ~waiting_bit)) {}
  }

  /// Gives a permit back. True: somebody waits, so the queue has to be looked after.
  bool give_back() noexcept {
    return (word_.fetch_sub(1, std::memory_order_acq_rel) & waiting_bit) != 0;
  }

  /// Sets the limit. True: somebody waits, so the queue has to be looked after.
  bool resize(std::uint32_t limit) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_acquire);
    while (!exchange(seen, (seen & ~limit_mask) | limit_bits(limit))) {}
    return (seen & waiting_bit) != 0;
  }

 private:
  // Permits in use: the low 32 bits, of which 31 are needed. The limit: 31 bits above. Somebody
  // waits: the highest bit.
  static constexpr std::uint64_t waiting_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t limit_mask = std::uint64_t{bulkhead_max_limit} << 32;

  [[nodiscard]] static constexpr std::uint64_t limit_bits(std::uint32_t limit) noexcept {
    return std::uint64_t{limit} << 32;
  }
  [[nodiscard]] static constexpr permit_state unpacked(std::uint64_t w) noexcept {
    return {static_cast<std::uint32_t>((w & limit_mask) >> 32), static_cast<std::uint32_t>(w),
            (w & waiting_bit) != 0};
  }
  [[nodiscard]] bool exchange(std::uint64_t& seen, std::uint64_t next) noexcept {
    return word_.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                       std::memory_order_acquire);
  }

  typename Env::template atomic<std::uint64_t> word_;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
