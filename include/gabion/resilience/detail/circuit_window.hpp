// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gabion/core/env.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/detail/circuit_history.hpp>
#include <gabion/resilience/detail/circuit_rule_word.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Outcomes, and how many of them failed.
struct outcome_sum {
  std::uint32_t calls = 0;
  std::uint32_t failed = 0;
};

/// The last N outcomes, one bit each, and the rule over them: exact and linearizable under
/// contention, and lock-free.
///
/// One atomic word, the tally, holds {stamp, tripped, full, failed, outcomes of the current block
/// of 8, ticket}. Recording is one compare-and-swap of it, which counts the new outcome and takes
/// back the oldest at the same moment. A full block waits in the tally; whoever records next writes
/// it into the ring first. Thus nothing in the ring is read before it is written, and a thread that
/// stalls holds nobody up. A ring cell carries stamp and version, so a late write of a block fails.
/// O(1), no allocation after the constructor but in `rebuild`. `TicketBits` and `Block` are there
/// for tests: the ticket wraps soon, the ring is soon gone around.
///
/// Thresholds may change under the calls: they are one atomic word too, whose version is part of
/// the stamp, next to the generation. Whoever has read other thresholds than the tally was counted
/// by does not count.
template <env Env, unsigned TicketBits = 31, unsigned Block = 8>
class circuit_window {
 public:
  using tally_type = typename Env::template atomic<std::uint64_t>;
  /// Outcomes that are retired together.
  static constexpr std::uint64_t block_size = Block;

  explicit circuit_window(const circuit_window_options& o, std::uint32_t failures = 0) {
    rules_.store(circuit_rule_word{failures, o, prepare(o.calls)}.bits(),
                 std::memory_order_release);
  }

  /// The thresholds that are in force.
  [[nodiscard]] circuit_rule_word rules() const noexcept {
    return circuit_rule_word{rules_.load(std::memory_order_acquire)};
  }

  /// Empties the window for a new generation. Outcomes of earlier ones are late from here on.
  /// Returns what is to be retired.
  [[nodiscard]] outcome_sum restart(tally_type& tally, std::uint32_t generation) const noexcept {
    return unretired(
        tally.exchange(stamp(generation, rules()) << tag_shift, std::memory_order_acq_rel));
  }

  /// Stops the window: nothing is counted until `rebuild`. Adds its contents to `history`. Returns
  /// what is to be retired.
  [[nodiscard]] outcome_sum freeze(tally_type& tally, std::uint32_t generation,
                                   circuit_history& history) const noexcept {
    const circuit_rule_word old = rules();
    const circuit_rule_word next = old.after(old);
    const std::uint64_t seen =
        tally.exchange(stamp(generation, next) << tag_shift, std::memory_order_acq_rel);
    const std::uint64_t ticket = ticket_of(seen);
    const std::uint64_t pending = ticket - (is_complete(seen) ? block : ticket % block);
    for (std::uint64_t n = calls_of(seen, old); n > 0; --n) {
      const std::uint64_t at = ticket - n;
      const bool is_pending = ticket - pending >= n;
      const std::uint64_t outcomes =
          is_pending ? pending_of(seen) : cell(old, at).load(std::memory_order_acquire);
      history.add({.failed = (outcomes >> at % block & 1) != 0});
    }
    return unretired(seen);
  }

  /// Makes room for that many outcomes. Call it before `freeze`, because it may throw.
  std::uint32_t prepare(std::uint32_t calls) {
    if (calls == 0) return 0;
    const std::uint32_t ring =
        static_cast<std::uint32_t>(std::bit_width(calls < block ? block : calls) - 1) +
        (std::has_single_bit(calls) || calls < block ? 0U : 1U);
    if (rings_[ring].empty())
      rings_[ring] = std::vector<typename Env::template atomic<std::uint64_t>>(
          (std::size_t{1} << ring) / block);
    return ring;
  }

  /// Puts other thresholds in force over the last outcomes of `history`. Returns what is to be
  /// taken back from the retired.
  [[nodiscard]] outcome_sum rebuild(tally_type& tally, std::uint32_t generation,
                                    const circuit_window_options& o, std::uint32_t failures,
                                    std::uint32_t ring, const circuit_history& history) noexcept {
    const circuit_rule_word next = circuit_rule_word{failures, o, ring}.after(rules());
    // A thread that stalled while it wrote a block must not succeed now.
    for (auto& of_size : rings_)
      for (auto& c : of_size) c.fetch_add(version_one, std::memory_order_acq_rel);
    std::uint64_t bits = stamp(generation, next) << tag_shift;
    history.last(o.calls, [&](circuit_outcome outcome) {
      if (is_complete(bits)) write(cell(next, ticket_of(bits) - block), bits);
      bits = advanced(bits, next, outcome.failed) & ~tripped_bit;
    });
    tally.store(bits, std::memory_order_release);
    rules_.store(next.bits(), std::memory_order_release);
    return unretired(bits);
  }

