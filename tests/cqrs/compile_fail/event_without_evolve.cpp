// SPDX-License-Identifier: MIT
#include <gabion/cqrs/aggregate.hpp>

struct placed {
  static constexpr std::string_view wire_name = "order.placed";
};
struct cancelled {
  static constexpr std::string_view wire_name = "order.cancelled";
};

struct order {
  static constexpr std::string_view category = "order";
  struct state_type {};
  using event_list = gabion::events<placed, cancelled>;
  static constexpr state_type evolve(state_type s, const placed&) { return s; }
#ifndef GABION_MUST_FAIL
  static constexpr state_type evolve(state_type s, const cancelled&) { return s; }
#endif
};

static_assert(gabion::explain_aggregate<order>());

int main() {}
