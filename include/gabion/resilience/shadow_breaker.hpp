// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/detail/circuit_call.hpp>
#include <gabion/resilience/detail/circuit_run.hpp>
#include <gabion/resilience/detail/shadow_log.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/shadow_report.hpp>

namespace gabion {
inline namespace v0 {

/// The live breaker's permit and, unless it would have rejected the call, the candidate's.
/// Move-only; as basic_circuit_permit.
template <class Shadow>
class [[nodiscard("dropping a permit without a verdict counts the call as abandoned")]]
basic_shadow_permit {
 public:
  basic_shadow_permit() noexcept = default;
  basic_shadow_permit(basic_shadow_permit&&) noexcept = default;
  basic_shadow_permit& operator=(basic_shadow_permit&&) noexcept = default;
  ~basic_shadow_permit() = default;

  void success() noexcept { settle(verdict::success); }
  void failure(std::optional<duration> open_for = std::nullopt) noexcept {
    settle(verdict::failure, open_for);
  }
  void ignore() noexcept { settle(verdict::ignored); }
  void cancel() noexcept { settle(verdict::cancelled); }
  void settle(verdict v) noexcept {
    if (!live_) return;
    if (!candidate_) shadow_->note_unseen(v);
    live_.settle(v);
    candidate_.settle(v);
  }
  void settle(verdict v, std::optional<duration> open_for) noexcept {
    if (!live_) return;
    if (!candidate_) shadow_->note_unseen(v);
    live_.settle(v, open_for);
    candidate_.settle(v, open_for);
  }

  /// False once it is settled or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(live_); }

 private:
  friend Shadow;
  Shadow* shadow_ = nullptr;
  typename Shadow::live_breaker::permit live_{};
  typename Shadow::candidate_breaker::permit candidate_{};
};

/// A permit, or why there is none. True if it is a permit. Move-only.
template <class Shadow>
class [[nodiscard("dropping an admission returns its permit as abandoned")]]
basic_shadow_admission {
 public:
  using permit_type = basic_shadow_permit<Shadow>;

  [[nodiscard]] explicit operator bool() const noexcept { return granted_; }
  [[nodiscard]] permit_type& permit() & noexcept { return permit_; }
  [[nodiscard]] permit_type permit() && noexcept { return std::move(permit_); }
  [[nodiscard]] permit_type* operator->() noexcept { return &permit_; }
  /// Meaningful only if there is no permit.
  [[nodiscard]] const circuit_rejection& rejection() const noexcept { return rejection_; }

 private:
  friend Shadow;
  permit_type permit_{};
  circuit_rejection rejection_{};
  bool granted_ = false;
};

/// A circuit breaker with a second configuration beside it that decides nothing: what would it have
/// done with the same calls?
///
/// The live breaker alone admits. A call that it lets through is put to the candidate too: if that
/// would have rejected it, the call is counted so and its outcome is not recorded there; otherwise
/// the candidate gets the same verdict. What the live breaker rejects, the candidate does not see.
/// So while the live one is open the candidate learns nothing and its probes wait: the comparison
/// is exact up to the live one's first opening, and after that about traffic that the live one has
/// thinned out. And a call that the candidate would have rejected was made all the same: the other
/// side had to bear it.
///
/// Costs a second breaker: its admission, its verdict and its memory for each call; the time is
/// read by each that needs it. The observer hears of the live breaker only. Every member is safe to
/// call from several threads. Neither copied nor moved.
template <clock Clock = steady_clock, class Observer = no_observer, env Env = native_env>
class basic_shadow_breaker {
  static_assert(observes_any<Observer, circuit_transition> ||
                    detail::observes_circuit_changes<Observer> ||
                    detail::observes_circuit_calls<Observer>,
                "shadow_breaker: the observer cannot be called with const "
                "gabion::circuit_transition& or another event of the live breaker (see "
                "gabion/resilience/circuit_events.hpp)");

 public:
  using live_breaker = basic_circuit_breaker<Clock, detail::shadow_tee<Observer, Env>, Env>;
  using candidate_breaker = basic_circuit_breaker<Clock, detail::shadow_writer<Env>, Env>;
  using permit = basic_shadow_permit<basic_shadow_breaker>;
  using admission = basic_shadow_admission<basic_shadow_breaker>;
  using run = detail::circuit_run<basic_shadow_breaker>;
  static constexpr policy_kind kind = policy_kind::breaker;

  /// Throws error(invalid_argument) that names the option and its range.
  basic_shadow_breaker(const circuit_breaker_options& live,
                       const circuit_breaker_options& candidate, Clock clock = Clock{},
                       Observer observer = Observer{})
      : clock_(std::move(clock)),
        log_{clock_.now()},
        live_{live, clock_, detail::shadow_tee<Observer, Env>{log_, std::move(observer)}},
        candidate_{candidate, clock_, detail::shadow_writer<Env>{log_}} {}
  basic_shadow_breaker(const basic_shadow_breaker&) = delete;
  basic_shadow_breaker& operator=(const basic_shadow_breaker&) = delete;

  /// A permit for one call, or why not; the live breaker says.
  [[nodiscard]] admission try_acquire() noexcept {
    return paired(live_.try_acquire(), [this] { return candidate_.try_acquire(); });
  }
  /// The same for a caller who knows the time, by this breaker's clock.
  [[nodiscard]] admission try_acquire(instant now) noexcept {
    return paired(live_.try_acquire(now), [this, now] { return candidate_.try_acquire(now); });
  }

  /// Calls f if the live breaker lets it through, as its `call(f)` does.
  template <std::invocable Function>
  std::invoke_result_t<Function> call(Function&& f) {
    admission entry = try_acquire();
    if (!entry)
      return detail::rejected_call<std::invoke_result_t<Function>>(live_.name(), entry.rejection());
    detail::judge_by_traits judge;
    return detail::call_judged(entry.permit(), judge, std::forward<Function>(f));
  }

  /// What the candidate would have done so far.
  [[nodiscard]] shadow_report report() noexcept {
    shadow_report r = log_.read();
    r.live = live_.state();
    r.candidate = candidate_.state();
    return r;
  }

  /// The live breaker: its state, its snapshot, its reset. A call through it alone is not put to
  /// the candidate.
  [[nodiscard]] live_breaker& live() noexcept { return live_; }
  /// The candidate, to look at.
  [[nodiscard]] const candidate_breaker& candidate() const noexcept { return candidate_; }

 private:
  friend permit;

  template <class AskCandidate>
  [[nodiscard]] admission paired(typename live_breaker::admission entry,
                                 const AskCandidate& ask) noexcept {
    admission result;
    log_.count(detail::shadow_count::call);
    result.granted_ = static_cast<bool>(entry);
    if (!result.granted_) {
      result.rejection_ = entry.rejection();
      log_.count(detail::shadow_count::live_rejected);
      if (candidate_.state() == circuit_state::closed)
        log_.count(detail::shadow_count::only_live_rejected);
      return result;
    }
    result.permit_.shadow_ = this;
    result.permit_.live_ = std::move(entry).permit();
    if (auto would = ask())
      result.permit_.candidate_ = std::move(would).permit();
    else
      log_.count(detail::shadow_count::would_have_rejected);
    return result;
  }

  /// The verdict on a call that the candidate would have rejected.
  void note_unseen(verdict v) noexcept {
    if (v == verdict::success) log_.count(detail::shadow_count::rejected_good);
    if (v == verdict::failure) log_.count(detail::shadow_count::rejected_bad);
  }

  [[no_unique_address]] Clock clock_;
  detail::shadow_log<Env> log_;
  live_breaker live_;
  candidate_breaker candidate_;
};

basic_shadow_breaker(const circuit_breaker_options&, const circuit_breaker_options&)
    -> basic_shadow_breaker<>;
template <clock Clock>
basic_shadow_breaker(const circuit_breaker_options&, const circuit_breaker_options&, Clock)
    -> basic_shadow_breaker<Clock>;
template <clock Clock, class Observer>
basic_shadow_breaker(const circuit_breaker_options&, const circuit_breaker_options&, Clock,
                     Observer) -> basic_shadow_breaker<Clock, Observer>;

/// On the steady clock with nobody listening.
using shadow_breaker = basic_shadow_breaker<>;

}  // namespace v0
}  // namespace gabion
