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
  /// Invariant counter (leaf 0x80000007) and RDTSCP (leaf 0x80000001).
  [[nodiscard]] static bool is_invariant() noexcept {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(0x80000001U, &a, &b, &c, &d) == 0 || (d >> 27 & 1U) == 0) return false;
    return __get_cpuid(0x80000007U, &a, &b, &c, &d) != 0 && (d >> 8 & 1U) != 0;
  }
  /// Waits for the loads before it, so that what another thread has read and published is not later
  /// than what this one reads.
  [[nodiscard]] static std::uint64_t read() noexcept {
    unsigned processor = 0;
    return __builtin_ia32_rdtscp(&processor);
  }
#elif defined(__GNUC__) && defined(__aarch64__)
  /// By the architecture.
  [[nodiscard]] static bool is_invariant() noexcept { return true; }
  // No compiler of those supported has builtins for both the barrier and the register.
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
    factor_ = static_cast<std::uint64_t>(factor + 0.5);
    base_ = last.ticks;
    origin_ = last.time.time_since_epoch().count();
  }

  /// False where there is no such counter.
  [[nodiscard]] bool usable() const noexcept { return factor_ != 0; }

  [[nodiscard]] instant at(std::uint64_t ticks) const noexcept {
    // Readings of another thread may be a little before the base. 64 by 32 bits in two steps: every
    // product fits.
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

  /// Both at the same moment: of several readings the one that took least.
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
/// virtual counter of AArch64. As precise as `steady_clock`, without the call of the operating
/// system's function. Most of what is left is the barrier that orders readings across threads.
///
/// The first reading in a process compares the counter with the steady clock for 5 ms, without
/// sleeping; `warm_up` does so at a time of the program's choice. Where the counter is not
/// invariant, every reading is one of `steady_clock`. Its instants begin as those of the steady
/// clock and drift away by a few millionths: never mix them with another clock's.
///
/// Guarantees: never goes back, in one thread or from one that publishes a reading to one that has
/// seen it, on machines whose counters are in step. Where the operating system does not trust them,
/// or stops them while the machine is suspended, use `steady_clock`.
/// Thread safety: safe to read from several threads.
struct tsc_clock {
  [[nodiscard]] static instant now() noexcept {
    const detail::tick_scale& scale = calibrated();
    if (!scale.usable()) [[unlikely]]
      return std::chrono::steady_clock::now();
    return scale.at(detail::tick_counter::read());
  }

  /// Calibrates it, if that has not been done yet.
  static void warm_up() noexcept { static_cast<void>(calibrated()); }
  /// Returns false if every reading is one of the steady clock.
  [[nodiscard]] static bool reads_counter() noexcept { return calibrated().usable(); }

 private:
  [[nodiscard]] static const detail::tick_scale& calibrated() noexcept {
    static const detail::tick_scale scale{std::chrono::milliseconds{5}};
    return scale;
  }
};

}  // namespace v0
}  // namespace gabion
