// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/log/lease.hpp>
#include <gabion/log/pump_options.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// When to ask for a lease, when to renew it, and how long to trust it.
///
/// The store judges expiry by its own clock and starts counting after the question has left, so
/// counting from the moment of asking is always the shorter time.
class lease_keeper {
 public:
  lease_keeper(const pump_options& options, bool needed)
      : ttl_{options.lease_ttl},
        margin_{options.lease_margin},
        acquire_every_{options.acquire_every},
        needed_{needed} {}

  [[nodiscard]] bool needed() const noexcept { return needed_; }
  [[nodiscard]] bool ready() const noexcept { return !needed_ || held_.has_value(); }
  [[nodiscard]] const lease& held() const noexcept { return held_ ? *held_ : none_; }

  /// The next moment at which to acquire or to renew; never if no lease is needed.
  [[nodiscard]] instant due() const noexcept { return needed_ ? due_ : (instant::max)(); }

  /// The moment from which nothing may be submitted any more; never if no lease is needed, the past
  /// if none is held.
  [[nodiscard]] instant trusted_until() const noexcept {
    if (!needed_) return (instant::max)();
    return held_ ? gabion::saturating_add(valid_until_, -margin_) : (instant::min)();
  }

  void leased(std::optional<lease> given, instant asked_at) {
    held_ = std::move(given);
    if (held_)
      extend(asked_at);
    else
      due_ = gabion::saturating_add(asked_at, acquire_every_);
  }

  void extend(instant asked_at) noexcept {
    valid_until_ = gabion::saturating_add(asked_at, ttl_);
    due_ = gabion::saturating_add(asked_at, ttl_ / 3);
  }

  /// Forgets the lease; another may be asked for at once.
  void drop() noexcept {
    held_.reset();
    due_ = (instant::min)();
  }

  /// Forgets the lease because somebody else has one: to ask at once would be of no use, and two
  /// owners that fence each other would spin.
  void lose(instant now) noexcept {
    held_.reset();
    due_ = gabion::saturating_add(now, acquire_every_);
  }

 private:
  duration ttl_;
  duration margin_;
  duration acquire_every_;
  bool needed_;
  std::optional<lease> held_{};
  lease none_{};
  instant valid_until_ = (instant::min)();
  instant due_ = (instant::min)();
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
