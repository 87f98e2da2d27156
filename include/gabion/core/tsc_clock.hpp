// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <gabion/core/clock.hpp>

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#include <cpuid.h>
#endif

namespace gabion {
inline namespace v0 {
namespace detail {

/// The processor's time stamp counter, where there is one that counts at the same rate always and
/// everywhere.
struct tick_counter {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
  /// Returns whether the counter is invariant (leaf 0x80000007) and RDTSCP exists (leaf
  /// 0x80000001).
  [[nodiscard]] static bool is_invariant() noexcept {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(0x80000001U, &a, &b, &c, &d) == 0 || (d >> 27 & 1U) == 0) return false;
    return __get_cpuid(0x80000007U, &a, &b, &c, &d) != 0 && (d >> 8 & 1U) != 0;
  }
  /// Returns the counter. Waits for earlier loads first, so that a reading is never before one that
  /// another thread has published and this thread has seen.
  [[nodiscard]] static std::uint64_t read() noexcept {
    unsigned processor = 0;
    return __builtin_ia32_rdtscp(&processor);
  }
#elif defined(__GNUC__) && defined(__aarch64__)
  /// Always true: the architecture requires it.
  [[nodiscard]] static bool is_invariant() noexcept { return true; }
  // No supported compiler has builtins for both the barrier and the register.
  [[nodiscard]] static std::uint64_t read() noexcept {
    std::uint64_t ticks = 0;
    asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
  }
#else
  [[nodiscard]] static bool is_invariant() noexcept { return false; }
  [[nodiscard]] static std::uint64_t read() noexcept { return 0; }
#endif
};

/// Steady time as a linear function of the counter: origin + (ticks - base) * factor / 2^shift.
class tick_scale {
 public:
  /// Compares the counter with the steady clock for `interval`, without sleeping.
  explicit tick_scale(duration interval) noexcept {
    if (!tick_counter::is_invariant()) return;
    const pair first = read_both();
    pair last = read_both();
    while (last.time - first.time < interval) last = read_both();
    if (last.ticks <= first.ticks) return;
    double factor = static_cast<double>((last.time - first.time).count()) /
                    static_cast<double>(last.ticks - first.ticks) * 4294967296.0;
    for (; factor >= 4294967295.0 && shift_ > 0; --shift_) factor /= 2;
    factor_ = static_cast<std::uint64_t>(factor);
    base_ = last.ticks;
    origin_ = last.time.time_since_epoch().count();
  }

  /// Returns false if there is no invariant counter.
  [[nodiscard]] bool usable() const noexcept { return factor_ != 0; }

  [[nodiscard]] instant at(std::uint64_t ticks) const noexcept {
    // Another thread's reading may be slightly before the base. Two products of 32 by 32 bits each
    // fit into 64.
    const std::uint64_t passed = ticks > base_ ? ticks - base_ : 0;
    const std::uint64_t high = (passed >> 32) * factor_ << (32 - shift_);
    const std::uint64_t low = (passed & 0xffff'ffffU) * factor_ >> shift_;
    return instant{duration{origin_ + static_cast<duration::rep>(high + low)}};
  }

 private:
  struct pair {
    std::uint64_t ticks = 0;
    instant time{};
  };

  /// Reads the counter and the steady clock together; of several tries, returns the quickest.
  [[nodiscard]] static pair read_both() noexcept {
    pair best;
    std::uint64_t least = ~std::uint64_t{0};
    for (int i = 0; i < 16; ++i) {
      const std::uint64_t before = tick_counter::read();
      const instant time = std::chrono::steady_clock::now();
      const std::uint64_t took = tick_counter::read() - before;
      if (took < least) {
        least = took;
        best = {before + took / 2, time};
      }
    }
    return best;
  }

  std::uint64_t factor_ = 0;
  unsigned shift_ = 32;
  std::uint64_t base_ = 0;
  duration::rep origin_ = 0;
};

}  // namespace detail

/// A steady clock that reads the processor's counter: the invariant time stamp counter of x86, the
/// virtual counter of AArch64.
///
/// It is as precise as `steady_clock` and does not call the operating system. Most of its cost is
/// the barrier that orders readings across threads. The first reading in a process calibrates the
/// counter against `steady_clock` for 5 ms, without sleeping; `warm_up` does this earlier. If the
/// counter is not invariant, every reading is one of `steady_clock`.
///
/// Guarantees:
/// - Never goes back, if the processors' counters are synchronised: neither within a thread nor
///   from a thread that publishes a reading to one that has seen it.
/// - Drifts from `steady_clock` by a few millionths. Do not mix instants of the two.
/// - Use `steady_clock` if the operating system does not trust the counters or if they stop while
///   the machine is suspended.
///
/// Thread safety: all members may be called concurrently.
struct tsc_clock {
  [[nodiscard]] static instant now() noexcept {
    const detail::tick_scale& scale = calibrated();
    if (!scale.usable()) [[unlikely]]
      return std::chrono::steady_clock::now();
    return scale.at(detail::tick_counter::read());
  }

  /// Calibrates the clock if that has not been done yet. Takes 5 ms.
  static void warm_up() noexcept { static_cast<void>(calibrated()); }
  /// Returns whether the counter is used; false if every reading is one of `steady_clock`.
  [[nodiscard]] static bool reads_counter() noexcept { return calibrated().usable(); }

 private:
  [[nodiscard]] static const detail::tick_scale& calibrated() noexcept {
    static const detail::tick_scale scale{std::chrono::milliseconds{5}};
    return scale;
  }
};

}  // namespace v0
}  // namespace gabion
