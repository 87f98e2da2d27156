// SPDX-License-Identifier: MIT
#include <future>

#include <gabion/adapters/memory/database.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/unit_of_work.hpp>

struct pay {
  int cents = 0;
};

int main() {
  gabion::memory::database db;
#ifdef GABION_MUST_FAIL
  gabion::command_bus bus{gabion::middlewares{gabion::transactional{db}},
                          gabion::handle([](const pay& p, gabion::memory::database::transaction&) {
                            return std::async(std::launch::deferred, [&p] { return p.cents; });
                          })};
  return bus.send(pay{0}).get();
#else
  gabion::command_bus bus{gabion::middlewares{gabion::transactional{db}},
                          gabion::handle([](const pay& p) { return p.cents; })};
  return bus.send(pay{0});
#endif
}
