// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/refusal.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The caller can be told of a refusal. A template, so that only a call that is made is checked.
template <class Result>
consteval bool tells_refusal() {
  return carries_rejection<Result> || detail::exceptions_enabled();
}

/// The refusal as a result if the type can say so, otherwise as refused_error, with `words` for its
/// text if there are any.
template <class Result, class... Words>
Result refused_call(const refusal& why, const Words&... words) {
  if constexpr (carries_rejection<Result>) {
    return outcome_traits<Result>::rejected(why.code, why.retry_after);
  } else {
    static_assert(detail::tells_refusal<Result>(),
                  "call: without exceptions a refused call needs a result type that can say so "
                  "(specialise gabion::outcome_traits with `rejected`); or use the form that "
                  "returns a permit");
    detail::raise<refused_error>(why, std::string{words}...);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
