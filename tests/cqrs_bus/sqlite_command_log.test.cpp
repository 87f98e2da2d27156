// SPDX-License-Identifier: MIT
#include <chrono>
#include <string>

#include <gabion/adapters/sqlite/command_log.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/idempotency.hpp>
#include <gabion/cqrs/unit_of_work.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "cqrs_bus/orders.hpp"
#include "support/catch.hpp"
#include "support/temporary_file.hpp"

using namespace std::chrono_literals;

namespace {

static_assert(gabion::command_log<gabion::sqlite::command_log>);

/// One process's life: its own connection, log and bus on the same file.
struct process {
  explicit process(const std::string& path, gabion::testing::manual_time& time)
      : db{path, {.synchronous = gabion::sqlite::durability::off}},
        log{(gabion::sqlite::command_log::create_schema(db), db), time.wall()} {}

  gabion::sqlite::database db;
  gabion::sqlite::basic_command_log<gabion::testing::manual_time::wall_handle> log;
  int runs = 0;
  bool reject = false;

  int place(const std::string& key, int quantity, const std::string& tenant = "t1") {
    gabion::command_bus bus{
        gabion::middlewares{gabion::transactional{db}, gabion::idempotency{log, text_codec{}}},
        gabion::handle([this](const place_order& c, gabion::sqlite::transaction&) {
          ++runs;
          if (reject) throw gabion::error{gabion::errc::rejected, "no credit"};
          return c.quantity * 10;
        })};
    return bus.send(place_order{"1", quantity},
                    gabion::command_context{.command_id = key, .tenant = tenant});
  }
};

}  // namespace

TEST_CASE("a command stays done after a restart", "[idempotency][sqlite][I4][I6]") {
  const gabion_test::temporary_directory directory;
  gabion::testing::manual_time time;
  {
    process first{directory.file("commands.db"), time};
    CHECK(first.place("c1", 4) == 40);
    CHECK(first.place("c1", 4) == 40);
    CHECK(first.runs == 1);
  }
  process second{directory.file("commands.db"), time};
  CHECK(second.place("c1", 4) == 40);
  CHECK(second.runs == 0);
  CHECK_THROWS_AS(second.place("c1", 5), gabion::error);
  CHECK(second.place("c1", 5, "t2") == 50);
}

TEST_CASE("a rejected command leaves nothing behind in the file", "[idempotency][sqlite][I7]") {
  const gabion_test::temporary_directory directory;
  gabion::testing::manual_time time;
  process p{directory.file("commands.db"), time};
  p.reject = true;
  CHECK_THROWS_AS(p.place("c1", 4), gabion::error);
  p.reject = false;
  CHECK(p.place("c1", 4) == 40);
  CHECK(p.runs == 2);
}

TEST_CASE("records are forgotten by age and at most as many as asked",
          "[idempotency][sqlite][I9]") {
  const gabion_test::temporary_directory directory;
  gabion::testing::manual_time time;
  process p{directory.file("commands.db"), time};
  p.place("c1", 1);
  p.place("c2", 1);
  const auto then = time.wall_now();
  time.advance(1s);
  p.place("c3", 1);
  CHECK(p.log.forget(then, 10) == 0);
  CHECK(p.log.forget(then + 1s, 1) == 1);
  CHECK(p.log.forget(then + 1s, 10) == 1);
  p.place("c3", 1);
  CHECK(p.runs == 3);
  p.place("c1", 1);
  CHECK(p.runs == 4);
}

TEST_CASE("any bytes of a result come back from the file", "[idempotency][sqlite]") {
  const gabion_test::temporary_directory directory;
  gabion::testing::manual_time time;
  process p{directory.file("commands.db"), time};
  const gabion::command_record record{~std::uint64_t{0}, std::string("a\0b\xff", 4)};
  p.db.transact([&](gabion::sqlite::transaction& tx) {
    p.log.complete(tx, "", std::string("k\0", 2), record);
  });
  p.db.transact([&](gabion::sqlite::transaction& tx) {
    CHECK(p.log.claim(tx, "", std::string("k\0", 2)) == record);
    CHECK_FALSE(p.log.claim(tx, "", "k").has_value());
  });
}

TEST_CASE("a log without its table says so", "[idempotency][sqlite][errors]") {
  const gabion_test::temporary_directory directory;
  gabion::sqlite::database db{directory.file("empty.db")};
  CHECK_THROWS_WITH(gabion::sqlite::command_log{db}, Catch::Contains("has no commands tables"));
}
