// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <gabion/core/env.hpp>
#include <gabion/resilience/circuit_snapshot.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What became of one call; the order is that of `verdict`, then of `circuit_counts`. `unrecorded`
/// is in no count.
enum class circuit_settlement : std::uint8_t {
  success,
  failure,
  ignored,
  cancelled,
  abandoned,
  late,
  rejected,
  unrecorded
};

/// The counts of a breaker, in stripes, so that threads that only count do not fight for one cache
/// line. Every member is safe to call from several threads.
template <env Env>
class circuit_counters {
 public:
  void add(circuit_settlement what, std::uint64_t n = 1) noexcept {
    stripes_[here()].of[static_cast<std::size_t>(what)].fetch_add(n, std::memory_order_release);
  }

  [[nodiscard]] circuit_counts read() const noexcept {
    return {sum(circuit_settlement::success),   sum(circuit_settlement::failure),
            sum(circuit_settlement::ignored),   sum(circuit_settlement::cancelled),
            sum(circuit_settlement::abandoned), sum(circuit_settlement::late),
            sum(circuit_settlement::rejected)};
  }

 private:
  static constexpr std::size_t stripes = 4;
  struct alignas(64) stripe {
    std::array<typename Env::template atomic<std::uint64_t>, 7> of{};
  };

  // Threads are told apart by where their stacks are: no thread_local, no call. Any answer is
  // correct.
  [[nodiscard]] static std::size_t here() noexcept {
    const char mark = 0;
    return (reinterpret_cast<std::uintptr_t>(&mark) >> 12) % stripes;
  }

  [[nodiscard]] std::uint64_t sum(circuit_settlement what) const noexcept {
    std::uint64_t total = 0;
    for (const stripe& s : stripes_)
      total += s.of[static_cast<std::size_t>(what)].load(std::memory_order_acquire);
    return total;
  }

  std::array<stripe, stripes> stripes_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
