// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_permit.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/detail/circuit_call.hpp>
#include <gabion/resilience/detail/circuit_core.hpp>
#include <gabion/resilience/detail/circuit_events.hpp>
#include <gabion/resilience/outcome_traits.hpp>

namespace gabion::inline v0 {

namespace detail {

/// A breaker's name, kept by the breaker.
class circuit_name {
 public:
  explicit circuit_name(std::string_view name) noexcept : size_{name.copy(text_.data(), text_.size())} {}
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, circuit_max_name> text_{};
  std::size_t size_;
};

}  // namespace detail

/// Stops calling what keeps failing, and finds out when it is well again.
///
/// Closed: calls go through. Enough failures (see `circuit_breaker_options`) open it: calls are rejected at once. After
/// `open_for` the next caller is let through as a probe; enough successful probes close it, one failed probe opens it again.
/// A result counts only for the state that admitted its call. Nothing here waits, sleeps or allocates after construction.
///
/// The observer is told of each `circuit_transition`, in order, one at a time, outside every lock, on the thread that caused
/// it or on one that was delivering already. It may call anything here but must not destroy the breaker. What it throws is
/// swallowed and counted. At most 16 events wait for a slow one; then the oldest is dropped, and the next one says so.
///
/// Every member is safe to call from several threads. Neither copied nor moved: permits point to it and must not outlive it.
template <clock Clock = steady_clock, class Observer = no_observer, env Env = native_env>
class basic_circuit_breaker {
  static_assert(std::same_as<Observer, no_observer> || observes<Observer, circuit_transition>,
                "circuit_breaker: the observer cannot be called with const gabion::circuit_transition&");

 public:
  using permit = basic_circuit_permit<basic_circuit_breaker>;
  using admission = basic_circuit_admission<basic_circuit_breaker>;

  /// Throws error{invalid_argument} that names the option and its range.
  explicit basic_circuit_breaker(
      const circuit_breaker_options& options) requires std::default_initializable<Clock> && std::default_initializable<Observer>
      : basic_circuit_breaker{options, Clock{}, Observer{}} {}
  basic_circuit_breaker(const circuit_breaker_options& options, Clock clock) requires std::default_initializable<Observer>
      : basic_circuit_breaker{options, std::move(clock), Observer{}} {}
  template <std::same_as<Observer> Listener>
    requires(std::default_initializable<Clock> && !gabion::clock<Listener>)
  basic_circuit_breaker(const circuit_breaker_options& options, Listener observer)
      : basic_circuit_breaker{options, Clock{}, std::move(observer)} {}
  basic_circuit_breaker(const circuit_breaker_options& options, Clock clock, Observer observer)
      : clock_(std::move(clock)),
        name_{(validate(options), options.name)},
        events_{name_.view(), std::move(observer)},
        core_{options, events_} {}

  basic_circuit_breaker(const basic_circuit_breaker&) = delete;
  basic_circuit_breaker& operator=(const basic_circuit_breaker&) = delete;

  /// A permit for one call, or why not and for how long. Never blocks. Closed: one load, no clock reading.
  [[nodiscard]] admission try_acquire() noexcept { return admitted(core_.admit(reader{clock_})); }

  /// The same for a caller who knows the time, by this breaker's clock.
  [[nodiscard]] admission try_acquire(instant now) noexcept {
    return admitted(core_.admit([now] { return now; }));
  }

  /// Calls f if the circuit lets it through, judges its result by `outcome_traits`, and returns exactly what f returns.
  ///
  /// An exception from f counts as a failure and goes on unchanged. If rejected, f isn't called: the answer is
  /// `outcome_traits<Result>::rejected(...)` if the type has it, otherwise circuit_open_error is thrown.
  template <std::invocable Function>
  std::invoke_result_t<Function> call(Function&& f) {
    return call(failure_if{detail::judge_by_traits{}}, std::forward<Function>(f));
  }

