// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/adapters/memory/inbox_store.hpp>
#include <gabion/adapters/memory/outbox_store.hpp>
#include <gabion/adapters/memory/table.hpp>
#include <gabion/cqrs.hpp>
#include <gabion/outbox.hpp>
#include <gabion/testing/faulty_store.hpp>
#include <gabion/testing/manual_clock.hpp>

// Compiled with -fno-exceptions -fno-rtti. `failures NAME` plays one failure: it ends by itself
// where gabion reports it as a value, and prints a message and aborts where only an exception could
// have. See modes.py.
namespace {

namespace memory = gabion::memory;
using transaction = memory::database::transaction;

/// Answers "unavailable" once, then "delivered".
class recovering_transport {
 public:
  static constexpr bool keeps_key_order = true;
  std::size_t submit(std::span<const gabion::outgoing> batch) {
    for (const gabion::outgoing& o : batch)
      answers_.push_back(
          {o.at, answer_, answer_ == gabion::outcome::delivered ? "" : "no network"});
    answer_ = gabion::outcome::delivered;
    return batch.size();
  }
  void poll(std::vector<gabion::delivery>& out, gabion::duration) {
    out.insert(out.end(), answers_.begin(), answers_.end());
    answers_.clear();
  }

 private:
  std::vector<gabion::delivery> answers_{};
  gabion::outcome answer_ = gabion::outcome::unavailable;
};

struct fixture {
  gabion::testing::manual_time time{};
  memory::database db{};
  memory::basic_outbox_store<gabion::testing::manual_wall_clock> store{db, {}, time.wall()};
  recovering_transport transport{};

  template <class Store>
  auto relay_of(Store& from) {
    return gabion::basic_relay<Store, recovering_transport, gabion::testing::manual_clock>{
        from, transport, {}, time.clock()};
  }
  void enqueue() {
    gabion::outbox box{store};
    db.transact([&](transaction& tx) { box.enqueue(tx, gabion::message{.id = "1", .type = "t"}); });
  }
};

int transport_unavailable() {
  fixture f;
  f.enqueue();
  auto relay = f.relay_of(f.store);
  const std::size_t first = relay.run_once();
  f.time.advance(std::chrono::minutes{5});
  return first == 0 && relay.run_once() == 1 ? 0 : 1;
}

int outbox_store_fails() {
  fixture f;
  f.enqueue();
  gabion::testing::faulty_store broken{f.store, {.fails = 1000}};
  auto relay = f.relay_of(broken);
  return relay.run_once() == 0 ? 0 : 1;
}

template <class Handler>
std::size_t consume(Handler handler) {
  memory::database db;
  memory::broker broker;
  auto transport = broker.make_transport();
  memory::outbox_store store{db};
  gabion::relay relay{store, transport};
  gabion::outbox box{store, relay};
  db.transact([&](transaction& tx) {
    box.enqueue(tx, gabion::message{.id = "1", .type = "t", .topic = "orders"});
  });
  (void)relay.run_once();
  memory::inbox_store inbox{db};
  auto subscription = broker.subscribe("email", {"orders"});
  gabion::consumer consumer{subscription, inbox, db, handler, {.name = "email"}};
  return consumer.run_once();
}

int handler_delivers() {
  return consume([](transaction&, const gabion::message&) { return gabion::outcome::delivered; }) ==
                 1
             ? 0
             : 1;
}

int handler_rejects() {
  return static_cast<int>(
      consume([](transaction&, const gabion::message&) { return gabion::outcome::rejected; }));
}

struct placed {
  static constexpr std::string_view wire_name = "placed";
};
struct codec {
  static std::string_view content_type() { return "text/plain"; }
  static std::string encode(const placed&) { return "{}"; }
  template <class T>
  static T decode(std::string_view) {
    return {};
  }
};
struct counting {
  static constexpr std::string_view name = "counting";
  static constexpr std::uint32_t version = 1;
  using event_list = gabion::events<placed>;
  using transaction = memory::database::transaction;
  void apply(transaction&, const placed&) { ++count; }
  void reset(transaction&) { count = 0; }
  int count = 0;
};

/// An event without data, which no projection can read.
int projection_cannot_read() {
  memory::database db;
  memory::event_store events{db};
  memory::checkpoint_store checkpoints{db};
  counting into;
  gabion::projector projector{into, db, events, checkpoints, codec{}, {}};
  const gabion::message m{.id = "e-1", .type = "placed"};
  (void)db.transact([&](transaction& tx) {
    return events.append(tx, "orders", gabion::expected_version::any(), {&m, 1});
  });
  projector.run_once();
  return 0;
}

int append_conflicts() {
  memory::database db;
  memory::event_store events{db};
  const gabion::message m{.id = "e-1", .type = "placed"};
  const gabion::append_result r = db.transact([&](transaction& tx) {
    return events.append(tx, "orders", gabion::expected_version::exact(7), {&m, 1});
  });
  return r.status == gabion::append_status::wrong_version ? 0 : 1;
}

int append_or_throw_conflicts() {
  memory::database db;
  memory::event_store events{db};
  const gabion::message m{.id = "e-1", .type = "placed"};
  (void)db.transact([&](transaction& tx) {
    return gabion::append_or_throw(events, tx, "orders", gabion::expected_version::exact(7),
                                   {&m, 1});
  });
  return 0;
}

struct place_order {
  int quantity = 0;
  [[nodiscard]] std::optional<gabion::violation> validate() const {
    if (quantity >= 1) return std::nullopt;
    return gabion::violation{"quantity", "must be 1 or more"};
  }
};

int bus_returns_code() {
  gabion::command_bus bus{gabion::middlewares{gabion::validation{}},
                          gabion::handle([](const place_order&) { return std::error_code{}; })};
  return bus.send(place_order{0}) == gabion::errc::invalid_argument ? 0 : 1;
}

int bus_has_no_code() {
  gabion::command_bus bus{gabion::middlewares{gabion::validation{}},
                          gabion::handle([](const place_order& c) { return c.quantity; })};
  return bus.send(place_order{0});
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  if (wanted == "transport_unavailable") return transport_unavailable();
  if (wanted == "outbox_store_fails") return outbox_store_fails();
  if (wanted == "handler_delivers") return handler_delivers();
  if (wanted == "handler_rejects") return handler_rejects();
  if (wanted == "projection_cannot_read") return projection_cannot_read();
  if (wanted == "append_conflicts") return append_conflicts();
  if (wanted == "append_or_throw_conflicts") return append_or_throw_conflicts();
  if (wanted == "bus_returns_code") return bus_returns_code();
  if (wanted == "bus_has_no_code") return bus_has_no_code();
  std::fprintf(stderr, "no such failure\n");
  return 2;
}
