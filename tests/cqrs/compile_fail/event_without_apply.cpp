// SPDX-License-Identifier: MIT
#include <gabion/cqrs/projection.hpp>

struct placed {
  static constexpr std::string_view wire_name = "order.placed";
};
struct cancelled {
  static constexpr std::string_view wire_name = "order.cancelled";
};
struct transaction {};

struct open_orders {
  static constexpr std::string_view name = "open_orders";
  static constexpr std::uint32_t version = 1;
  using event_list = gabion::events<placed, cancelled>;
  void apply(transaction&, const placed&) {}
#ifndef GABION_MUST_FAIL
  void apply(transaction&, const cancelled&, const gabion::projected_event&) {}
#endif
};

static_assert(gabion::explain_projection<open_orders, transaction>());

int main() {}
