// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/refused_error.hpp>

namespace gabion::inline v0::detail {

/// A refusal of such a call can be told to the caller. A template, so that only a call that is made is checked.
template <class Result>
consteval bool can_be_refused() {
  return carries_rejection<Result> || detail::exceptions_enabled();
}

/// The refusal as a result if the type can say so, otherwise as refused_error.
template <class Result>
Result refused_call(std::string_view who, const refusal& why) {
  if constexpr (carries_rejection<Result>) {
    return outcome_traits<Result>::rejected(why.code, why.retry_after);
  } else {
    static_assert(detail::can_be_refused<Result>(),
                  "call: without exceptions a refused call needs a result type that can say so "
                  "(specialise gabion::outcome_traits with `rejected`); or use try_acquire");
    detail::raise<refused_error>(who, why);
  }
}

}  // namespace gabion::inline v0::detail
