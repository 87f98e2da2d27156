// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// Time that moves only when a test says so. Its clocks are handles: keep the `manual_time` alive
/// as long as they are.
///
/// Steady and wall time advance together. Safe to read and to move from several threads.
class manual_time {
 public:
  /// A handle that satisfies `gabion::clock`.
  class steady_handle {
   public:
    explicit steady_handle(const manual_time& time) noexcept : time_{&time} {}
    [[nodiscard]] instant now() const noexcept { return time_->now(); }

   private:
    const manual_time* time_;
  };

  /// A handle that satisfies `gabion::wall_clock`.
  class wall_handle {
   public:
    explicit wall_handle(const manual_time& time) noexcept : time_{&time} {}
    [[nodiscard]] wall_time now() const noexcept { return time_->wall_now(); }

   private:
    const manual_time* time_;
  };

  manual_time() = default;
  manual_time(const manual_time&) = delete;
  manual_time& operator=(const manual_time&) = delete;

  [[nodiscard]] steady_handle clock() const noexcept { return steady_handle{*this}; }
  [[nodiscard]] wall_handle wall() const noexcept { return wall_handle{*this}; }

  [[nodiscard]] instant now() const noexcept {
    return instant{duration{steady_.load(std::memory_order_acquire)}};
  }
  [[nodiscard]] wall_time wall_now() const noexcept {
    return std::chrono::floor<wall_time::duration>(
        std::chrono::sys_time<duration>{duration{wall_.load(std::memory_order_acquire)}});
  }

  /// Moves both times by `by`. A negative value is for tests of clocks that go back.
  void advance(duration by) noexcept {
    steady_.fetch_add(by.count(), std::memory_order_acq_rel);
    wall_.fetch_add(by.count(), std::memory_order_acq_rel);
  }

  /// Sets the steady time; wall time stays.
  void set(instant to) noexcept {
    steady_.store(to.time_since_epoch().count(), std::memory_order_release);
  }

  /// Moves both on to that steady moment; does nothing if it is past.
  void advance_to(instant moment) noexcept { advance(gabion::elapsed(now(), moment)); }

  /// Sets the wall time; steady time stays.
  void set(wall_time to) noexcept {
    wall_.store(duration{to.time_since_epoch()}.count(), std::memory_order_release);
  }

  /// Steps the wall clock, forward or back, as NTP or an operator would; steady time stays.
  void step_wall(duration by) noexcept { wall_.fetch_add(by.count(), std::memory_order_acq_rel); }

 private:
  std::atomic<duration::rep> steady_{std::chrono::nanoseconds{std::chrono::hours{1}}.count()};
  // In nanoseconds, so that many steps below a microsecond add up.
  std::atomic<duration::rep> wall_{1'767'225'600'000'000'000};  // 2026-01-01T00:00:00Z
};

/// The clocks that `manual_time` hands out.
using manual_clock = manual_time::steady_handle;
using manual_wall_clock = manual_time::wall_handle;

static_assert(gabion::clock<manual_clock> && gabion::wall_clock<manual_wall_clock>);

}  // namespace testing
}  // namespace v0
}  // namespace gabion
