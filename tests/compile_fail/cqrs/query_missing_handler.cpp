// SPDX-License-Identifier: MIT
#include <gabion/cqrs/query_bus.hpp>

struct open_orders {};
struct count_orders {};

int main() {
#ifdef GABION_MUST_FAIL
  const gabion::query_bus bus{gabion::queries<open_orders, count_orders>{},
                              gabion::handle([](const open_orders&) { return 0; })};
#else
  const gabion::query_bus bus{gabion::queries<open_orders>{},
                              gabion::handle([](const open_orders&) { return 0; })};
#endif
  return bus.ask(open_orders{});
}
