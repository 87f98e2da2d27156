// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gabion/core/env.hpp>
#include <gabion/resilience/circuit_options.hpp>

namespace gabion::inline v0::detail {

/// What a count window has to say about one outcome.
struct window_result {
  enum class kind : std::uint8_t {
    recorded,  ///< counted
    tripped,   ///< the rule is met: by this outcome, or by an earlier one that is just about to open the circuit
    late,      ///< the window belongs to another generation, or has tripped; nothing was counted
  };
  kind what = kind::recorded;
  bool counted = true;
  std::uint32_t failed = 0;
  std::uint32_t calls = 0;
};

/// The last N outcomes, one bit each, and the rule over them: exact and linearizable under contention, and lock-free.
///
/// One atomic word, the tally, holds {generation, tripped, full, pending outcome, failed, ticket}. Each outcome is one
/// compare-and-swap of it, which counts the new outcome and takes back the oldest at the same moment. The new outcome's bit
/// waits in the tally; whoever records next writes it into the ring first. Thus nothing in the ring is ever read before
/// it is written, and a thread that stalls holds nobody up. A ring word carries generation and version, so a late write of a
/// bit fails. Usual cost: one load of a ring word and one compare-and-swap. O(1), allocates only in the constructor.
///
/// `TicketBits` is there for tests, which make the ticket wrap.
template <env Env, unsigned TicketBits = 35>
class circuit_window {
 public:
  using tally_type = typename Env::template atomic<std::uint64_t>;

  explicit circuit_window(const circuit_window_options& o)
      : calls_{o.calls},
        percent_{o.failure_percent},
        minimum_{o.minimum_calls < o.calls ? o.minimum_calls : o.calls},
        mask_{ring_size(o.calls) - 1},
        ring_(o.calls == 0 ? 0 : (ring_size(o.calls) + bits_per_word - 1) / bits_per_word) {}

  [[nodiscard]] bool enabled() const noexcept { return calls_ != 0; }

  /// Empties the window for a new generation. Outcomes of earlier ones are late from here on.
  void restart(tally_type& tally, std::uint32_t generation) const noexcept {
    tally.store(std::uint64_t{generation & tag_mask} << tag_shift, std::memory_order_release);
  }

  /// Counts one outcome of a call that was admitted in `generation`.
  [[nodiscard]] window_result record(tally_type& tally, std::uint32_t generation, bool failed) noexcept {
    for (std::uint64_t seen = tally.load(std::memory_order_acquire);;) {
      if (seen >> tag_shift != (generation & tag_mask)) return {window_result::kind::late, false};
      if (seen & tripped_bit) return {window_result::kind::tripped, false, failed_of(seen), calls_of(seen)};
      if (!flush(tally, seen)) {
        seen = tally.load(std::memory_order_acquire);
        continue;
      }
      const std::uint64_t next = advanced(seen, failed);
      if (tally.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_acquire))
        return {(next & tripped_bit) != 0 ? window_result::kind::tripped : window_result::kind::recorded, true, failed_of(next),
                calls_of(next)};
    }
  }

  /// The outcomes in the window, and how many of them failed.
  [[nodiscard]] window_result counts(const tally_type& tally) const noexcept {
    const std::uint64_t seen = tally.load(std::memory_order_acquire);
    return {window_result::kind::recorded, true, failed_of(seen), calls_of(seen)};
  }

 private:
  // Tally, from the low end: ticket, failed (13), pending (1), full (1), tripped (1), generation tag (13).
  static constexpr std::uint64_t ticket_mask = (std::uint64_t{1} << TicketBits) - 1;
  static constexpr unsigned failed_shift = 35;
  static constexpr std::uint64_t failed_one = std::uint64_t{1} << failed_shift;
  static constexpr std::uint64_t failed_mask = (std::uint64_t{1} << 13) - 1;
  static constexpr std::uint64_t pending_bit = std::uint64_t{1} << 48;
  static constexpr std::uint64_t full_bit = std::uint64_t{1} << 49;
  static constexpr std::uint64_t tripped_bit = std::uint64_t{1} << 50;
  static constexpr unsigned tag_shift = 51;
  static constexpr std::uint64_t tag_mask = (std::uint64_t{1} << 13) - 1;
  static_assert(TicketBits <= failed_shift);

