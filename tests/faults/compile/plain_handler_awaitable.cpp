// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>

#include "awaitable.hpp"

struct pay {
  int cents = 0;
};

int main() {
#ifdef GABION_MUST_FAIL
  gabion::command_bus bus{gabion::handle([](const pay&) -> task { co_return; })};
#else
  gabion::command_bus bus{gabion::handle([](const pay&) {})};
#endif
  bus.send(pay{5});
}
