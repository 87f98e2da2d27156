// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/resilience/circuit_events.hpp>
#include <gabion/resilience/circuit_explanation.hpp>
#include <gabion/resilience/circuit_judgement.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_permit.hpp>
#include <gabion/resilience/circuit_record.hpp>
#include <gabion/resilience/circuit_snapshot.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/circuit_validation.hpp>
#include <gabion/resilience/detail/circuit_call.hpp>
#include <gabion/resilience/detail/circuit_control.hpp>
#include <gabion/resilience/detail/circuit_events.hpp>
#include <gabion/resilience/outcome_traits.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

/// A breaker's name, kept by the breaker.
class circuit_name {
 public:
  explicit circuit_name(std::string_view name) noexcept
      : size_{name.copy(text_.data(), circuit_max_name)} {}
  /// Ends with a NUL, for those who print with C.
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, circuit_max_name + 1> text_{};
  std::size_t size_;
};

}  // namespace detail

/// Stops calling what keeps failing, and finds out when it is well again.
///
/// Closed: calls go through. Enough bad ones (see `circuit_breaker_options`) open it: calls are
/// rejected at once. After the open time the next caller is let through as a probe; enough
/// successful probes close it, too many failed ones open it again. A result counts only for the
/// state that admitted its call. Nothing here waits or sleeps; nothing that calls do allocates.
///
/// The observer is told of changes (`circuit_transition` and the other ordered events of
/// circuit_events.hpp), in order, one at a time, outside every lock, on the thread that caused it
/// or on one that was delivering already; and of single calls, on the thread of the call, with
/// other threads at the same time. It may call anything here but must not destroy the breaker. What
/// it throws is swallowed and counted. At most 16 ordered events wait for a slow one; then the
/// oldest is dropped, and the next transition says so.
///
/// Every member is safe to call from several threads. Neither copied nor moved: permits point to it
/// and must not outlive it.
template <class Clock = steady_clock, class Observer = no_observer, env Env = native_env>
class basic_circuit_breaker {
  static_assert(explain_clock<Clock>());
  static_assert(std::same_as<Observer, no_observer> || detail::observes_circuit_changes<Observer> ||
                    detail::observes_circuit_calls<Observer>,
                "circuit_breaker: the observer cannot be called with const "
                "gabion::circuit_transition& or another event of it; "
                "if it is meant as a clock, it needs `gabion::instant now() const noexcept`");

 public:
  using permit = basic_circuit_permit<basic_circuit_breaker>;
  using admission = basic_circuit_admission<basic_circuit_breaker>;
  using clock_type = Clock;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_circuit_breaker(const circuit_breaker_options& options)
    requires std::default_initializable<Clock> && std::default_initializable<Observer>
      : basic_circuit_breaker{options, Clock{}, Observer{}} {}
  basic_circuit_breaker(const circuit_breaker_options& options, Clock clock)
    requires gabion::clock<Clock> && std::default_initializable<Observer>
      : basic_circuit_breaker{options, std::move(clock), Observer{}} {}
  template <std::same_as<Observer> Listener>
    requires(std::default_initializable<Clock> && !gabion::clock<Listener>)
  basic_circuit_breaker(const circuit_breaker_options& options, Listener observer)
      : basic_circuit_breaker{options, Clock{}, std::move(observer)} {}
  basic_circuit_breaker(const circuit_breaker_options& options, Clock clock, Observer observer)
      : clock_(std::move(clock)),
        name_{(gabion::validate(options), options.name)},
        events_{name_.view(), std::move(observer)},
        core_{named(options), events_} {}

  basic_circuit_breaker(const basic_circuit_breaker&) = delete;
  basic_circuit_breaker& operator=(const basic_circuit_breaker&) = delete;

  /// A permit for one call, or why not and for how long. Never blocks. Closed: one load, and a
  /// clock reading only if a rule needs the time that calls take.
  [[nodiscard]] admission try_acquire() noexcept { return admitted(core_.admit(reader{clock_})); }

  /// The same for a caller who knows the time, by this breaker's clock.
  [[nodiscard]] admission try_acquire(instant now) noexcept {
    return admitted(core_.admit([now] { return now; }));
  }

  /// Calls f if the circuit lets it through, judges its result by `outcome_traits`, and returns
  /// exactly what f returns.
  ///
  /// A failed result that states by `outcome_traits<Result>::retry_after` how long to leave the
  /// other side alone opens the circuit for that long. An exception from f counts as a failure and
  /// goes on unchanged. If rejected, f isn't called: the answer is
  /// `outcome_traits<Result>::rejected(...)` if the type has it, otherwise circuit_open_error is
  /// thrown.
  template <std::invocable Function>
  std::invoke_result_t<Function> call(Function&& f) {
    return call(failure_if{detail::judge_by_traits{}}, std::forward<Function>(f));
  }

