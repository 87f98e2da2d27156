// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gabion/core/env.hpp>
#include <gabion/resilience/circuit_options.hpp>

namespace gabion::inline v0::detail {

/// Outcomes, and how many of them failed.
struct outcome_sum {
  std::uint32_t calls = 0;
  std::uint32_t failed = 0;
};

/// The last N outcomes, one bit each, and the rule over them: exact and linearizable under contention, and lock-free.
///
/// One atomic word, the tally, holds {generation, tripped, full, failed, outcomes of the current block of 8, ticket}. Recording
/// is one compare-and-swap of it, which counts the new outcome and takes back the oldest at the same moment. A full block
/// waits in the tally; whoever records next writes it into the ring first. Thus nothing in the ring is read before it is
/// written, and a thread that stalls holds nobody up. A ring cell carries generation and version, so a late write of a block
/// fails. O(1), no allocation after the constructor. `TicketBits` and `Block` are there for tests: the ticket wraps
/// soon, the ring is soon gone around.
template <env Env, unsigned TicketBits = 31, unsigned Block = 8>
class circuit_window {
 public:
  using tally_type = typename Env::template atomic<std::uint64_t>;

  explicit circuit_window(const circuit_window_options& o)
      : calls_{o.calls},
        percent_{o.failure_percent},
        minimum_{o.minimum_calls < o.calls ? o.minimum_calls : o.calls},
        mask_{ring_size(o.calls) - 1},
        ring_(o.calls == 0 ? 0 : ring_size(o.calls) / block) {}

  [[nodiscard]] bool enabled() const noexcept { return calls_ != 0; }

  /// Empties the window for a new generation. Outcomes of earlier ones are late from here on. Returns what is to be retired.
  [[nodiscard]] outcome_sum restart(tally_type& tally, std::uint32_t generation) const noexcept {
    return unretired(tally.exchange(std::uint64_t{generation & tag_mask} << tag_shift, std::memory_order_acq_rel));
  }

  /// Empties it within a generation. Outcomes that come in the middle of it are late. O(N / 8).
  [[nodiscard]] outcome_sum clear(tally_type& tally, std::uint32_t generation) noexcept {
    const outcome_sum rest = restart(tally, ~generation);
    // A thread that stalled while it wrote a block must not succeed now: with a new generation the tag sees to that.
    for (auto& cell : ring_) cell.fetch_add(version_one, std::memory_order_acq_rel);
    static_cast<void>(restart(tally, generation));
    return rest;
  }

  /// What one outcome did to the tally. Two words, so that it travels in registers.
  struct step {
    std::uint64_t before = 0;
    std::uint64_t after = 0;  ///< 0: not counted, because the window belongs to another generation or has tripped before

    [[nodiscard]] bool counted() const noexcept { return after != 0; }
    /// The rule is met: by this outcome, or by an earlier one that is just about to open the circuit.
    [[nodiscard]] bool tripped() const noexcept { return ((before | after) & tripped_bit) != 0; }
    /// The block before this outcome is out of the tally; the caller keeps its sum.
    [[nodiscard]] bool retires() const noexcept { return counted() && is_complete(before); }
  };

  /// Counts one outcome of a call that was admitted in `generation`.
  [[nodiscard]] step record(tally_type& tally, std::uint32_t generation, bool failed) noexcept {
    for (std::uint64_t seen = tally.load(std::memory_order_acquire);;) {
      if (seen >> tag_shift != (generation & tag_mask)) return {};
      if ((seen & tripped_bit) != 0) return {seen, 0};
      if (is_complete(seen) && !flush(tally, seen)) {
        seen = tally.load(std::memory_order_acquire);
        continue;
      }
      const std::uint64_t next = advanced(seen, failed);
      if (tally.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_acquire)) return {seen, next};
    }
  }

