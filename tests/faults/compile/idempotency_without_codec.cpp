// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/adapters/memory/command_log.hpp>
#include <gabion/adapters/nlohmann_json/codec.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/idempotency.hpp>
#include <gabion/cqrs/unit_of_work.hpp>

struct pay {
  static constexpr std::string_view wire_name = "pay";
  int cents = 0;
#ifndef GABION_MUST_FAIL
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(pay, cents)
#endif
};

int main() {
  gabion::memory::database db;
  gabion::memory::command_log log{db};
  gabion::command_bus bus{gabion::middlewares{gabion::transactional{db},
                                              gabion::idempotency{log, gabion::json_codec{}}},
                          gabion::handle([](const pay& p) { return p.cents; })};
  gabion::command_context context{.idempotency_key = "k"};
  return bus.send(pay{0}, context);
}
