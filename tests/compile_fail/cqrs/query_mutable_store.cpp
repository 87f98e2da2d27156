// SPDX-License-Identifier: MIT
#include <gabion/cqrs/query_bus.hpp>

struct open_orders {};
struct store {
  int orders = 0;
};

int main() {
#ifdef GABION_MUST_FAIL
  const gabion::query_bus bus{
      gabion::handle([](const open_orders&, store& s) { return ++s.orders; })};
#else
  const gabion::query_bus bus{
      gabion::handle([](const open_orders&, const store& s) { return s.orders; })};
#endif
  store orders;
  return bus.ask(open_orders{}, orders);
}
