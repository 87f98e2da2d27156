// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// A policy that a pipeline takes at its place, though an order rule speaks against it. Made by
/// `insist`.
template <class Policy>
struct insisted {
  Policy policy;  ///< a reference if the policy was an lvalue
};

/// Says that this policy stands on purpose where a rule about the order of policies would refuse
/// it. An lvalue must outlive the pipeline, an rvalue is moved into it. \code
/// pipeline(insist(bulkhead), retry) \endcode
template <class Policy>
[[nodiscard]] constexpr insisted<Policy> insist(Policy&& policy) {
  return insisted<Policy>{std::forward<Policy>(policy)};
}

}  // namespace v0
}  // namespace gabion
