// SPDX-License-Identifier: MIT
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <gabion/adapters/memory/command_log.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/idempotency.hpp>
#include <gabion/cqrs/unit_of_work.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "cqrs_bus/orders.hpp"
#include "cqrs_bus/small_database.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;

namespace {

static_assert(gabion::command_log<small_log>);
static_assert(gabion::command_log<gabion::memory::command_log>);

struct cannot_claim : small_log {
  void claim(transaction&, std::string_view, std::string_view) = delete;
};
struct cannot_complete : small_log {
  void complete(transaction&, std::string_view, std::string_view,
                const gabion::command_record&) = delete;
};
struct cannot_forget : small_log {
  void forget(gabion::wall_time, std::size_t) = delete;
};
static_assert(!gabion::command_log<cannot_claim> && !gabion::command_log<cannot_complete> &&
              !gabion::command_log<cannot_forget>);

gabion::command_context of(std::string id, std::string tenant = {}) {
  return {.command_id = std::move(id), .tenant = std::move(tenant)};
}

/// A codec that stores "no error".
struct code_codec : text_codec {
  using text_codec::encode;
  [[nodiscard]] static std::string encode(std::error_code) { return "0"; }
  template <class T>
  [[nodiscard]] T decode(std::string_view) const {
    return T{};
  }
};

/// One command bus over the archetypes; the handler counts its runs and fails on request.
struct world {
  small_database db{};
  small_log log{};
  int runs = 0;
  int replays = 0;
  enum { succeed, throws, gives_error } next = succeed;

  auto bus() {
    return gabion::command_bus{
        gabion::middlewares{
            gabion::transactional{db},
            gabion::idempotency{log, text_codec{},
                                [this](const gabion::command_replayed&) { ++replays; }}},
        gabion::handle([this](const place_order& c, small_database::transaction& tx) {
          ++runs;
          tx.written[c.id] = "placed";
          if (next == throws) throw gabion::error{gabion::errc::rejected, "no credit"};
          return c.quantity * 10;
        }),
        gabion::handle([this](const cancel_order& c, small_database::transaction& tx) {
          ++runs;
          tx.written.erase(c.id);
        }),
    };
  }
};

}  // namespace

TEST_CASE("a repeated command gets the stored result and the handler does not run again",
          "[idempotency][I6]") {
  world w;
  auto bus = w.bus();
  CHECK(bus.send(place_order{"1", 4}, of("c1")) == 40);
  CHECK(bus.send(place_order{"1", 4}, of("c1")) == 40);
  CHECK(w.runs == 1);
  CHECK(w.replays == 1);
  CHECK(bus.send(place_order{"1", 4}, of("c2")) == 40);
  CHECK(w.runs == 2);
}

TEST_CASE("a repeated command without a result is done once", "[idempotency][I6]") {
  world w;
  auto bus = w.bus();
  bus.send(cancel_order{"1"}, of("c1"));
  bus.send(cancel_order{"1"}, of("c1"));
  CHECK(w.runs == 1);
  CHECK(w.replays == 1);
}

TEST_CASE("the idempotency key goes before the command id", "[idempotency]") {
  world w;
  auto bus = w.bus();
  gabion::command_context context = of("c1");
  context.idempotency_key = "key";
  bus.send(cancel_order{"1"}, context);
  context.command_id = "c2";
  bus.send(cancel_order{"1"}, context);
  CHECK(w.runs == 1);
  bus.send(cancel_order{"1"}, of("c1"));
  CHECK(w.runs == 2);
}

TEST_CASE("the same key with another body or for another command is refused", "[idempotency][H5]") {
  world w;
  auto bus = w.bus();
  bus.send(place_order{"1", 4}, of("c1"));
  CHECK_THROWS_WITH(bus.send(place_order{"1", 5}, of("c1")),
                    Catch::Contains("order.place: the key 'c1' was used before"));
  std::error_code code;
  try {
    bus.send(cancel_order{"1/4"}, of("c1"));
  } catch (const gabion::error& e) {
    code = e.code();
  }
  CHECK(code == gabion::errc::duplicate);
  CHECK(w.runs == 1);
}

TEST_CASE("the same key of another tenant is another command", "[idempotency]") {
  world w;
  auto bus = w.bus();
  bus.send(place_order{"1"}, of("c1", "t1"));
  bus.send(place_order{"1"}, of("c1", "t2"));
  CHECK(w.runs == 2);
  bus.send(place_order{"1"}, of("c1", "t1"));
  CHECK(w.runs == 2);
}

