// SPDX-License-Identifier: MIT
// Waits for oneself. Each runs in a child process, which an open fault hangs.
#include <gabion/adapters/memory/table.hpp>

#include <atomic>
#include <stop_token>
#include <system_error>
#include <thread>

#include <gabion/adapters/memory/command_log.hpp>
#include <gabion/adapters/sqlite/event_store.hpp>

#include "faults/cqrs_fixture.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temporary_file.hpp"

using namespace gabion_test;

namespace {

/// Ends the child process with an error unless the call is refused at once.
template <class Call>
void must_refuse(Call&& call) {
  try {
    call();
  } catch (const std::system_error&) {
    return;
  }
  ::_exit(1);
}

struct memory_fixture {
  testing::manual_time time{};
  fault_log log{time};
  memory::database& database() { return log.database; }
};

struct sqlite_fixture {
  temporary_directory directory{};
  sqlite::database db{directory.file("log.db"), {.synchronous = sqlite::durability::off}};
  sqlite::database& database() { return db; }
};

}  // namespace

TEST_CASE("Q5: a projection that waits for itself is refused at once", "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          projection_fixture f;
          f.log.append(1);
          const auto projector = f.make(f.into, f.log);
          bool refused = false;
          f.into.before_apply = [&] {
            try {
              refused = !projector->wait_for(position{1}, deadline::never()).reached();
            } catch (const std::system_error&) {
              refused = true;
            }
          };
          projector->run_once();
          if (!refused) ::_exit(1);
        }) == "ended");
}

TEST_CASE("Q5a: a command that waits inside its transaction for its projection is refused at once",
          "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          testing::manual_time time;
          fault_log log{time};
          counting_checkpoints checkpoints{log.database, time.wall()};
          counting_projection<> into;
          projector_options options;
          options.owner = "me";
          fault_projector<> projector{into,           log.database, log.events,  checkpoints,
                                      number_codec{}, options,      time.clock()};
          std::jthread worker{[&](const std::stop_token& stop) { projector.run(stop); }};
          const message m = encode_event(number_codec{}, deposited{1});
          must_refuse([&] {
            log.database.transact([&](auto& tx) {
              const auto r = log.events.append(tx, "s", expected_version::any(), {&m, 1});
              if (!projector.wait_for(r.last, deadline::never()).reached())
                throw error{errc::invalid_argument, "refused"};
            });
          });
          ::_exit(0);
        }) == "ended");
}

TEST_CASE("Q5b: a projection that replays a dead letter of its own while it applies is refused",
          "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          projection_fixture f;
          f.log.append(1);
          const auto projector = f.make(f.into, f.log);
          bool refused = false;
          f.into.before_apply = [&] {
            try {
              (void)projector->replay_letter(position{1});
            } catch (const std::system_error&) {
              refused = true;
            }
          };
          projector->run_once();
          if (!refused) ::_exit(1);
        }) == "ended");
}

TEST_CASE("Q5c: a projection that runs its own projector while it applies is refused",
          "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          projection_fixture f;
          f.log.append(3);
          const auto projector = f.make(f.into, f.log);
          bool refused = false;
          int depth = 0;
          f.into.before_apply = [&] {
            if (++depth > 8) ::_exit(1);
            try {
              (void)projector->run_once();
            } catch (const std::system_error&) {
              refused = true;
            }
            --depth;
          };
          projector->run_once();
          if (!refused) ::_exit(1);
        }) == "ended");
}

TEST_CASE("Q6: a nested transaction in memory is refused", "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          memory_fixture w;
          w.database().transact(
              [&](auto&) { must_refuse([&] { w.database().transact([](auto&) {}); }); });
        }) == "ended");
}

TEST_CASE("Q6: SQLite refuses a nested transaction", "[fault]") {
  CHECK(fate_of([] {
          sqlite_fixture w;
          w.database().transact(
              [&](auto&) { must_refuse([&] { w.database().transact([](auto&) {}); }); });
        }) == "ended");
}

TEST_CASE("Q6: a read beside an open transaction in memory sees what is committed",
          "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          memory_fixture w;
          w.log.append(2);
          w.database().transact([&](auto&) {
            if (w.log.events.head() != position{2}) ::_exit(1);
            if (w.log.events.read("account-1", 1, 10, read_direction::forward).version != 2)
              ::_exit(1);
          });
        }) == "ended");
}

TEST_CASE("Q6: SQLite reads what is committed beside an open transaction", "[fault]") {
  CHECK(fate_of([] {
          sqlite_fixture w;
          sqlite::event_store::create_schema(w.database());
          sqlite::event_store events{w.database()};
          w.database().transact([&](auto& tx) {
            const message m = encode_event(number_codec{}, deposited{1});
            (void)events.append(tx, "s", expected_version::any(), {&m, 1});
            if (events.head() != beginning) ::_exit(1);
          });
        }) == "ended");
}

TEST_CASE("Q6a: a table is read beside an open transaction", "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          memory::database db;
          memory::table<int, int> rows{db};
          db.transact([&](auto&) {
            if (rows.find(1)) ::_exit(1);
          });
        }) == "ended");
}

TEST_CASE("Q6b: a checkpoint is read beside an open transaction", "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          testing::manual_time time;
          memory::database db;
          counting_checkpoints checkpoints{db, time.wall()};
          db.transact([&](auto&) {
            if (checkpoints.read_checkpoint("totals@1")) ::_exit(1);
          });
        }) == "ended");
}

TEST_CASE("Q6c: a lease that is asked for inside a transaction is refused",
          "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          testing::manual_time time;
          memory::database db;
          counting_checkpoints checkpoints{db, time.wall()};
          db.transact([&](auto&) {
            must_refuse([&] {
              (void)checkpoints.acquire_lease("totals@1", "me", std::chrono::seconds{1});
            });
          });
        }) == "ended");
}

TEST_CASE("Q6d: old commands are not forgotten inside a transaction", "[fault][!shouldfail]") {
  CHECK(fate_of([] {
          memory::database db;
          memory::command_log log{db};
          db.transact([&](auto&) { must_refuse([&] { (void)log.forget(wall_time::max(), 10); }); });
        }) == "ended");
}
