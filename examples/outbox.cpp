// SPDX-License-Identifier: MIT
// An outbox in 40 lines: a message that belongs to a transaction, on its way to a handler whose
// effect happens once.
#include <cstdio>

#include <gabion/adapters/memory/broker.hpp>
#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/inbox_store.hpp>
#include <gabion/adapters/memory/outbox_store.hpp>
#include <gabion/outbox.hpp>

namespace memory = gabion::memory;

int main() {
  memory::database orders;
  memory::outbox_store store{orders};
  memory::broker broker;
  auto transport = broker.make_transport();
  gabion::relay relay{store, transport};
  gabion::outbox box{store, relay};  // a commit wakes the relay

  // The order and its message are one transaction: both or neither.
  orders.transact([&](memory::database::transaction& tx) {
    box.enqueue(tx, {.id = "e-1",
                     .type = "order.placed",
                     .subject = "order-7",
                     .data = "two lamps",
                     .topic = "orders"});
  });
  {
    auto tx = orders.begin();
    box.enqueue(tx, {.id = "e-2", .type = "order.placed", .subject = "order-8", .topic = "orders"});
    tx.rollback();  // this order never was
  }
  // a service calls relay.run(stop_token) in a thread
  std::printf("published: %zu\n", relay.run_once());

  // Another service. Its handler, its effect and the note that this message was handled are one
  // transaction, too.
  memory::database mail;
  memory::inbox_store inbox{mail};
  auto subscription = broker.subscribe("email", {"orders"});
  gabion::consumer consumer{subscription,
                            inbox,
                            mail,
                            [](memory::database::transaction&, const gabion::message& m) {
                              std::printf("mail about %s: %s\n", m.subject.c_str(),
                                          m.data->c_str());
                            },
                            {.name = "email"}};
  std::printf("handled: %zu\n", consumer.run_once());

  const auto again = gabion::message{.id = "e-1",
                                     .type = "order.placed",
                                     .subject = "order-7",
                                     .data = "two lamps",
                                     .topic = "orders"};
  const gabion::outgoing twice{.at = gabion::position{1}, .what = &again};
  (void)transport.submit({&twice, 1});  // the broker delivers it a second time
  std::printf("handled again: %zu\n", consumer.run_once());
}
