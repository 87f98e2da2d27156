// SPDX-License-Identifier: MIT
// Policies that do nothing, one of each kind that an order rule speaks of.
#pragma once

#include <gabion/resilience/pipeline.hpp>

template <gabion::policy_kind Kind>
struct idle {
  static constexpr gabion::policy_kind kind = Kind;
  struct run {
    explicit run(idle& /*policy*/) {}
    template <class Now>
    static gabion::entry_step enter(gabion::call_context& /*context*/, const Now& /*now*/) {
      return gabion::entry_step::pass();
    }
    template <class Now>
    static gabion::exit_step leave(gabion::call_outcome& /*outcome*/,
                                   gabion::call_context& /*context*/, const Now& /*now*/) {
      return gabion::exit_step::up();
    }
  };
};

using retry = idle<gabion::policy_kind::retry>;
using breaker = idle<gabion::policy_kind::breaker>;
using fallback = idle<gabion::policy_kind::fallback>;
using timeout = idle<gabion::policy_kind::timeout>;
struct bulkhead : idle<gabion::policy_kind::bulkhead> {
  static constexpr bool holds_permit = true;
};
struct queue : idle<gabion::policy_kind::bulkhead> {
  static constexpr bool holds_permit = true;
  static constexpr bool may_queue = true;
};
struct hedge : idle<gabion::policy_kind::hedge> {
  static constexpr bool has_budget = true;
};
struct spendthrift_hedge : idle<gabion::policy_kind::hedge> {};
