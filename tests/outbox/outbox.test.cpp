// SPDX-License-Identifier: MIT
#include <gabion/log/pump_action.hpp>
#include <gabion/outbox/inbox_store.hpp>
#include <gabion/outbox/outbox.hpp>

#include <string>
#include <vector>

#include <gabion/adapters/memory/outbox_store.hpp>

#include "support/catch.hpp"

using namespace gabion;

namespace {

struct bell {
  int rung = 0;
  void wake() noexcept { ++rung; }
};

struct world {
  memory::database db{};
  memory::outbox_store store{db, {.limits = {.payload = 8U << 20U}}};

  std::string enqueue(const message& m, outbox_options options = {}) {
    outbox box{store, options};
    try {
      db.transact([&](auto& tx) { box.enqueue(tx, m); });
    } catch (const error& e) {
      return e.code().message() + ": " + e.what();
    }
    return "written";
  }
};

/// A transaction that cannot wake anybody, over a store that has only what enqueue needs.
struct plain_transaction {};
struct plain_store {
  std::size_t written = 0;
  std::vector<enqueued> enqueue(plain_transaction&, std::span<const message> batch) {
    written += batch.size();
    return std::vector<enqueued>(batch.size());
  }
};

}  // namespace

TEST_CASE("messages are left one by one or several at once in their order", "[outbox]") {
  world w;
  outbox box{w.store};
  w.db.transact([&](auto& tx) {
    const enqueued one = box.enqueue(tx, message{.id = "1", .type = "t"});
    CHECK(to_number(one.at) > 0);
    CHECK(
        box.enqueue(tx, message{.id = "2", .type = "t"}, message{.id = "3", .type = "t"}).size() ==
        2);
    const std::vector<message> rest{{.id = "4", .type = "t"}, {.id = "1", .type = "t"}};
    const auto written = box.enqueue(tx, rest);
    CHECK(written[1].deduplicated);
    CHECK(written[1].at == one.at);
  });
  std::string ids;
  for (const auto& r : w.store.fetch(0, beginning, 10)) ids += r.what.id;
  CHECK(ids == "1234");
}

TEST_CASE("a commit wakes whom the outbox was given and a rollback does not", "[outbox][wake]") {
  world w;
  bell b;
  outbox box{w.store, b};
  w.db.transact([&](auto& tx) {
    box.enqueue(tx, message{.type = "t"});
    box.enqueue(tx, message{.type = "t"});
    CHECK(b.rung == 0);
  });
  CHECK(b.rung == 1);
  {
    auto tx = w.db.begin();
    box.enqueue(tx, message{.type = "t"});
    tx.rollback();
  }
  w.db.transact([&](auto& tx) { box.enqueue(tx, std::span<const message>{}); });
  CHECK(b.rung == 1);
}

TEST_CASE("an outbox works over a transaction that can not wake", "[outbox][wake]") {
  plain_store store;
  bell b;
  outbox box{store, b};
  plain_transaction tx;
  box.enqueue(tx, message{.type = "t"});
  CHECK(store.written == 1);
  CHECK(b.rung == 0);
}

TEST_CASE("payloads up to the limit are taken and one byte more is refused", "[outbox][limits]") {
  world w;
  const std::size_t mebibyte = 1'048'576;
  CHECK(w.enqueue({.type = "t", .data = std::string(mebibyte - 1, 'x')}) == "written");
  CHECK(w.enqueue({.type = "t", .data = std::string(mebibyte, 'x')}) == "written");
  CHECK(w.enqueue({.id = "big", .type = "t", .data = std::string(mebibyte + 1, 'x')})
            .starts_with(
                "too large: message 'big': the payload has 1048577 bytes; allowed: 1048576"));
  CHECK(w.enqueue({.type = "t", .data = std::string(mebibyte + 1, 'x')},
                  {.limits = {.payload = mebibyte + 1}}) == "written");
  CHECK(w.enqueue({.type = "t", .data = std::string(1, 'x')}, {.limits = {.payload = 0}})
            .starts_with("too large"));
}

TEST_CASE("one bad message and nothing of its batch is written", "[outbox][limits]") {
  world w;
  outbox box{w.store};
  CHECK_THROWS_AS(
      w.db.transact([&](auto& tx) { box.enqueue(tx, message{.type = "t"}, message{.type = ""}); }),
      error);
  CHECK(w.store.stats().pending == 0);
}

