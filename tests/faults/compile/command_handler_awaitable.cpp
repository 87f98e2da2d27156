// SPDX-License-Identifier: MIT
#include <string>

#include <gabion/adapters/memory/table.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/unit_of_work.hpp>

#include "awaitable.hpp"

struct pay {
  std::string name{};
  int cents = 0;
};

int main() {
  gabion::memory::database db;
  gabion::memory::table<std::string, int> paid{db};
#ifdef GABION_MUST_FAIL
  gabion::command_bus bus{
      gabion::middlewares{gabion::transactional{db}},
      gabion::handle([&](const pay& p, gabion::memory::database::transaction& tx) -> task {
        paid.put(tx, p.name, p.cents);
        co_return;
      })};
#else
  gabion::command_bus bus{
      gabion::middlewares{gabion::transactional{db}},
      gabion::handle([&](const pay& p, gabion::memory::database::transaction& tx) {
        paid.put(tx, p.name, p.cents);
      })};
#endif
  bus.send(pay{"Ada", 5});
}