  // Ring word, from the low end: 16 outcomes, version (32), generation tag (13).
  static constexpr std::uint64_t bits_per_word = 16;
  static constexpr std::uint64_t version_one = std::uint64_t{1} << 16;
  static constexpr std::uint64_t version_mask = ((std::uint64_t{1} << 32) - 1) << 16;
  static constexpr std::uint64_t outcomes_mask = version_one - 1;
  static constexpr unsigned word_tag_shift = 48;

  [[nodiscard]] static constexpr std::uint64_t ring_size(std::uint32_t calls) noexcept {
    std::uint64_t size = 1;
    while (size < calls) size *= 2;
    return size;
  }

  [[nodiscard]] static constexpr std::uint64_t ticket_of(std::uint64_t tally) noexcept { return tally & ticket_mask; }
  [[nodiscard]] static constexpr std::uint32_t failed_of(std::uint64_t tally) noexcept {
    return static_cast<std::uint32_t>(tally >> failed_shift & failed_mask);
  }
  [[nodiscard]] std::uint32_t calls_of(std::uint64_t tally) const noexcept {
    return (tally & full_bit) != 0 ? calls_ : static_cast<std::uint32_t>(ticket_of(tally));
  }

  /// The tally after one more outcome. The oldest one, if the window is full, leaves it.
  [[nodiscard]] std::uint64_t advanced(std::uint64_t seen, bool failed) const noexcept {
    const std::uint64_t ticket = ticket_of(seen);
    std::uint64_t next = (seen & ~(ticket_mask | pending_bit)) | ((ticket + 1) & ticket_mask);
    if ((seen & full_bit) != 0) {
      if (outcome_at(ticket - calls_)) next -= failed_one;
    } else if (ticket + 1 == calls_) {
      next |= full_bit;
    }
    if (failed) next = (next + failed_one) | pending_bit;
    const std::uint64_t calls = calls_of(next);
    const bool trips = calls >= minimum_ && std::uint64_t{failed_of(next)} * 100 >= std::uint64_t{percent_} * calls;
    return trips ? next | tripped_bit : next;
  }

  [[nodiscard]] bool outcome_at(std::uint64_t ticket) const noexcept {
    const std::uint64_t slot = ticket & mask_;
    const std::uint64_t word = ring_[static_cast<std::size_t>(slot / bits_per_word)].load(std::memory_order_acquire);
    return (word >> slot % bits_per_word & 1) != 0;
  }

  /// Writes the pending outcome into the ring. False if somebody else has moved the tally on.
  [[nodiscard]] bool flush(const tally_type& tally, std::uint64_t seen) noexcept {
    if ((seen & (ticket_mask | full_bit)) == 0) return true;  // the first outcome of a generation: nothing is pending
    const std::uint64_t slot = (ticket_of(seen) - 1) & mask_;
    auto& cell = ring_[static_cast<std::size_t>(slot / bits_per_word)];
    const std::uint64_t mine = std::uint64_t{1} << slot % bits_per_word;
    const std::uint64_t pending = (seen & pending_bit) != 0 ? mine : 0;
    std::uint64_t word = cell.load(std::memory_order_acquire);
    const bool current = word >> word_tag_shift == seen >> tag_shift;
    if (current && (word & mine) == pending) return true;
    if (tally.load(std::memory_order_acquire) != seen) return false;
    const std::uint64_t others = current ? word & outcomes_mask & ~mine : 0;
    const std::uint64_t next =
        seen >> tag_shift << word_tag_shift | ((word + version_one) & version_mask) | others | pending;
    return cell.compare_exchange_strong(word, next, std::memory_order_acq_rel, std::memory_order_acquire);
  }

  std::uint32_t calls_;
  std::uint32_t percent_;
  std::uint32_t minimum_;
  std::uint64_t mask_;
  std::vector<typename Env::template atomic<std::uint64_t>> ring_;
};

}  // namespace gabion::inline v0::detail
