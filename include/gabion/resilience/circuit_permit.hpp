// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/outcome_traits.hpp>

namespace gabion {
inline namespace v0 {

template <class Breaker>
class basic_circuit_admission;

namespace detail {

template <class Breaker>
class circuit_run;

/// What a breaker knows about a call in flight: two words, passed by value in registers.
///
/// The first has the layout of the breaker's own word, so one instruction compares them: generation
/// (30 bits), mark of a tracked call (1 bit), tracking (29 bits). The mark distinguishes a tracked
/// call from a word whose payload is consecutive failures, which are at most 65,535.
class circuit_ticket {
 public:
  constexpr circuit_ticket() noexcept = default;
  constexpr circuit_ticket(std::uint32_t generation, std::uint32_t tracking,
                           instant started) noexcept
      : marks_{std::uint64_t{generation} << 30 | (tracking == 0 ? 0 : tracked_mark | tracking)},
        started_{started} {}

  [[nodiscard]] constexpr std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(marks_ >> 30);
  }
  /// Returns which count of calls in flight includes the call; 0 = none.
  [[nodiscard]] constexpr std::uint32_t tracking() const noexcept {
    return static_cast<std::uint32_t>(marks_) & max_tracking;
  }
  static constexpr std::uint32_t max_tracking = (1U << 29) - 1;
  /// Returns the first word. Unless the call is tracked, it equals the word of a closed breaker of
  /// the same generation without consecutive failures.
  [[nodiscard]] constexpr std::uint64_t marks() const noexcept { return marks_; }
  /// Returns when the call began; instant::min() = not measured.
  [[nodiscard]] constexpr instant started() const noexcept { return started_; }

 private:
  static constexpr std::uint32_t tracked_mark = 1U << 29;

  std::uint64_t marks_ = 0;
  instant started_ = (instant::min)();
};

}  // namespace detail

/// The right to make one call, and the duty to say how it went. Move-only.
///
/// The first verdict settles it; what comes after it does nothing. Dropped without a verdict it
/// returns itself and is counted as abandoned. A verdict that comes after the state that granted
/// the permit has ended changes nothing and is counted as late. It may be settled on another thread
/// than it was acquired on, but not on two at once. The breaker must outlive it.
template <class Breaker>
class [[nodiscard("dropping a permit without a verdict counts the call as abandoned")]]
basic_circuit_permit {
 public:
  basic_circuit_permit() noexcept = default;
  basic_circuit_permit(basic_circuit_permit&& other) noexcept
      : breaker_{std::exchange(other.breaker_, nullptr)}, ticket_{other.ticket_} {}
  basic_circuit_permit& operator=(basic_circuit_permit&& other) noexcept {
    basic_circuit_permit old{std::move(*this)};
    breaker_ = std::exchange(other.breaker_, nullptr);
    ticket_ = other.ticket_;
    return *this;
  }
  ~basic_circuit_permit() {
    if (breaker_ != nullptr) breaker_->abandon(ticket_);
  }

  /// The call succeeded.
  void success() noexcept { settle(verdict::success); }
  /// The call failed. If the other side has stated how long it wants to be left alone, the circuit
  /// opens for that long, whatever the rules say, but for at most `max_stated_open`; a time that is
  /// not above zero is none.
  void failure(std::optional<duration> open_for = std::nullopt) noexcept {
    settle(verdict::failure, open_for);
  }
  /// The call says nothing about the other side: the permit goes back and nothing is recorded.
  void ignore() noexcept { settle(verdict::ignored); }
  /// The caller gave up before the call ended: as `ignore()`, but counted apart.
  void cancel() noexcept { settle(verdict::cancelled); }
  void settle(verdict v) noexcept {
    if (breaker_ != nullptr) std::exchange(breaker_, nullptr)->settle(ticket_, v);
  }
  /// The same; a stated time has a part only if the verdict is failure.
  void settle(verdict v, std::optional<duration> open_for) noexcept {
    if (breaker_ == nullptr) return;
    if (v == verdict::failure && open_for.has_value() && *open_for > duration::zero())
      std::exchange(breaker_, nullptr)->settle_stated(ticket_, *open_for);
    else
      settle(v);
  }

  /// The same with the time, by the breaker's clock, for a caller who knows it.
  void settle_at(instant now, verdict v, std::optional<duration> open_for = std::nullopt) noexcept {
    if (breaker_ != nullptr) std::exchange(breaker_, nullptr)->settle_at(ticket_, v, open_for, now);
  }

  /// False once it is settled or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return breaker_ != nullptr; }
  /// The generation of the state that granted it.
  [[nodiscard]] std::uint32_t generation() const noexcept { return ticket_.generation(); }

 private:
  friend class basic_circuit_admission<Breaker>;
  friend class detail::circuit_run<Breaker>;

  /// The same, with a callable that reads the breaker's clock. Called only if a rule needs the
  /// time.
  template <class Now>
  [[gnu::always_inline]] void settle_by(const Now& now, verdict v,
                                        std::optional<duration> open_for) noexcept {
    if (breaker_ != nullptr) std::exchange(breaker_, nullptr)->settle_by(ticket_, v, open_for, now);
  }

  basic_circuit_permit(Breaker& breaker, detail::circuit_ticket ticket) noexcept
      : breaker_{&breaker}, ticket_{ticket} {}

  Breaker* breaker_ = nullptr;
  detail::circuit_ticket ticket_{};
};

/// A permit, or why there is none. True if it is a permit. Move-only.
/// \code if (auto admitted = breaker.try_acquire()) { ...; admitted->success(); } else
/// wait(admitted.rejection().retry_after); \endcode
template <class Breaker>
class [[nodiscard("dropping an admission returns its permit as abandoned")]]
basic_circuit_admission {
 public:
  using permit_type = basic_circuit_permit<Breaker>;

  /// False if rejected. Stays true when the permit is settled or taken out.
  [[nodiscard]] explicit operator bool() const noexcept { return granted_; }

  [[nodiscard]] permit_type& permit() & noexcept { return permit_; }
  [[nodiscard]] permit_type permit() && noexcept { return std::move(permit_); }
  [[nodiscard]] permit_type* operator->() noexcept { return &permit_; }

  /// Meaningful only if there is no permit.
  [[nodiscard]] const circuit_rejection& rejection() const noexcept { return rejection_; }

 private:
  friend Breaker;
  basic_circuit_admission(Breaker& breaker, detail::circuit_ticket ticket) noexcept
      : permit_{breaker, ticket}, granted_{true} {}
  explicit basic_circuit_admission(circuit_rejection why) noexcept : rejection_{why} {}

  permit_type permit_{};
  circuit_rejection rejection_{};
  bool granted_ = false;
};

}  // namespace v0
}  // namespace gabion
