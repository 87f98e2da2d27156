// SPDX-License-Identifier: MIT
#include <gabion/cqrs/query_bus.hpp>

#include "awaitable.hpp"

struct open_orders {
  int customer = 0;
};

int main() {
#ifdef GABION_MUST_FAIL
  const gabion::query_bus bus{gabion::handle([](const open_orders&) -> task { co_return; })};
#else
  const gabion::query_bus bus{gabion::handle([](const open_orders& q) { return q.customer; })};
#endif
  static_cast<void>(bus.ask(open_orders{1}));
}
