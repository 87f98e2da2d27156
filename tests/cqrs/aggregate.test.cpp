// SPDX-License-Identifier: MIT
#include <gabion/cqrs/aggregate_store.hpp>

#include <string>
#include <vector>

#include <gabion/testing/given_when_then.hpp>

#include "cqrs/account.hpp"
#include "cqrs/event_store_worlds.hpp"
#include "support/catch.hpp"

using namespace gabion;
using namespace gabion_test;

namespace {

template <class World>
class bank {
 public:
  using accounts_type = basic_aggregate_store<account, typename World::store_type, number_codec,
                                              testing::manual_wall_clock, native_env, xoshiro256>;

  template <class Command>
  executed execute(std::string_view id, const Command& command,
                   const execute_options& options = {}) {
    return world.database().transact(
        [&](auto& tx) { return accounts.execute(tx, id, command, options); });
  }
  stream_page stream(std::string_view name) {
    return world.store().read(name, 1, 1000, read_direction::forward);
  }
  void append(std::string_view name, std::vector<message> events) {
    world.database().transact([&](auto& tx) {
      append_or_throw(world.store(), tx, name, expected_version::any(), events);
    });
  }

  testing::manual_time time{};
  World world{time};
  accounts_type accounts{world.store(),
                         {},
                         {.source = "/bank", .topic = "money", .page = 2},
                         time.wall(),
                         xoshiro256{1}};
};

using memory_bank = bank<memory_events>;

static_assert(explain_aggregate<account>());
static_assert(decides<account, deposit> && !decides<account, int>);
static_assert(fold<account>() == account::state_type{});
static_assert(fold<account>(opened{100}, deposited{50}, withdrawn{30}) ==
              account::state_type{true, 120});
static_assert(fold<account>(opened{}, deposited_units{2}) == account::state_type{true, 200});
static_assert(testing::emits<account>(fold<account>(opened{100}), withdraw{70}, withdrawn{70}));
static_assert(testing::emits<account>(fold<account>(opened{100}), deposit_twice{7}, deposited{7},
                                      deposited{7}));
static_assert(!testing::emits<account>(fold<account>(opened{100}), deposit_twice{7}, deposited{7}));
static_assert(!testing::emits<account>(fold<account>(opened{100}), withdraw{70}, deposited{70}));
static_assert(testing::emits<account>(fold<account>(opened{}), settle_up{}));
static_assert(event_types<account::event_list>::knows("account.opened") &&
              !event_types<account::event_list>::knows("account.open"));

}  // namespace

namespace {

template <class World>
void decide_and_append() {
  bank<World> b;
  CHECK(b.execute("7", open_account{100}).version == 1);
  const executed second = b.execute("7", deposit_twice{25});
  CHECK(second.version == 3);
  CHECK(second.events.size() == 2);
  CHECK(second.at == b.world.store().head());
  CHECK(b.execute("7", withdraw{30}).version == 4);
  const auto loaded = b.accounts.load("7");
  CHECK(loaded.state == account::state_type{true, 120});
  CHECK(loaded.version == 4);
  CHECK(b.execute("8", open_account{}).version == 1);
}

template <class World>
void refuse() {
  bank<World> b;
  b.execute("7", open_account{10});
  CHECK_THROWS_WITH(b.execute("7", withdraw{11}), Catch::Contains("the balance is too low"));
  CHECK_THROWS_AS(b.execute("8", deposit{1}), error);
  CHECK(b.stream("account-7").version == 1);
  CHECK_FALSE(b.stream("account-8").exists());
}

}  // namespace

TEST_CASE("a command is decided on the folded state and its events are appended", "[aggregate]") {
  SECTION("in memory") { decide_and_append<memory_events>(); }
  SECTION("in SQLite") { decide_and_append<sqlite_events>(); }
}

TEST_CASE("a refused command leaves nothing behind", "[aggregate]") {
  SECTION("in memory") { refuse<memory_events>(); }
  SECTION("in SQLite") { refuse<sqlite_events>(); }
}

TEST_CASE("a command without events succeeds and makes no stream", "[aggregate]") {
  memory_bank b;
  const executed nothing = b.execute("7", settle_up{});
  CHECK(nothing.version == 0);
  CHECK(nothing.at == beginning);
  CHECK(nothing.events.empty());
  CHECK_FALSE(b.stream("account-7").exists());
  b.execute("7", open_account{});
  const executed still = b.execute("7", settle_up{});
  CHECK(still.version == 1);
  CHECK(still.at == b.world.store().head());
  CHECK(b.stream("account-7").version == 1);
}

TEST_CASE("a decision may be a range of variants", "[aggregate]") {
  memory_bank b;
  b.execute("7", open_account{});
  CHECK(b.execute("7", shuffle{{5, 0, -2, 0, 4}}).version == 4);
  CHECK(b.accounts.load("7").state.balance == 7);
}

