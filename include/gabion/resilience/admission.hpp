// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <gabion/resilience/refusal.hpp>

namespace gabion {
inline namespace v0 {

/// A permit, or why there is none. True if it is a permit. Move-only, for one thread at a time.
/// \code if (auto admitted = limiter.try_acquire(now)) { ...; admitted->success(later); } \endcode
template <class Permit>
class [[nodiscard("dropping an admission drops its permit")]] basic_admission {
 public:
  using permit_type = Permit;

  explicit basic_admission(Permit&& permit) noexcept : permit_{std::move(permit)}, granted_{true} {}
  explicit basic_admission(refusal why) noexcept : why_{why} {}

  /// False if refused. Stays true when the permit is settled or taken out.
  [[nodiscard]] explicit operator bool() const noexcept { return granted_; }

  [[nodiscard]] Permit& permit() & noexcept { return permit_; }
  [[nodiscard]] Permit permit() && noexcept { return std::move(permit_); }
  [[nodiscard]] Permit* operator->() noexcept { return &permit_; }

  /// Meaningful only if there is no permit. `retry_after` is zero where nobody knows when there
  /// will be room.
  [[nodiscard]] const refusal& why() const noexcept { return why_; }

 private:
  Permit permit_{};
  refusal why_{};
  bool granted_ = false;
};

}  // namespace v0
}  // namespace gabion
