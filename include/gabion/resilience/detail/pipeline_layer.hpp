// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

#include <gabion/resilience/insist.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// A policy in a pipeline: `P&` where it is, `P` moved in, either of them insisted on.
template <class Given>
class pipeline_layer {
 public:
  constexpr explicit pipeline_layer(Given&& policy) : policy_{std::move(policy)} {}
  [[nodiscard]] constexpr Given& get() noexcept { return policy_; }

 private:
  Given policy_;
};

template <class Given>
class pipeline_layer<Given&> {
 public:
  constexpr explicit pipeline_layer(Given& policy) noexcept : policy_{&policy} {}
  [[nodiscard]] constexpr Given& get() const noexcept { return *policy_; }

 private:
  Given* policy_;
};

template <class Given>
class pipeline_layer<insisted<Given>> : public pipeline_layer<Given> {
 public:
  constexpr explicit pipeline_layer(insisted<Given> given)
      : pipeline_layer<Given>{std::forward<Given>(given.policy)} {}
};

/// How a pipeline names what it was given: insisted<P> goes by value however it came.
template <class Given>
struct given_policy_of {
  using type = Given;
};
template <class Given>
struct given_policy_of<insisted<Given>&> {
  using type = insisted<Given>;
};
template <class Given>
struct given_policy_of<const Given> {
  using type = Given;
};
template <class Given>
using given_policy = typename given_policy_of<Given>::type;

}  // namespace detail
}  // namespace v0
}  // namespace gabion
