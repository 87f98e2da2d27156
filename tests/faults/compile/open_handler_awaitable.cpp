// SPDX-License-Identifier: MIT
#include <gabion/cqrs/open_bus.hpp>

#include "awaitable.hpp"

struct pay {
  static constexpr std::string_view wire_name = "pay";
  int cents = 0;
};

int main() {
  gabion::open_bus bus;
#ifdef GABION_MUST_FAIL
  bus.add([](const pay&) -> task { co_return; });
#else
  bus.add([](const pay&) {});
#endif
}