TEST_CASE("an id of 255 bytes is taken and one of 256 is refused", "[outbox][limits]") {
  world w;
  CHECK(w.enqueue({.id = std::string(255, 'i'), .type = "t"}) == "written");
  CHECK(w.enqueue({.id = std::string(256, 'i'), .type = "t"}).starts_with("too large"));
}

TEST_CASE("1024 headers are taken and one more is refused", "[outbox][limits]") {
  world w;
  std::vector<header> headers(1024, header{"h", "v"});
  CHECK(w.enqueue({.type = "t", .headers = headers}) == "written");
  headers.push_back({"h", "v"});
  CHECK(w.enqueue({.type = "t", .headers = headers}).starts_with("too large"));
}

TEST_CASE("what could break out of a header is refused", "[outbox][security]") {
  world w;
  for (const std::string& bad :
       {std::string{"a\rb"}, std::string{"a\nb"}, std::string{"a\0b", 3}}) {
    CHECK(w.enqueue({.type = "t", .headers = {{"name", bad}}})
              .starts_with(
                  "invalid argument: message '': the value of header 1 holds a CR, LF or NUL"));
    CHECK(w.enqueue({.type = "t", .headers = {{"fine", "v"}, {bad, "v"}}})
              .starts_with("invalid argument: message '': the name of header 2 holds"));
    CHECK(w.enqueue({.type = bad}).starts_with("invalid argument"));
    CHECK(w.enqueue({.id = bad, .type = "t"}).starts_with("invalid argument"));
    CHECK(w.enqueue({.source = bad, .type = "t"}).starts_with("invalid argument"));
    CHECK(w.enqueue({.type = "t", .content_type = bad}).starts_with("invalid argument"));
    CHECK(w.enqueue({.type = "t", .schema = bad}).starts_with("invalid argument"));
    CHECK(w.enqueue({.type = "t", .topic = bad}).starts_with("invalid argument"));
    CHECK(w.enqueue({.type = "t", .subject = bad}).starts_with("invalid argument"));
    // a payload is any bytes, and so is an encoded key
    CHECK(w.enqueue({.type = "t", .subject = encode_key(bad), .data = bad}) == "written");
  }
}

TEST_CASE("names of attributes and of gabion are reserved", "[outbox][security]") {
  world w;
  for (const char* name : {"id", "Source", "TYPE", "subject", "time", "data", "specversion",
                           "datacontenttype", "dataschema", "gabion", "gabion-seq", "Gabion-x"})
    CHECK(w.enqueue({.type = "t", .headers = {{name, "v"}}}).starts_with("invalid argument"));
  for (const char* name : {"traceparent", "identity", "gabio", "x-gabion"})
    CHECK(w.enqueue({.type = "t", .headers = {{name, "v"}}}) == "written");
}

TEST_CASE("options of an outbox out of range are refused by name", "[outbox][options]") {
  world w;
  CHECK_THROWS_WITH(
      (outbox{w.store, outbox_options{.limits = {.payload = std::size_t{1} << 30U}}}),
      Catch::Contains("message_limits.payload is 1073741824; allowed: 0 to 1073741823"));
  CHECK_THROWS_WITH((outbox{w.store, outbox_options{.limits = {.id = 35}}}),
                    Catch::Contains("message_limits.id is 35; allowed: 36 to 65536"));
  CHECK_THROWS_WITH((outbox{w.store, outbox_options{.limits = {.headers = 65'537}}}),
                    Catch::Contains("message_limits.headers is 65537"));
  CHECK_THROWS_WITH((outbox{w.store, outbox_options{.limits = {.attributes = 0}}}),
                    Catch::Contains("message_limits.attributes is 0"));
}

TEST_CASE("what became of a message can be told in words", "[outbox][names]") {
  CHECK(to_string(outcome::in_doubt) == "in doubt");
  CHECK(to_string(disposition::deferred) == "deferred");
  CHECK(to_string(settle_status::fenced) == "fenced");
  CHECK(to_string(poison_policy::pause) == "pause");
  CHECK(to_string(stop_reason::poisoned) == "poisoned");
  CHECK(to_string(inbox_status::redriven) == "redriven");
}
