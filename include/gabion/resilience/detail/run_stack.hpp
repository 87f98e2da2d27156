// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <new>
#include <tuple>
#include <type_traits>

#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// True if a run has nothing to release once it has refused or `leave` has been called: its
/// destructor is trivial, or it declares `empty_after_leave`.
template <class Run>
inline constexpr bool holds_nothing = std::is_trivially_destructible_v<Run>;
template <class Run>
  requires requires { requires Run::empty_after_leave; }
inline constexpr bool holds_nothing<Run> = true;

/// One call's run of each policy from `Level` on, made from the outermost to the innermost and
/// destroyed the other way round.
template <std::size_t Level, class Layers, class... Policies>
struct run_stack {
  explicit run_stack(Layers& /*layers*/) noexcept {}
};

template <std::size_t Level, class Layers, class Policy, class... Inner>
struct run_stack<Level, Layers, Policy, Inner...> {
  using run_type = typename policy_traits<Policy>::run;

  explicit run_stack(Layers& layers) : run(std::get<Level>(layers).get()), inner{layers} {}

  template <std::size_t Below>
  [[nodiscard]] auto& at() noexcept {
    if constexpr (Below == 0)
      return *this;
    else
      return inner.template at<Below - 1>();
  }

  /// Ends the run, so that it gives back what it holds; the place always holds one. What has
  /// nothing to give back stays.
  void end(Layers& layers) noexcept {
    if constexpr (!holds_nothing<run_type>) renew(layers);
  }
  /// Before the place is used again: makes afresh what `end` has left as it was.
  void refresh(Layers& layers) noexcept {
    if constexpr (holds_nothing<run_type>) renew(layers);
  }

  run_type run;
  [[no_unique_address]] run_stack<Level + 1, Layers, Inner...> inner;

 private:
  void renew(Layers& layers) noexcept {
    run.~run_type();
    ::new (static_cast<void*>(&run)) run_type(std::get<Level>(layers).get());
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
