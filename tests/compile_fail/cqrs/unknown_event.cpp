// SPDX-License-Identifier: MIT
#include <gabion/cqrs/event_bus.hpp>

struct order_placed {};
struct order_viewed {};

int main() {
#ifdef GABION_MUST_FAIL
  gabion::event_bus bus{gabion::handle([](const order_placed&) {})};
#else
  gabion::event_bus bus{gabion::handle([](const order_placed&) {}), gabion::ignore<order_viewed>()};
#endif
  bus.publish(order_viewed{});
}
