// SPDX-License-Identifier: MIT
#include <gabion/adapters/memory/table.hpp>

#include "faults/outbox_fixture.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using namespace gabion_test::outbox_faults;

namespace {

/// Runs `work` in a child process; true if it is refused there with invalid_argument.
template <class Work>
bool is_refused(Work work) {
  return gabion_test::ends_well([&] {
    try {
      work();
    } catch (const error& e) {
      if (e.code() == errc::invalid_argument) return;
    }
    ::_exit(1);
  });
}

const message some{.id = "1", .source = "/s", .type = "t", .subject = "k"};

}  // namespace

TEST_CASE("M11: an enqueue into a committed transaction is refused", "[fault][!shouldfail]") {
  CHECK(is_refused([] {
    memory::database db;
    memory::outbox_store store{db};
    outbox box{store};
    auto tx = db.begin();
    tx.commit();
    box.enqueue(tx, some);
  }));
}

TEST_CASE("M11a: a second commit is refused", "[fault][!shouldfail]") {
  CHECK(is_refused([] {
    memory::database db;
    auto tx = db.begin();
    tx.commit();
    tx.commit();
  }));
}

TEST_CASE("M11b: a commit after a rollback is refused", "[fault][!shouldfail]") {
  CHECK(is_refused([] {
    memory::database db;
    auto tx = db.begin();
    tx.rollback();
    tx.commit();
  }));
}

TEST_CASE("M11c: a transaction inside a transaction is refused", "[fault][!shouldfail]") {
  CHECK(is_refused([] {
    memory::database db;
    db.transact([&](auto&) { db.transact([](auto&) {}); });
  }));
}

TEST_CASE("M11d: an inbox refuses a transaction that is over", "[fault][!shouldfail]") {
  CHECK(is_refused([] {
    memory::database db;
    memory::inbox_store inbox{db};
    auto tx = db.begin();
    tx.commit();
    (void)inbox.begin_message(tx, "c", some);
  }));
}

TEST_CASE("M11e: a table refuses a transaction that is over", "[fault][!shouldfail]") {
  CHECK(is_refused([] {
    memory::database db;
    memory::table<int, int> rows{db};
    auto tx = db.begin();
    tx.commit();
    rows.put(tx, 1, 1);
  }));
}

TEST_CASE("M11f: a rollback after a commit does nothing", "[fault][!shouldfail]") {
  CHECK(gabion_test::ends_well([] {
    memory::database db;
    auto tx = db.begin();
    tx.commit();
    tx.rollback();
  }));
}

TEST_CASE("M11g: a settle of the outbox inside a transaction is refused", "[fault][!shouldfail]") {
  CHECK(is_refused([] {
    memory::database db;
    memory::outbox_store store{db};
    db.transact([&](auto&) { (void)store.settle({}, {}, beginning); });
  }));
}
