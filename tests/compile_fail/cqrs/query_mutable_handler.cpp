// SPDX-License-Identifier: MIT
#include <gabion/cqrs/query_bus.hpp>

struct open_orders {};

int main() {
#ifdef GABION_MUST_FAIL
  const gabion::query_bus bus{
      gabion::handle([count = -1](const open_orders&) mutable { return ++count; })};
#else
  const gabion::query_bus bus{gabion::handle([count = 0](const open_orders&) { return count; })};
#endif
  return bus.ask(open_orders{});
}
