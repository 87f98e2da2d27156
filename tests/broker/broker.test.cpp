// SPDX-License-Identifier: MIT
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/sqlite/broker.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

using namespace gabion;

static_assert(broker_storage<memory::broker_memory>);
static_assert(broker_storage<sqlite::broker_storage<>>);
static_assert(!broker_storage<std::string>);
static_assert(explain_transport<memory::broker::transport>() &&
              explain_subscription<memory::broker::subscription>());

namespace {

struct in_memory {
  using broker_type = memory::broker;
  broker_type broker{{.partitions = 2}};
};

struct in_sqlite {
  using broker_type = sqlite::broker;

  static sqlite::database& with_schema(sqlite::database& db) {
    sqlite::create_schema(db, sqlite::broker_schema);
    return db;
  }

  gabion_test::temporary_directory folder{};
  sqlite::database db{folder.file("broker.db")};
  broker_type broker{{.partitions = 2}, with_schema(db)};
};

message about(const std::string& key, const std::string& id) {
  return {.id = id,
          .source = "/test",
          .type = "t",
          .subject = key,
          .data = "payload of " + id,
          .headers = {{"a", "1"}},
          .topic = "orders"};
}

template <class Broker>
std::size_t send(Broker& to, const std::vector<message>& messages) {
  auto out = to.make_transport();
  std::vector<outgoing> batch;
  for (const message& m : messages) batch.push_back({.at = position{batch.size() + 1}, .what = &m});
  const std::size_t taken = out.submit(batch);
  std::vector<delivery> known;
  out.poll(known, duration::zero());
  CHECK(known.size() == taken);
  return taken;
}

std::vector<std::string> ids(const std::vector<received>& batch) {
  std::vector<std::string> all;
  for (const received& r : batch) all.push_back(r.what.id);
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("a group reads every message once and whole", "[broker]", in_memory, in_sqlite) {
  TestType t;
  const message sent = about("k", "m1");
  auto in = t.broker.subscribe("email", {"orders"});
  send(t.broker, {sent});
  const auto batch = in.receive(10, duration::zero());
  REQUIRE(batch.size() == 1);
  message got = batch[0].what;
  got.topic = sent.topic;
  CHECK(got == sent);
  CHECK(in.receive(10, duration::zero()).empty());
}

TEMPLATE_TEST_CASE("messages of one key stay in order in one partition", "[broker][order]",
                   in_memory, in_sqlite) {
  TestType t;
  auto in = t.broker.subscribe("g", {"orders"});
  std::vector<message> sent;
  for (int i = 0; i < 40; ++i)
    sent.push_back(about("k" + std::to_string(i % 5), std::to_string(i)));
  send(t.broker, sent);
  std::map<std::string, int> last;
  std::map<std::string, std::set<std::uint32_t>> partitions;
  std::size_t count = 0;
  for (auto batch = in.receive(7, duration::zero()); !batch.empty();
       batch = in.receive(7, duration::zero()))
    for (const received& r : batch) {
      ++count;
      const int id = std::stoi(r.what.id);
      if (const auto seen = last.find(r.what.subject); seen != last.end()) CHECK(id > seen->second);
      last[r.what.subject] = id;
      partitions[r.what.subject].insert(r.partition);
    }
  CHECK(count == 40);
  for (const auto& [key, used] : partitions) CHECK(used.size() == 1);
}

TEMPLATE_TEST_CASE("messages without a key are spread over the partitions", "[broker]", in_memory,
                   in_sqlite) {
  TestType t;
  auto in = t.broker.subscribe("g", {"orders"});
  send(t.broker, {about("", "1"), about("", "2"), about("", "3"), about("", "4")});
  std::set<std::uint32_t> used;
  for (const received& r : in.receive(10, duration::zero())) used.insert(r.partition);
  CHECK(used.size() == 2);
}

TEMPLATE_TEST_CASE("every group has its own offsets", "[broker][group]", in_memory, in_sqlite) {
  TestType t;
  auto a = t.broker.subscribe("a", {"orders"});
  auto b = t.broker.subscribe("b", {"orders"});
  send(t.broker, {about("k", "1")});
  const auto seen = a.receive(1, duration::zero());
  REQUIRE(seen.size() == 1);
  CHECK(a.commit(seen[0].partition, seen[0].at) == settle_status::applied);
  CHECK(ids(b.receive(1, duration::zero())) == std::vector<std::string>{"1"});
}

TEMPLATE_TEST_CASE("what was received and not committed comes again after a rejoin",
                   "[broker][group]", in_memory, in_sqlite) {
  TestType t;
  send(t.broker, {about("k", "1"), about("k", "2"), about("k", "3")});
  {
    auto in = t.broker.subscribe("g", {"orders"});
    const auto batch = in.receive(10, duration::zero());
    REQUIRE(batch.size() == 3);
    CHECK(in.commit(batch[0].partition, batch[0].at) == settle_status::applied);
  }
  auto in = t.broker.subscribe("g", {"orders"});
  CHECK(ids(in.receive(10, duration::zero())) == std::vector<std::string>{"2", "3"});
}

TEMPLATE_TEST_CASE("a second member takes half of the partitions and fences the first out of them",
                   "[broker][group]", in_memory, in_sqlite) {
  TestType t;
  auto first = t.broker.subscribe("g", {"orders"});
  send(t.broker, {about("", "1"), about("", "2")});
  const auto batch = first.receive(10, duration::zero());
  REQUIRE(batch.size() == 2);
  const auto before = first.assignment();
  auto second = t.broker.subscribe("g", {"orders"});
  CHECK(first.assignment() == before);  // what it has received so far belongs to this one
  int fenced = 0;
  for (const received& r : batch)
    fenced += first.commit(r.partition, r.at) == settle_status::fenced ? 1 : 0;
  CHECK(fenced == 1);
  CHECK(second.receive(10, duration::zero()).size() == 1);
  CHECK(first.receive(10, duration::zero()).empty());
  CHECK(first.assignment() != before);
}

namespace {

/// A broker's memory of which single calls can fail.
struct failing_memory {
  memory::broker_memory kept{};
  std::set<std::uint32_t> unreadable{};
  int failing_offsets = 0;

  std::size_t append(std::span<const placement> batch) { return kept.append(batch); }
  std::vector<received> read(std::string_view topic, std::uint32_t part, position after,
                             std::size_t limit) {
    if (unreadable.contains(part)) throw error{errc::busy, "cannot be read just now"};
    return kept.read(topic, part, after, limit);
  }
  position committed(std::string_view group, std::string_view topic, std::uint32_t part) {
    if (part == 1 && failing_offsets > 0 && failing_offsets-- > 0)
      throw error{errc::busy, "cannot be read just now"};
    return kept.committed(group, topic, part);
  }
  void commit(std::string_view group, std::string_view topic, std::uint32_t part, position up_to) {
    kept.commit(group, topic, part, up_to);
  }
};

}  // namespace

TEST_CASE("a partition that cannot be read takes nothing away from the others", "[broker][group]") {
  basic_broker<failing_memory> broker{{.partitions = 2}};
  auto in = broker.subscribe("g", {"orders"});
  send(broker, {about("", "1"), about("", "2"), about("", "3"), about("", "4")});
  broker.storage().unreadable = {1};
  std::vector<std::string> got;
  int failures = 0;
  for (int i = 0; i < 4; ++i) {
    try {
      for (const std::string& id : ids(in.receive(10, duration::zero()))) got.push_back(id);
    } catch (const error& e) {
      CHECK(e.code() == errc::busy);
      ++failures;
    }
  }
  CHECK(got == std::vector<std::string>{"1", "3"});
  CHECK(failures > 0);
  broker.storage().unreadable.clear();
  CHECK(ids(in.receive(10, duration::zero())) == std::vector<std::string>{"2", "4"});
}

TEST_CASE("an offset that cannot be read just now does not send a group back to the beginning",
          "[broker][group]") {
  basic_broker<failing_memory> broker{{.partitions = 2}};
  send(broker, {about("", "1"), about("", "2")});
  {
    auto in = broker.subscribe("g", {"orders"});
    for (const received& r : in.receive(10, duration::zero()))
      CHECK(in.commit(r.partition, r.at) == settle_status::applied);
  }
  auto in = broker.subscribe("g", {"orders"});
  broker.storage().failing_offsets = 1;
  CHECK_THROWS_AS(in.receive(10, duration::zero()), error);
  CHECK(in.receive(10, duration::zero()).empty());
}

TEMPLATE_TEST_CASE("an offset never moves back", "[broker][group]", in_memory, in_sqlite) {
  TestType t;
  send(t.broker, {about("k", "1"), about("k", "2")});
  {
    auto in = t.broker.subscribe("g", {"orders"});
    const auto batch = in.receive(10, duration::zero());
    REQUIRE(batch.size() == 2);
    CHECK(in.commit(batch[1].partition, batch[1].at) == settle_status::applied);
    CHECK(in.commit(batch[0].partition, batch[0].at) == settle_status::applied);
  }
  CHECK(t.broker.subscribe("g", {"orders"}).receive(10, duration::zero()).empty());
}

TEMPLATE_TEST_CASE("members of a group must name the same topics", "[broker][group]", in_memory,
                   in_sqlite) {
  TestType t;
  auto in = t.broker.subscribe("g", {"orders"});
  CHECK_THROWS_AS(t.broker.subscribe("g", {"invoices"}), error);
}

TEMPLATE_TEST_CASE("a group without a name or without topics is refused", "[broker][group]",
                   in_memory, in_sqlite) {
  TestType t;
  CHECK_THROWS_WITH(t.broker.subscribe("", {"orders"}), Catch::Contains("the group has no name"));
  CHECK_THROWS_WITH(t.broker.subscribe("g", {}), Catch::Contains("group 'g' names no topic"));
}

TEMPLATE_TEST_CASE("a waiting reader is woken by a message", "[broker][wait]", in_memory,
                   in_sqlite) {
  TestType t;
  auto in = t.broker.subscribe("g", {"orders"});
  std::thread writer{[&] { send(t.broker, {about("k", "1")}); }};
  CHECK(in.receive(1, std::chrono::minutes{1}).size() == 1);
  writer.join();
}

TEMPLATE_TEST_CASE("a topic of its own is used for messages without one", "[broker]", in_memory,
                   in_sqlite) {
  TestType t;
  auto in = t.broker.subscribe("g", {"messages"});
  message m = about("k", "1");
  m.topic.clear();
  send(t.broker, {m});
  CHECK(in.receive(1, duration::zero()).size() == 1);
}

TEMPLATE_TEST_CASE("a tombstone is not an empty message", "[broker][data]", in_memory, in_sqlite) {
  TestType t;
  auto in = t.broker.subscribe("g", {"orders"});
  message tombstone = about("k", "1");
  tombstone.data.reset();
  message empty = about("k", "2");
  empty.data.emplace();
  send(t.broker, {tombstone, empty});
  const auto batch = in.receive(2, duration::zero());
  REQUIRE(batch.size() == 2);
  CHECK(!batch[0].what.data.has_value());
  CHECK(batch[1].what.data == std::optional<std::string>{""});
}

TEST_CASE("a broker without partitions is refused with the range", "[broker][options]") {
  CHECK_THROWS_WITH(memory::broker(broker_options{.partitions = 0}),
                    Catch::Contains("partitions is 0; allowed: 1 to 1024"));
  CHECK_THROWS_AS(memory::broker(broker_options{.partitions = 1025}), error);
  CHECK_NOTHROW(memory::broker(broker_options{.partitions = 1024}));
}

TEST_CASE("a full partition pushes back and takes more once its groups have committed",
          "[broker][bounds]") {
  memory::broker broker{{.partitions = 1}, memory::broker_memory_options{.capacity = 2}};
  auto in = broker.subscribe("g", {"orders"});
  auto first = in.receive(10, duration::zero());
  CHECK(send(broker, {about("k", "1"), about("k", "2"), about("k", "3")}) == 2);
  CHECK(send(broker, {about("k", "3")}) == 0);
  const auto batch = in.receive(1, duration::zero());
  REQUIRE(batch.size() == 1);
  CHECK(in.commit(batch[0].partition, batch[0].at) == settle_status::applied);
  CHECK(send(broker, {about("k", "3")}) == 1);
  CHECK(ids(in.receive(10, duration::zero())) == std::vector<std::string>{"2", "3"});
}

TEST_CASE("a group that has not received yet holds messages back", "[broker][bounds]") {
  memory::broker broker{{.partitions = 1}, memory::broker_memory_options{.capacity = 1}};
  auto quick = broker.subscribe("quick", {"orders"});
  auto idle = broker.subscribe("idle", {"orders"});
  CHECK(send(broker, {about("k", "1")}) == 1);
  const auto batch = quick.receive(1, duration::zero());
  REQUIRE(batch.size() == 1);
  CHECK(quick.commit(batch[0].partition, batch[0].at) == settle_status::applied);
  CHECK(send(broker, {about("k", "2")}) == 0);
  CHECK(ids(idle.receive(10, duration::zero())) == std::vector<std::string>{"1"});
}

TEST_CASE("a SQLite broker finds messages and offsets again after a restart",
          "[broker][durability]") {
  const gabion_test::temporary_directory folder;
  const std::string path = folder.file("broker.db");
  {
    sqlite::database db{path};
    sqlite::broker broker{{.partitions = 2}, in_sqlite::with_schema(db)};
    send(broker, {about("k", "1"), about("k", "2")});
    auto in = broker.subscribe("g", {"orders"});
    const auto batch = in.receive(1, duration::zero());
    REQUIRE(batch.size() == 1);
    CHECK(in.commit(batch[0].partition, batch[0].at) == settle_status::applied);
  }
  sqlite::database db{path};
  sqlite::broker broker{{.partitions = 2}, db};
  auto in = broker.subscribe("g", {"orders"});
  CHECK(ids(in.receive(10, duration::zero())) == std::vector<std::string>{"2"});
}

TEST_CASE(
    "a SQLite broker trims what all named groups have committed and never uses an offset again",
    "[broker][retention]") {
  in_sqlite t;
  auto a = t.broker.subscribe("a", {"orders"});
  auto b = t.broker.subscribe("b", {"orders"});
  send(t.broker, {about("k", "1"), about("k", "2")});
  const auto batch = a.receive(10, duration::zero());
  REQUIRE(batch.size() == 2);
  CHECK(a.commit(batch[1].partition, batch[1].at) == settle_status::applied);
  const std::vector<std::string> groups{"a", "b"};
  CHECK(t.broker.storage().trim(groups, 100) == 0);
  CHECK(b.commit(batch[1].partition, batch[1].at) == settle_status::applied);
  CHECK(t.broker.storage().trim(groups, 1) == 1);
  CHECK(t.broker.storage().trim(groups, 100) == 1);
  send(t.broker, {about("k", "3")});
  const auto next = a.receive(10, duration::zero());
  REQUIRE(next.size() == 1);
  CHECK(to_number(next[0].at) == 3);
}

TEST_CASE("a SQLite broker without its tables says what to call", "[broker][schema]") {
  const gabion_test::temporary_directory folder;
  sqlite::database db{folder.file("broker.db")};
  CHECK_THROWS_WITH(sqlite::broker({}, db), Catch::Contains("create_schema"));
}

TEMPLATE_TEST_CASE("writers and members that come and go lose nothing", "[broker][concurrency]",
                   in_memory, in_sqlite) {
  TestType t;
  constexpr int per_writer = 100;
  std::mutex guard;
  std::set<std::string> seen;
  auto stays = t.broker.subscribe("g", {"orders"});
  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w)
    writers.emplace_back([&t, w] {
      for (int i = 0; i < per_writer; ++i)
        send(t.broker,
             {about("k" + std::to_string(i), std::to_string(w) + "/" + std::to_string(i))});
    });
  const auto take = [&](auto& in) {
    for (const received& r : in.receive(16, std::chrono::milliseconds{1})) {
      {
        const std::lock_guard lock{guard};
        seen.insert(r.what.id);
      }
      (void)in.commit(r.partition, r.at);
    }
  };
  std::thread visitor{[&] {
    for (int i = 0; i < 10; ++i) {
      auto in = t.broker.subscribe("g", {"orders"});
      take(in);
    }
  }};
  for (std::thread& w : writers) w.join();
  visitor.join();
  for (std::size_t before = 0; before != seen.size() || before == 0;) {
    before = seen.size();
    take(stays);
  }
  CHECK(seen.size() == 2 * per_writer);
}