  /// The same with a judgement of its own: `failure_if` for results, `ignore_exceptions` for
  /// exceptions.
  template <detail::circuit_judgement Judgement, std::invocable Function>
  std::invoke_result_t<Function> call(Judgement judge, Function&& f) {
    admission entry = try_acquire();
    if (!entry)
      return detail::rejected_call<std::invoke_result_t<Function>>(name(), entry.rejection());
    return detail::call_judged(entry.permit(), judge, std::forward<Function>(f));
  }

  /// Calls f; what the fallback returns takes the place of a call that was rejected or failed.
  ///
  /// The fallback's parameter says what it is for. `const circuit_rejection&`: rejected calls. The
  /// result: failed results. None: both, and exceptions, which end here. What it isn't for passes
  /// as if there were no fallback. Its own outcome isn't counted.
  template <std::invocable Function, class Fallback>
    requires(!detail::circuit_judgement<std::remove_cvref_t<Function>>)
  std::invoke_result_t<Function> call(Function&& f, Fallback&& fallback) {
    return call(failure_if{detail::judge_by_traits{}}, std::forward<Function>(f),
                std::forward<Fallback>(fallback));
  }

  /// The same with a judgement of its own.
  template <detail::circuit_judgement Judgement, std::invocable Function, class Fallback>
  std::invoke_result_t<Function> call(Judgement judge, Function&& f, Fallback&& fallback) {
    static_assert(detail::explain_fallback<std::invoke_result_t<Function>, Fallback>());
    admission entry = try_acquire();
    if (!entry)
      return detail::rejected_call<std::invoke_result_t<Function>>(name(), entry.rejection(),
                                                                   fallback);
    return detail::call_or(entry.permit(), judge, std::forward<Function>(f), fallback);
  }

  /// What a caller would meet now. An open time that is over reads half-open though nobody has
  /// called since. Lock-free.
  [[nodiscard]] circuit_state state() const noexcept { return core_.state(clock_.now()); }

  /// State, windows and counts, of one moment. A count never goes back; each is exact once no call
  /// is in flight. Takes the lock for a moment, as the other members below do; calls that need no
  /// lock go on meanwhile.
  [[nodiscard]] circuit_snapshot snapshot() const noexcept {
    circuit_snapshot s;
    s.name = name();
    core_.describe(s, clock_.now());
    s.listener_failures = events_.listener_failures();
    s.events_missed = events_.missed();
    return s;
  }

  /// Why it has opened or why it has not: each rule with its counts, what they lack, and the time
  /// left. `to_string` writes it out.
  [[nodiscard]] circuit_explanation explain() const noexcept {
    circuit_explanation e;
    e.name = name();
    core_.explain(e, clock_.now());
    return e;
  }

  /// Closes it now, forgets what was counted towards opening, and lets the open time begin at its
  /// first length again. Permits of the state it leaves are void: their results are late. In the
  /// closed state it only forgets; that is no transition. In other modes than normal it forgets and
  /// the mode stays.
  void reset(circuit_cause cause = circuit_cause::reset) noexcept {
    core_.reset(cause, clock_.now());
  }

  /// Opens it now for that long; a time that is not above zero is over at once. If it is open
  /// already, the later end counts, and that is no transition. In other modes than normal it does
  /// nothing and answers false.
  bool trip(duration open_for, circuit_cause cause = circuit_cause::manual) noexcept {
    return core_.trip(open_for, cause, clock_.now());
  }

  /// Another mode from now on. A new generation with empty counts: permits that are out are void.
  /// The same mode: nothing happens. May throw std::bad_alloc; then nothing has changed.
  void set_mode(circuit_mode mode) { core_.set_mode(mode, clock_.now()); }
  [[nodiscard]] circuit_mode mode() const noexcept { return core_.mode(); }

  /// Other options from now on, all at once. State, deadline, permits that are out, the row and the
  /// newest outcomes stay, each as slow or failed as it was counted; the new rules are looked at
  /// with the next outcome. Calls that are out when `slow_after` or `count_overdue` changes count
  /// when they return, but are never overdue before. Allocates only for windows.
  ///
  /// Throws error(invalid_argument) that names the option and its range, also for a name that is
  /// neither empty nor this breaker's, or std::bad_alloc; then nothing has changed.
  void reconfigure(const circuit_breaker_options& options) {
    gabion::validate(options);
    if (!options.name.empty() && options.name != name())
      detail::fail(errc::invalid_argument,
                   "circuit_breaker_options.name is \"" + std::string{options.name} +
                       "\"; allowed: empty or the name that the breaker was made with, \"" +
                       std::string{name()} + "\"");
    core_.reconfigure(named(options), clock_.now());
  }
  /// Those in force. Their name lives as long as the breaker.
  [[nodiscard]] circuit_breaker_options options() const noexcept { return core_.options(); }

