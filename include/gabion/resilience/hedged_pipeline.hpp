// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/blocking_waiter.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/circuit_judgement.hpp>
#include <gabion/resilience/delay_source.hpp>
#include <gabion/resilience/detail/pipeline_layer.hpp>
#include <gabion/resilience/detail/pipeline_order.hpp>
#include <gabion/resilience/hedge_call.hpp>
#include <gabion/resilience/insist.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/pipeline_run.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/spawner.hpp>

namespace gabion {
inline namespace v0 {

/// For the rules about the order; a hedge has no run, as it makes several attempts at a time.
template <spawner Spawner, attempt_budget Budget, delay_source Delay, clock Clock, env Env>
struct policy_traits<basic_hedge<Spawner, Budget, Delay, Clock, Env>> {
  static constexpr policy_kind kind = policy_kind::hedge;
};

namespace detail {

template <spawner Spawner, attempt_budget Budget, delay_source Delay, clock Clock, env Env>
inline constexpr bool cuts_pipeline<basic_hedge<Spawner, Budget, Delay, Clock, Env>> = true;

}  // namespace detail

/// A pipeline with a hedge in it: what stands outside it is passed once, what stands inside it by
/// each of its attempts. Made by `pipeline(..., hedge, ...)`.
///
/// f is copied for the attempts, which run on the hedge's spawner, several at a time, and is called
/// as const; losers may still run when `call` has returned, so what f refers to, this pipeline and
/// its policies must outlive them. It blocks the caller: there is no coroutine or callback form. A
/// call without a hedge allocates nothing; this one as basic_hedge says.
template <class Outer, class Hedge, class Inner>
class basic_hedged_pipeline {
 public:
  constexpr basic_hedged_pipeline(Outer outer, Hedge& hedge, Inner inner)
      : outer_{std::move(outer)}, hedge_{&hedge}, inner_{std::move(inner)} {}

  /// Calls f through the policies and returns exactly what it returns, which must be a value. As
  /// basic_pipeline::call otherwise.
  template <pipeline_callable Function>
  auto call(Function f) {
    return call(call_context{}, std::move(f));
  }
  template <detail::circuit_judgement Judge, pipeline_callable Function>
  auto call(Judge judge, Function f) {
    return call(call_context{}, std::move(judge), std::move(f));
  }
  template <pipeline_callable Function>
  auto call(const call_context& context, Function f) {
    return call(context, detail::judge_by_traits{}, std::move(f));
  }
  template <class Judge, pipeline_callable Function>
  auto call(const call_context& context, Judge judge, Function f) {
    const auto attempt = [inner = &inner_, judge, f = std::move(f)](const call_context& own) {
      return inner->call(own, judge, f);
    };
    return outer_.call(context, judge, [&](const call_context& above) {
      basic_blocking_waiter waiter{above.stop, outer_.clock()};
      return hedge_->call_in(waiter, above, attempt, judge);
    });
  }

 private:
  Outer outer_;
  Hedge* hedge_;
  Inner inner_;
};

namespace detail {

template <class... Policies>
consteval std::size_t place_of_hedge() {
  constexpr std::array<bool, sizeof...(Policies)> cuts{
      cuts_pipeline<typename policy_of<Policies>::type>...};
  static_assert((static_cast<int>(cuts_pipeline<typename policy_of<Policies>::type>) + ...) == 1,
                "pipeline: a hedge inside a hedge multiplies the attempts; keep one of them");
  std::size_t place = 0;
  while (!cuts[place]) ++place;
  return place;
}

template <class Given>
inline constexpr bool kept_where_it_is = std::is_lvalue_reference_v<Given>;
template <class Given>
inline constexpr bool kept_where_it_is<insisted<Given>> = std::is_lvalue_reference_v<Given>;

/// The policies from `From` on, as a pipeline; `given` holds a reference to each policy.
template <std::size_t From, class... Policies, clock Clock, class Given, std::size_t... Place>
constexpr auto part_of(const Clock& clock, Given& given, std::index_sequence<Place...> /*places*/) {
  using types = std::tuple<Policies...>;
  return basic_pipeline<Clock, std::tuple_element_t<From + Place, types>...>{
      clock, std::get<From + Place>(std::move(given))...};
}

template <clock Clock, class... Policies>
constexpr auto hedged_pipeline(const Clock& clock, Policies&&... policies) {
  static_assert(explain_order<given_policy<Policies>...>());
  constexpr std::size_t place = place_of_hedge<given_policy<Policies>...>();
  using hedge_type = std::tuple_element_t<place, std::tuple<given_policy<Policies>...>>;
  static_assert(kept_where_it_is<hedge_type>,
                "pipeline: a hedge is not moved: give it as an lvalue");
  std::tuple<Policies&&...> given{std::forward<Policies>(policies)...};
  pipeline_layer<hedge_type> hedge{std::get<place>(std::move(given))};
  return basic_hedged_pipeline{
      detail::part_of<0, given_policy<Policies>...>(clock, given,
                                                    std::make_index_sequence<place>{}),
      hedge.get(),
      detail::part_of<place + 1, given_policy<Policies>...>(
          clock, given, std::make_index_sequence<sizeof...(Policies) - place - 1>{})};
}

}  // namespace detail

/// The same with a hedge, an lvalue, among the policies: a basic_hedged_pipeline.
template <class... Policies>
  requires detail::has_hedge<Policies...>
[[nodiscard]] constexpr auto pipeline(Policies&&... policies) {
  return detail::hedged_pipeline(steady_clock{}, std::forward<Policies>(policies)...);
}
template <clock Clock, class... Policies>
  requires detail::has_hedge<Policies...>
[[nodiscard]] constexpr auto pipeline(Clock clock, Policies&&... policies) {
  return detail::hedged_pipeline(clock, std::forward<Policies>(policies)...);
}

}  // namespace v0
}  // namespace gabion
