// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/cqrs/aggregate.hpp>

struct placed {
  static constexpr std::string_view wire_name = "order.placed";
};

struct order_item {
#ifdef GABION_MUST_FAIL
  static constexpr std::string_view category = "order-item";
#else
  static constexpr std::string_view category = "order_item";
#endif
  using event_list = gabion::events<placed>;
  struct state_type {};
  static state_type evolve(state_type s, const placed&) { return s; }
};

static_assert(gabion::explain_aggregate<order_item>());

int main() {}