  /// What is worth keeping over a restart.
  [[nodiscard]] circuit_record save() const noexcept { return core_.save(clock_.now()); }
  /// Goes on from there, in a new generation with empty windows: open with 3 s left is open for 3 s
  /// from now on. Throws error(invalid_argument) for a record that is none, or std::bad_alloc; then
  /// nothing has changed.
  void restore(const circuit_record& record) {
    gabion::validate(record);
    core_.restore(record, clock_.now());
  }

  [[nodiscard]] std::string_view name() const noexcept { return name_.view(); }

 private:
  friend permit;
  friend class detail::circuit_run<basic_circuit_breaker>;
  using events_type = detail::circuit_events<Env, Observer>;
  using core_type = detail::circuit_control<Env, events_type>;
  using ticket = detail::circuit_ticket;
  using settlement = detail::circuit_settlement;

  struct reader {
    const Clock& clock;
    [[nodiscard]] instant operator()() const noexcept { return clock.now(); }
  };

  /// Tries to acquire a permit; `now` reads this breaker's clock, and is called only if a rule
  /// needs the time.
  template <class Now>
  [[nodiscard, gnu::always_inline]] admission try_acquire_by(const Now& now) noexcept {
    return admitted(core_.admit(now));
  }

  [[nodiscard]] circuit_breaker_options named(circuit_breaker_options options) const noexcept {
    options.name = name();
    return options;
  }

  [[nodiscard]] admission admitted(const typename core_type::entry& e) noexcept {
    if (e.granted) return admission{*this, e.ticket};
    if constexpr (observes<Observer, circuit_rejected>)
      events_.tell_now(circuit_rejected{{}, e.refusal});
    return admission{e.refusal};
  }
  void settle(ticket t, verdict v) noexcept {
    tell(t, core_.settle(t, static_cast<settlement>(v), duration::zero(), reader{clock_}), v);
  }
  void settle_stated(ticket t, duration open_for) noexcept {
    tell(t, core_.settle(t, settlement::failure, open_for, reader{clock_}), verdict::failure);
  }
  void settle_at(ticket t, verdict v, std::optional<duration> open_for, instant now) noexcept {
    settle_by(t, v, open_for, [now] { return now; });
  }
  template <class Now>
  [[gnu::always_inline]] void settle_by(ticket t, verdict v, std::optional<duration> open_for,
                                        const Now& now) noexcept {
    const bool stated =
        v == verdict::failure && open_for.has_value() && *open_for > duration::zero();
    tell(t, core_.settle(t, static_cast<settlement>(v), stated ? *open_for : duration::zero(), now),
         v);
  }
  void abandon(ticket t) noexcept {
    const auto settled = core_.settle(t, settlement::abandoned, duration::zero(), reader{clock_});
    if constexpr (observes<Observer, circuit_abandoned>)
      if (settled.how == settlement::abandoned)
        events_.tell_now(circuit_abandoned{{}, t.generation()});
  }
  void tell(ticket t, detail::circuit_settled s, verdict v) noexcept {
    if constexpr (observes<Observer, circuit_late>)
      if (s.how == settlement::late) events_.tell_now(circuit_late{{}, t.generation(), v});
    if constexpr (observes<Observer, circuit_recorded>)
      if (s.how < settlement::abandoned)
        events_.tell_now(circuit_recorded{
            {}, t.generation(), v, s.measured ? std::optional{s.took} : std::nullopt, s.slow});
  }

  [[no_unique_address]] Clock clock_;
  detail::circuit_name name_;
  [[no_unique_address]] events_type events_;
  core_type core_;
};

basic_circuit_breaker(const circuit_breaker_options&) -> basic_circuit_breaker<>;
template <clock Clock>
basic_circuit_breaker(const circuit_breaker_options&, Clock) -> basic_circuit_breaker<Clock>;
template <clock Clock, class Observer>
basic_circuit_breaker(const circuit_breaker_options&, Clock, Observer)
    -> basic_circuit_breaker<Clock, Observer>;
template <class Observer>
  requires(!clock<Observer>)
basic_circuit_breaker(const circuit_breaker_options&, Observer)
    -> basic_circuit_breaker<steady_clock, Observer>;

/// The breaker on the steady clock with nobody listening.
using circuit_breaker = basic_circuit_breaker<>;
/// Its permit, and what try_acquire returns.
using circuit_permit = circuit_breaker::permit;
using circuit_admission = circuit_breaker::admission;

}  // namespace v0
}  // namespace gabion