  /// Counts a success where that changes nothing but the ticket: the window is full, without a failure, in mid-block.
  /// False if it is not so; then nothing is counted and `record` is to be called.
  [[nodiscard]] bool record_quietly(tally_type& tally, std::uint32_t generation) noexcept {
    std::uint64_t seen = tally.load(std::memory_order_relaxed);
    const std::uint64_t quiet = std::uint64_t{generation & tag_mask} << tag_shift | full_bit;
    while ((seen & ~ticket_mask) == quiet && seen % block != 0 && (seen & ticket_mask) != ticket_mask)
      if (tally.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_relaxed)) return true;
    return false;
  }

  /// The outcomes in the window.
  [[nodiscard]] outcome_sum sum(std::uint64_t tally) const noexcept { return {calls_of(tally), failed_of(tally)}; }

  /// The outcomes of the current block, which nobody has retired yet.
  [[nodiscard]] static outcome_sum unretired(std::uint64_t tally) noexcept {
    return {static_cast<std::uint32_t>(is_complete(tally) ? block : ticket_of(tally) % block),
            static_cast<std::uint32_t>(std::popcount(pending_of(tally)))};
  }

 private:
  // Tally, from the low end: ticket (31), outcomes of this block (8), failed (13), full, tripped, generation tag (10).
  static constexpr std::uint64_t block = Block;
  static constexpr std::uint64_t ticket_mask = (std::uint64_t{1} << TicketBits) - 1;
  static constexpr unsigned pending_shift = 31;
  static constexpr std::uint64_t pending_mask = 0xff;
  static constexpr unsigned failed_shift = 39;
  static constexpr std::uint64_t failed_one = std::uint64_t{1} << failed_shift;
  static constexpr std::uint64_t failed_mask = (std::uint64_t{1} << 13) - 1;
  static constexpr std::uint64_t full_bit = std::uint64_t{1} << 52;
  static constexpr std::uint64_t tripped_bit = std::uint64_t{1} << 53;
  static constexpr unsigned tag_shift = 54;
  static constexpr std::uint64_t tag_mask = (std::uint64_t{1} << 10) - 1;
  static_assert(TicketBits <= pending_shift && std::has_single_bit(block) && block <= 8 && circuit_max_window <= failed_mask);

  // Ring cell, from the low end: 8 outcomes, version (46), generation tag (10).
  static constexpr std::uint64_t version_one = std::uint64_t{1} << 8;
  static constexpr std::uint64_t version_mask = (std::uint64_t{1} << tag_shift) - version_one;

  [[nodiscard]] static constexpr std::uint64_t ring_size(std::uint32_t calls) noexcept {
    return calls < block ? block : std::bit_ceil(std::uint64_t{calls});
  }

  [[nodiscard]] static constexpr std::uint64_t ticket_of(std::uint64_t tally) noexcept { return tally & ticket_mask; }
  [[nodiscard]] static constexpr std::uint64_t pending_of(std::uint64_t tally) noexcept {
    return tally >> pending_shift & pending_mask;
  }
  [[nodiscard]] static constexpr std::uint32_t failed_of(std::uint64_t tally) noexcept {
    return static_cast<std::uint32_t>(tally >> failed_shift & failed_mask);
  }
  [[nodiscard]] std::uint32_t calls_of(std::uint64_t tally) const noexcept {
    return static_cast<std::uint32_t>((tally & full_bit) != 0 ? calls_ : ticket_of(tally));
  }
  /// The tally holds a whole block, which has to go to the ring before the next outcome comes.
  [[nodiscard]] static constexpr bool is_complete(std::uint64_t tally) noexcept {
    return ticket_of(tally) % block == 0 && (tally & (ticket_mask | full_bit)) != 0;
  }

  /// The tally after one more outcome. The oldest one, if the window is full, leaves it.
  [[nodiscard]] std::uint64_t advanced(std::uint64_t seen, bool failed) const noexcept {
    const std::uint64_t ticket = ticket_of(seen);
    std::uint64_t next = (seen & ~ticket_mask) | ((ticket + 1) & ticket_mask);
    if (ticket % block == 0) next &= ~(pending_mask << pending_shift);
    if ((seen & full_bit) == 0) {
      if (ticket + 1 == calls_) next |= full_bit;
    } else if (failed_of(seen) != 0 && oldest_failed(seen)) {
      next -= failed_one;
    }
    if (failed) next = (next + failed_one) | std::uint64_t{1} << (pending_shift + ticket % block);
    return meets_rule(next) ? next | tripped_bit : next;
  }

  [[nodiscard]] bool meets_rule(std::uint64_t tally) const noexcept {
    const std::uint64_t failed = failed_of(tally);
    if (failed == 0) return false;
    const std::uint64_t calls = calls_of(tally);
    return calls >= minimum_ && failed * 100 >= percent_ * calls;
  }

  [[nodiscard]] bool oldest_failed(std::uint64_t seen) const noexcept {
    const std::uint64_t oldest = ticket_of(seen) - calls_;
    const bool is_pending = ticket_of(seen) % block >= calls_;
    const std::uint64_t outcomes = is_pending ? pending_of(seen) : ring_[cell_of(oldest)].load(std::memory_order_acquire);
    return (outcomes >> oldest % block & 1) != 0;
  }

  [[nodiscard]] std::size_t cell_of(std::uint64_t ticket) const noexcept {
    return static_cast<std::size_t>((ticket & mask_) / block);
  }

  /// Writes the block into the ring. False if somebody else has moved the tally on.
  [[nodiscard]] bool flush(const tally_type& tally, std::uint64_t seen) noexcept {
    auto& cell = ring_[cell_of(ticket_of(seen) - block)];
    std::uint64_t word = cell.load(std::memory_order_acquire);
    if (word >> tag_shift == seen >> tag_shift && (word & pending_mask) == pending_of(seen)) return true;
    if (tally.load(std::memory_order_acquire) != seen) return false;  // the cell may hold a later block by now
    const std::uint64_t next = seen >> tag_shift << tag_shift | ((word + version_one) & version_mask) | pending_of(seen);
    return cell.compare_exchange_strong(word, next, std::memory_order_acq_rel, std::memory_order_acquire);
  }

  std::uint64_t calls_;
  std::uint64_t percent_;
  std::uint64_t minimum_;
  std::uint64_t mask_;
  std::vector<typename Env::template atomic<std::uint64_t>> ring_;
};

}  // namespace gabion::inline v0::detail
