// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <new>
#include <tuple>

#include <gabion/resilience/policy.hpp>

namespace gabion::inline v0::detail {

/// One call's run of each policy from `Level` on, made from the outermost to the innermost and destroyed the other way round.
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

  /// Ends the run and puts a fresh one in its place, so that each place always holds one.
  void renew(Layers& layers) noexcept {
    run.~run_type();
    ::new (static_cast<void*>(&run)) run_type(std::get<Level>(layers).get());
  }

  run_type run;
  [[no_unique_address]] run_stack<Level + 1, Layers, Inner...> inner;
};

}  // namespace gabion::inline v0::detail
