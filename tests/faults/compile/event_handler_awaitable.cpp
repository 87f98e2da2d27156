// SPDX-License-Identifier: MIT
#include <gabion/cqrs/event_bus.hpp>

#include "awaitable.hpp"

struct order_placed {
  int number = 0;
};

int main() {
#ifdef GABION_MUST_FAIL
  gabion::event_bus bus{gabion::handle([](const order_placed&) -> task { co_return; })};
#else
  gabion::event_bus bus{gabion::handle([](const order_placed&) {})};
#endif
  bus.publish(order_placed{1});
}