TEST_CASE("events carry what an outbox and a reader need", "[aggregate]") {
  memory_bank b;
  const std::vector<header> headers{{"traceparent", "00-1-2-01"}, {"correlationid", "c"}};
  const executed done = b.execute("7", open_account{5}, {.headers = headers});
  const stream_page page = b.stream("account-7");
  REQUIRE(page.events.size() == 1);
  const message& m = page.events[0].what;
  CHECK(done.events == std::vector<message>{m});
  CHECK(m.type == "account.opened");
  CHECK(m.source == "/bank");
  CHECK(m.subject == "7");
  CHECK(m.topic == "money");
  CHECK(m.content_type == "text/plain");
  CHECK(m.data == "5");
  CHECK(m.time == b.time.wall_now());
  CHECK(m.headers == headers);
  CHECK(m.id.size() == 36);
}

TEST_CASE("a caller who saw an older version is told so before anything is decided",
          "[aggregate]") {
  memory_bank b;
  b.execute("7", open_account{});
  b.execute("7", deposit{1});
  CHECK_THROWS_WITH(b.execute("7", deposit{1}, {.expected = expected_version::exact(1)}),
                    Catch::Contains("'account-7'") && Catch::Contains("version 2") &&
                        Catch::Contains("version 1"));
  CHECK_THROWS_AS(b.execute("9", deposit{1}, {.expected = expected_version::exists()}), error);
  CHECK(b.execute("7", deposit{1}, {.expected = expected_version::exact(2)}).version == 3);
  CHECK(b.execute("9", open_account{}, {.expected = expected_version::no_stream()}).version == 1);
}

TEST_CASE("retired events are read as their newest type", "[aggregate][upcast]") {
  memory_bank b;
  b.append("account-7", {encode_event(number_codec{}, opened{}),
                         encode_event(number_codec{}, deposited_units{3})});
  CHECK(b.accounts.load("7").state.balance == 300);
  b.execute("7", deposit{3});
  CHECK(b.accounts.load("7").state.balance == 303);
  CHECK(b.stream("account-7").events.back().what.type == "account.deposited.v2");
}

TEST_CASE("an event that cannot be understood stops the load and is named", "[aggregate]") {
  memory_bank b;
  b.append("account-1", {{.type = "account.frozen", .data = "1"}});
  b.append("account-2", {{.type = "account.opened", .data = "x"}});
  b.append("account-3", {{.id = "e3", .type = "account.opened"}});
  CHECK_THROWS_WITH(b.accounts.load("1"), Catch::Contains("'account.frozen'") &&
                                              Catch::Contains("account-1") &&
                                              Catch::Contains("version 1"));
  CHECK_THROWS_WITH(b.accounts.load("2"), Catch::Contains("'x' is no number"));
  CHECK_THROWS_WITH(b.accounts.load("3"),
                    Catch::Contains("'e3'") && Catch::Contains("has no data"));
  try {
    (void)b.accounts.load("1");
  } catch (const error& e) {
    CHECK(e.code() == errc::unknown_type);
  }
}

TEST_CASE("an aggregate needs an id and a page of at least one event", "[aggregate]") {
  memory_bank b;
  CHECK_THROWS_WITH(b.execute("", open_account{}), Catch::Contains("id of the account is empty"));
  CHECK_THROWS_WITH((memory_bank::accounts_type{b.world.store(), {}, {.page = 0}, b.time.wall()}),
                    Catch::Contains("aggregate_options.page is 0"));
}

TEST_CASE("loading in a transaction sees what the transaction has decided", "[aggregate]") {
  memory_bank b;
  b.world.database().transact([&](auto& tx) {
    b.accounts.execute(tx, "7", open_account{5});
    CHECK(b.accounts.load(tx, "7").state.balance == 5);
    b.accounts.execute(tx, "7", deposit{6});
    CHECK(b.accounts.load(tx, "7").version == 2);
  });
  CHECK(b.accounts.load("7").state.balance == 11);
}

TEST_CASE("given when then says which events are different", "[given_when_then]") {
  const auto open = testing::given<account, number_codec>(opened{100});
  CHECK(open.when(withdraw{70}).then(withdrawn{70}));
  CHECK(open.when(deposit_twice{1}).then(deposited{1}, deposited{1}));
  CHECK(open.when(withdraw{101}).then_refused(errc::rejected));
  CHECK(testing::given<account>().when(settle_up{}).then_nothing());

  CHECK(open.when(deposit_twice{1}).then(deposited{1}, withdrawn{1}).why ==
        "  account.deposited.v2 1\n- account.withdrawn 1\n+ account.deposited.v2 1\n");
  CHECK(open.when(deposit_twice{1}).then(deposited{1}).why ==
        "  account.deposited.v2 1\n+ account.deposited.v2 1\n");
  CHECK(open.when(deposit{2}).then(deposited{2}, deposited{3}).why ==
        "  account.deposited.v2 2\n- account.deposited.v2 3\n");
  CHECK(open.when(deposit{2}).then_nothing().why == "+ account.deposited.v2 2\n");
  CHECK(testing::given<account>(opened{}).when(deposit{2}).then(deposited{3}).why ==
        "- account.deposited.v2\n+ account.deposited.v2\n");
  CHECK(open.when(withdraw{101}).then(withdrawn{101}).why ==
        "- account.withdrawn 101\n+ refused: the balance is too low: rejected\n");
  CHECK(open.when(withdraw{101}).then_refused(errc::not_found).why ==
        "- refused: not found\n+ refused: the balance is too low: rejected\n");
  CHECK(open.when(withdraw{1}).then_refused(errc::rejected).why ==
        "- refused: rejected\n+ account.withdrawn 1\n");
}