  /// What one outcome did to the tally. Two words, so that it travels in registers.
  struct step {
    std::uint64_t before = 0;
    /// 0: not counted, because the window is of another stamp or has tripped before
    std::uint64_t after = 0;

    [[nodiscard]] bool counted() const noexcept { return after != 0; }
    /// The rule is met: by this outcome, or by an earlier one that is just about to open the
    /// circuit.
    [[nodiscard]] bool tripped() const noexcept { return ((before | after) & tripped_bit) != 0; }
    /// The block before this outcome is out of the tally; the caller keeps its sum.
    [[nodiscard]] bool retires() const noexcept { return counted() && is_complete(before); }
  };

  /// Counts one outcome of a call that was admitted in `generation`.
  [[nodiscard]] step record(tally_type& tally, std::uint32_t generation, bool failed) noexcept {
    return record(tally, rules(), generation, failed);
  }
  /// The same by thresholds that the caller has read. They must have a window.
  [[nodiscard, gnu::always_inline]] step record(tally_type& tally, circuit_rule_word r,
                                                std::uint32_t generation, bool failed) noexcept {
    for (std::uint64_t seen = tally.load(std::memory_order_acquire);;) {
      if (seen >> tag_shift != stamp(generation, r)) return {};
      if ((seen & tripped_bit) != 0) return {seen, 0};
      if (is_complete(seen) && !flush(tally, r, seen)) {
        seen = tally.load(std::memory_order_acquire);
        continue;
      }
      const std::uint64_t next = advanced(seen, r, failed);
      if (tally.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
        return {seen, next};
    }
  }

  /// Counts a success where that changes nothing but the ticket: the window is full, without a
  /// failure, in mid-block. Returns false otherwise; then nothing is counted and the caller calls
  /// `record`.
  [[nodiscard]] bool record_quietly(tally_type& tally, circuit_rule_word r,
                                    std::uint32_t generation) noexcept {
    std::uint64_t seen = tally.load(std::memory_order_relaxed);
    const std::uint64_t quiet = stamp(generation, r) << tag_shift | full_bit;
    // Compares the next word, because a ticket that wraps around carries into the bits above it.
    while (((seen + 1) & ~ticket_mask) == quiet && seen % block != 0)
      if (tally.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) [[likely]]
        return true;
    return false;
  }
  /// The same at the end of a block, if the ring already contains such a block of successes, as it
  /// does after a whole round of successes. The caller retires a block of successes.
  [[nodiscard]] bool record_quiet_block(tally_type& tally, circuit_rule_word r,
                                        std::uint32_t generation) noexcept {
    std::uint64_t seen = tally.load(std::memory_order_acquire);
    if (seen % block != 0) return false;
    const std::uint64_t quiet = stamp(generation, r) << tag_shift | full_bit;
    if (((seen + 1) & ~ticket_mask) != quiet) return false;
    const std::uint64_t word = cell(r, ticket_of(seen) - block).load(std::memory_order_acquire);
    if (word >> tag_shift != quiet >> tag_shift || (word & pending_mask) != 0) return false;
    return tally.compare_exchange_strong(seen, seen + 1, std::memory_order_acq_rel,
                                         std::memory_order_relaxed);
  }

  /// The outcomes in the window.
  [[nodiscard]] outcome_sum sum(std::uint64_t tally) const noexcept {
    return {calls_of(tally, rules()), failed_of(tally)};
  }

  /// The outcomes of the current block, which nobody has retired yet.
  [[nodiscard]] static outcome_sum unretired(std::uint64_t tally) noexcept {
    return {static_cast<std::uint32_t>(is_complete(tally) ? block : ticket_of(tally) % block),
            static_cast<std::uint32_t>(std::popcount(pending_of(tally)))};
  }

 private:
  // Tally, from the low end: ticket (31), outcomes of this block (8), failed (13), full, tripped,
  // stamp (10).
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
  static_assert(TicketBits <= pending_shift && std::has_single_bit(block) && block <= 8 &&
                circuit_max_window <= failed_mask);

  // Ring cell, from the low end: 8 outcomes, version (46), stamp (10).
  static constexpr std::uint64_t version_one = std::uint64_t{1} << 8;
  static constexpr std::uint64_t version_mask = (std::uint64_t{1} << tag_shift) - version_one;

  /// Of what the tally counts: of this generation, by these thresholds.
  [[nodiscard]] static constexpr std::uint64_t stamp(std::uint32_t generation,
                                                     circuit_rule_word r) noexcept {
    return (generation + r.version()) & tag_mask;
  }

  [[nodiscard]] static constexpr std::uint64_t ticket_of(std::uint64_t tally) noexcept {
    return tally & ticket_mask;
  }
  [[nodiscard]] static constexpr std::uint64_t pending_of(std::uint64_t tally) noexcept {
    return tally >> pending_shift & pending_mask;
  }
  [[nodiscard]] static constexpr std::uint32_t failed_of(std::uint64_t tally) noexcept {
    return static_cast<std::uint32_t>(tally >> failed_shift & failed_mask);
  }
  [[nodiscard]] static constexpr std::uint32_t calls_of(std::uint64_t tally,
                                                        circuit_rule_word r) noexcept {
    return static_cast<std::uint32_t>((tally & full_bit) != 0 ? r.calls() : ticket_of(tally));
  }
  /// The tally holds a whole block, which has to go to the ring before the next outcome comes.
  [[nodiscard]] static constexpr bool is_complete(std::uint64_t tally) noexcept {
    return ticket_of(tally) % block == 0 && (tally & (ticket_mask | full_bit)) != 0;
  }

  /// The tally after one more outcome. The oldest one, if the window is full, leaves it.
  [[nodiscard, gnu::always_inline]] std::uint64_t advanced(std::uint64_t seen, circuit_rule_word r,
                                                           bool failed) const noexcept {
    const std::uint64_t ticket = ticket_of(seen);
    std::uint64_t next = ticket == ticket_mask ? seen & ~ticket_mask : seen + 1;
    if (ticket % block == 0) next &= ~(pending_mask << pending_shift);
    if ((seen & full_bit) == 0) {
      if (ticket + 1 == r.calls()) next |= full_bit;
    } else if (failed_of(seen) != 0 && oldest_failed(seen, r)) {
      next -= failed_one;
    }
    if (failed) next = (next + failed_one) | std::uint64_t{1} << (pending_shift + ticket % block);
    return meets_rule(next, r) ? next | tripped_bit : next;
  }

  [[nodiscard]] static constexpr bool meets_rule(std::uint64_t tally,
                                                 circuit_rule_word r) noexcept {
    const std::uint64_t failed = failed_of(tally);
    if (failed == 0) return false;
    const std::uint64_t calls = calls_of(tally, r);
    return calls >= r.minimum() && failed * 100 >= r.percent() * calls;
  }

  [[nodiscard]] bool oldest_failed(std::uint64_t seen, circuit_rule_word r) const noexcept {
    const std::uint64_t oldest = ticket_of(seen) - r.calls();
    const bool is_pending = ticket_of(seen) % block >= r.calls();
    const std::uint64_t outcomes =
        is_pending ? pending_of(seen) : cell(r, oldest).load(std::memory_order_acquire);
    return (outcomes >> oldest % block & 1) != 0;
  }

  [[nodiscard]] static constexpr std::size_t cell_of(circuit_rule_word r,
                                                     std::uint64_t ticket) noexcept {
    return static_cast<std::size_t>((ticket & ((std::uint64_t{1} << r.ring()) - 1)) / block);
  }
  [[nodiscard]] auto& cell(circuit_rule_word r, std::uint64_t ticket) noexcept {
    return rings_[r.ring()][cell_of(r, ticket)];
  }
  [[nodiscard]] const auto& cell(circuit_rule_word r, std::uint64_t ticket) const noexcept {
    return rings_[r.ring()][cell_of(r, ticket)];
  }

  /// Writes the block into the ring. False if somebody else has moved the tally on.
  [[nodiscard, gnu::noinline]] bool flush(const tally_type& tally, circuit_rule_word r,
                                          std::uint64_t seen) noexcept {
    auto& c = cell(r, ticket_of(seen) - block);
    std::uint64_t word = c.load(std::memory_order_acquire);
    if (word >> tag_shift == seen >> tag_shift && (word & pending_mask) == pending_of(seen))
      return true;
    // the cell may hold a later block by now
    if (tally.load(std::memory_order_acquire) != seen) return false;
    const std::uint64_t next =
        seen >> tag_shift << tag_shift | ((word + version_one) & version_mask) | pending_of(seen);
    return c.compare_exchange_strong(word, next, std::memory_order_acq_rel,
                                     std::memory_order_acquire);
  }

  /// The same while nobody else counts.
  template <class Cell>
  static void write(Cell& c, std::uint64_t seen) noexcept {
    const std::uint64_t word = c.load(std::memory_order_relaxed);
    c.store(
        seen >> tag_shift << tag_shift | ((word + version_one) & version_mask) | pending_of(seen),
        std::memory_order_release);
  }

  typename Env::template atomic<std::uint64_t> rules_{0};
  // By size, so that a thread that stalls over an old ring finds it where it was. Together at most
  // twice the largest one.
  std::array<std::vector<typename Env::template atomic<std::uint64_t>>, 14> rings_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
