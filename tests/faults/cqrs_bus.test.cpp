// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>

#include <gabion/adapters/memory/command_log.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/cqrs/aggregate_store.hpp>
#include <gabion/cqrs/conflict_retry.hpp>
#include <gabion/cqrs/idempotency.hpp>
#include <gabion/cqrs/unit_of_work.hpp>

#include "cqrs/account.hpp"
#include "support/catch.hpp"

using namespace gabion;
using namespace gabion_test;

namespace {

using transaction = memory::database::transaction;

struct pay {
  static constexpr std::string_view wire_name = "pay";
  std::int64_t amount = 0;
};
struct pay1 {
  static constexpr std::string_view wire_name = "pay1";
  std::int64_t amount = 0;
};

/// Writes a number as its digits.
struct digits_codec {
  [[nodiscard]] static constexpr std::string_view content_type() noexcept { return "text/plain"; }
  template <class T>
  [[nodiscard]] std::string encode(const T& value) const {
    if constexpr (requires { value.amount; }) {
      return std::to_string(value.amount);
    } else {
      return std::to_string(value);
    }
  }
  template <class T>
  [[nodiscard]] T decode(std::string_view bytes) const {
    return static_cast<T>(std::stoll(std::string{bytes}));
  }
};

}  // namespace

TEST_CASE("Q12: a command whose caller stated the expected version is handled once",
          "[fault][!shouldfail]") {
  memory::database db;
  memory::event_store events{db};
  aggregate_store<account, memory::event_store, number_codec> accounts{events};
  int handled = 0;
  command_bus bus{middlewares{conflict_retry{[](duration) {}}, transactional{db}},
                  handle([&](const open_account& c, transaction& tx) {
                    ++handled;
                    return accounts.execute(tx, "1", c, {.expected = expected_version::exact(7)});
                  })};
  CHECK_THROWS_AS(bus.send(open_account{1}), gabion::error);
  CHECK(handled == 1);
}

TEST_CASE("Q12a: an append that states the expected version is not retried either",
          "[fault][!shouldfail]") {
  memory::database db;
  memory::event_store events{db};
  int handled = 0;
  command_bus bus{middlewares{conflict_retry{[](duration) {}}, transactional{db}},
                  handle([&](const open_account&, transaction& tx) {
                    ++handled;
                    const message m = encode_event(number_codec{}, opened{1});
                    append_or_throw(events, tx, "s", expected_version::exact(7), {&m, 1});
                  })};
  CHECK_THROWS_AS(bus.send(open_account{1}), gabion::error);
  CHECK(handled == 1);
}

TEST_CASE("Q12b: a conflict carries its versions as fields and not as text alone",
          "[fault][!shouldfail]") {
  memory::database db;
  memory::event_store events{db};
  const message m = encode_event(number_codec{}, opened{1});
  try {
    db.transact([&](transaction& tx) {
      append_or_throw(events, tx, "s", expected_version::exact(7), {&m, 1});
    });
    FAIL("no conflict");
  } catch (const gabion::error& e) {
    CHECK(e.code() == errc::conflict);
    // A class of its own, with the stream, `expected` and `actual`.
    CHECK(typeid(e) != typeid(gabion::error));
  }
}

TEST_CASE("Q12c: a taken event id is a field of its error and not text alone",
          "[fault][!shouldfail]") {
  memory::database db;
  memory::event_store events{db};
  message m = encode_event(number_codec{}, opened{1});
  m.id = "taken";
  const auto append = [&](std::string_view stream) {
    db.transact([&](transaction& tx) {
      append_or_throw(events, tx, stream, expected_version::any(), {&m, 1});
    });
  };
  append("s");
  try {
    append("t");
    FAIL("no duplicate");
  } catch (const gabion::error& e) {
    CHECK(e.code() == errc::duplicate);
    CHECK(typeid(e) != typeid(gabion::error));
  }
}

TEST_CASE("Q8a: the fingerprint of a command keeps its name and its body apart",
          "[fault][!shouldfail]") {
  memory::database db;
  memory::command_log log{db};
  int handled = 0;
  command_bus bus{middlewares{transactional{db}, idempotency{log, digits_codec{}}},
                  handle([&](const pay&) { return ++handled; }),
                  handle([&](const pay1&) { return ++handled; })};
  command_context context{.idempotency_key = "k"};
  CHECK(bus.send(pay{15}, context) == 1);
  CHECK_THROWS_AS(bus.send(pay1{5}, context), gabion::error);
  CHECK(handled == 1);
}
