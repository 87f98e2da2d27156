// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>

#include "cqrs_fixtures.hpp"

int main() {
  database db;
  command_log log;
#ifdef GABION_MUST_FAIL
  gabion::command_bus bus{
      gabion::middlewares{gabion::idempotency{log, codec{}}, gabion::transactional{db}},
      gabion::handle(place)};
#else
  gabion::command_bus bus{
      gabion::middlewares{gabion::transactional{db}, gabion::idempotency{log, codec{}}},
      gabion::handle(place)};
#endif
  return bus.send(place_order{});
}
