// SPDX-License-Identifier: MIT
#include <gabion/cqrs/query_bus.hpp>

struct open_orders {};
struct store {
  int orders = 0;
};

int main() {
#ifdef GABION_MUST_FAIL
  const gabion::query_bus bus{
      gabion::handle<open_orders>([](const auto&, store& s) { return s.orders; })};
#else
  const gabion::query_bus bus{
      gabion::handle<open_orders>([](const auto&, const store& s) { return s.orders; })};
#endif
  return bus.ask(open_orders{}, store{});
}
