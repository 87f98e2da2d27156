// SPDX-License-Identifier: MIT
#include <gabion/adapters/memory/database.hpp>

#include "awaitable.hpp"

int main() {
  gabion::memory::database db;
#ifdef GABION_MUST_FAIL
  db.transact([](gabion::memory::database::transaction&) -> task { co_return; });
#else
  db.transact([](gabion::memory::database::transaction&) {});
#endif
}