TEST_CASE("a rejected command is not stored and may be tried again", "[idempotency][I7]") {
  world w;
  auto bus = w.bus();
  w.next = world::throws;
  CHECK_THROWS_WITH(bus.send(place_order{"1"}, of("c1")), Catch::Contains("no credit"));
  CHECK(w.db.done.empty());
  CHECK(w.db.committed.empty());
  w.next = world::succeed;
  CHECK(bus.send(place_order{"1"}, of("c1")) == 10);
  CHECK(w.runs == 2);
  CHECK(w.db.done.size() == 1);
}

TEST_CASE("a failing result is not stored either", "[idempotency][I7][results]") {
  small_database db;
  small_log log;
  int runs = 0;
  gabion::command_bus bus{
      gabion::middlewares{gabion::transactional{db}, gabion::idempotency{log, code_codec{}}},
      gabion::handle([&](const cancel_order&) {
        return ++runs < 2 ? gabion::make_error_code(gabion::errc::rejected) : std::error_code{};
      })};
  CHECK(bus.send(cancel_order{"1"}, of("c1")) == gabion::errc::rejected);
  CHECK(db.done.empty());
  CHECK(bus.send(cancel_order{"1"}, of("c1")) == std::error_code{});
  CHECK(bus.send(cancel_order{"1"}, of("c1")) == std::error_code{});
  CHECK(runs == 2);
}

TEST_CASE("a command without a key is handled each time", "[idempotency]") {
  world w;
  auto bus = w.bus();
  bus.send(cancel_order{"1"});
  bus.send(cancel_order{"1"}, gabion::command_context{});
  CHECK(w.runs == 2);
  CHECK(w.db.done.empty());
}

TEST_CASE("a command that is running on another node is not run a second time",
          "[idempotency][I8]") {
  /// A log whose key another node holds: it does what a busy row lock does.
  struct held_log : small_log {
    bool held = true;
    std::optional<gabion::command_record> claim(transaction& tx, std::string_view tenant,
                                                std::string_view key) {
      if (held) throw gabion::error{gabion::errc::busy, "the key is held by another transaction"};
      return small_log::claim(tx, tenant, key);
    }
  };
  small_database db;
  held_log log;
  int runs = 0;
  gabion::command_bus bus{
      gabion::middlewares{gabion::transactional{db}, gabion::idempotency{log, text_codec{}}},
      gabion::handle([&](const cancel_order&) { ++runs; })};
  CHECK_THROWS_WITH(bus.send(cancel_order{"1"}, of("c1")), Catch::Contains("held by another"));
  CHECK(runs == 0);
  log.held = false;
  bus.send(cancel_order{"1"}, of("c1"));
  CHECK(runs == 1);
}

TEST_CASE("a command whose record was forgotten runs again", "[idempotency][I9][memory]") {
  gabion::testing::manual_time time;
  gabion::memory::database db;
  gabion::memory::basic_command_log log{db, time.wall()};
  int runs = 0;
  gabion::command_bus bus{
      gabion::middlewares{gabion::transactional{db}, gabion::idempotency{log, text_codec{}}},
      gabion::handle([&](const place_order&) { return ++runs; })};
  const auto start = time.wall_now();
  CHECK(bus.send(place_order{"1"}, of("c1")) == 1);
  CHECK(bus.send(place_order{"1"}, of("c1")) == 1);
  time.advance(1s);
  CHECK(bus.send(place_order{"1"}, of("c2")) == 2);
  CHECK(log.forget(start, 100) == 0);
  CHECK(log.forget(start + 1s, 100) == 1);
  CHECK(bus.send(place_order{"1"}, of("c2")) == 2);
  CHECK(bus.send(place_order{"1"}, of("c1")) == 3);
  time.advance(1s);
  CHECK(log.forget(time.wall_now(), 1) == 1);
  CHECK(log.forget(time.wall_now(), 5) == 1);
}

TEST_CASE("a rollback frees the key in the memory log", "[idempotency][memory]") {
  gabion::memory::database db;
  gabion::memory::command_log log{db};
  const auto put = [&](bool fail) {
    db.transact([&](gabion::memory::database::transaction& tx) {
      const bool there = log.claim(tx, "t", "k").has_value();
      log.complete(tx, "t", "k", {1, "r"});
      if (fail) throw std::runtime_error{"roll back"};
      return there;
    });
  };
  CHECK_THROWS_AS(put(true), std::runtime_error);
  db.transact([&](gabion::memory::database::transaction& tx) {
    CHECK_FALSE(log.claim(tx, "t", "k").has_value());
  });
  put(false);
  db.transact([&](gabion::memory::database::transaction& tx) {
    CHECK(log.claim(tx, "t", "k") == gabion::command_record{1, "r"});
  });
}
