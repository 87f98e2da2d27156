// SPDX-License-Identifier: MIT
#include <gabion/adapters/sqlite/database.hpp>
#include <gabion/circuit_breaker.hpp>

int main() {
  gabion::circuit_breaker breaker{{}};
  gabion::sqlite::database db{"consumer.db"};
  return breaker.call([&] { return db.transact([](gabion::sqlite::transaction&) { return 0; }); });
}