  /// The same with a judgement of its own.
  template <class Predicate, std::invocable Function>
  std::invoke_result_t<Function> call(failure_if<Predicate> judge, Function&& f) {
    admission entry = try_acquire();
    if (!entry) return detail::rejected_call<std::invoke_result_t<Function>>(name(), entry.rejection());
    return detail::call_judged(entry.permit(), judge, std::forward<Function>(f));
  }

  /// Calls f; what the fallback returns takes the place of a call that was rejected or failed.
  ///
  /// The fallback's parameter says what it is for. `const circuit_rejection&`: rejected calls. The result: failed results.
  /// None: both, and exceptions, which end here. What it isn't for passes as if there were no fallback. Its own outcome isn't counted.
  template <std::invocable Function, class Fallback>
  std::invoke_result_t<Function> call(Function&& f, Fallback&& fallback) {
    return call(failure_if{detail::judge_by_traits{}}, std::forward<Function>(f), std::forward<Fallback>(fallback));
  }

  /// The same with a judgement of its own.
  template <class Predicate, std::invocable Function, class Fallback>
  std::invoke_result_t<Function> call(failure_if<Predicate> judge, Function&& f, Fallback&& fallback) {
    static_assert(detail::explain_fallback<std::invoke_result_t<Function>, Fallback>());
    admission entry = try_acquire();
    if (!entry) return detail::rejected_call<std::invoke_result_t<Function>>(name(), entry.rejection(), fallback);
    return detail::call_or(entry.permit(), judge, std::forward<Function>(f), fallback);
  }

  /// What a caller would meet now. An open time that is over reads half-open though nobody has called since. Lock-free.
  [[nodiscard]] circuit_state state() const noexcept { return core_.state(clock_.now()); }

  /// State, window and counts. Lock-free. A count never goes back; each is exact once no call is in flight.
  [[nodiscard]] circuit_snapshot snapshot() const noexcept {
    circuit_snapshot s;
    s.name = name();
    core_.describe(s, clock_.now());
    s.listener_failures = events_.listener_failures();
    s.events_missed = events_.missed();
    return s;
  }

  /// Closes it now and forgets what was counted towards opening. Permits of the state it leaves are void: their results are
  /// late. In the closed state it only forgets; that is no transition.
  void reset() noexcept { core_.reset(clock_.now()); }

  [[nodiscard]] std::string_view name() const noexcept { return name_.view(); }

 private:
  friend permit;
  using events_type = detail::circuit_events<Env, Observer>;
  using core_type = detail::circuit_core<Env, events_type>;

  struct reader {
    const Clock& clock;
    [[nodiscard]] instant operator()() const noexcept { return clock.now(); }
  };

  [[nodiscard]] admission admitted(const typename core_type::entry& e) noexcept {
    return e.granted ? admission{*this, e.generation} : admission{e.refusal};
  }
  void settle(std::uint32_t generation, verdict v) noexcept {
    core_.settle(generation, static_cast<detail::circuit_settlement>(v), reader{clock_});
  }
  void abandon(std::uint32_t generation) noexcept {
    core_.settle(generation, detail::circuit_settlement::abandoned, reader{clock_});
  }

  [[no_unique_address]] Clock clock_;
  detail::circuit_name name_;
  [[no_unique_address]] events_type events_;
  core_type core_;
};

basic_circuit_breaker(const circuit_breaker_options&)->basic_circuit_breaker<>;
template <clock Clock>
basic_circuit_breaker(const circuit_breaker_options&, Clock) -> basic_circuit_breaker<Clock>;
template <clock Clock, class Observer>
basic_circuit_breaker(const circuit_breaker_options&, Clock, Observer) -> basic_circuit_breaker<Clock, Observer>;
template <class Observer>
  requires(!clock<Observer>)
basic_circuit_breaker(const circuit_breaker_options&, Observer)
->basic_circuit_breaker<steady_clock, Observer>;

/// The breaker on the steady clock with nobody listening.
using circuit_breaker = basic_circuit_breaker<>;
/// Its permit, and what try_acquire returns.
using circuit_permit = circuit_breaker::permit;
using circuit_admission = circuit_breaker::admission;

}  // namespace gabion::inline v0
