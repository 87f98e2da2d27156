// SPDX-License-Identifier: MIT
#include <gabion/cqrs/event_types.hpp>

struct placed {
  static constexpr std::string_view wire_name = "order.placed";
};
struct cancelled {
#ifdef GABION_MUST_FAIL
  static constexpr std::string_view wire_name = "order.placed";
#else
  static constexpr std::string_view wire_name = "order.cancelled";
#endif
};

static_assert(gabion::event_types<gabion::events<placed, cancelled>>::valid());

int main() {}
