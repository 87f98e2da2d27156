// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/adapters/nlohmann_json/codec.hpp>
#include <gabion/cqrs/event_types.hpp>
#include <gabion/observe/prometheus.hpp>
#include <gabion/outbox/consumer.hpp>
#include <gabion/outbox/relay.hpp>

#include "app/metrics.hpp"
#include "app/order_writer.hpp"
#include "domain/json.hpp"

namespace shop {

/// One service that listens to order events: its place in the broker, its inbox, and a thread.
template <class Backend, class Service>
class listener {
 public:
  using transaction = typename Backend::transaction;

  listener(Backend& backend, Service service, service_metrics& metrics, consumer_metrics& mine)
      : service_{std::move(service)},
        subscription_{backend.broker.subscribe(mine.name, {std::string{order_topic}})},
        consumer_{subscription_,
                  backend.inbox,
                  backend.transactor,
                  handler{this},
                  {.name = std::string{mine.name}, .batch = 64},
                  {},
                  consumer_observer{&metrics, &mine}} {}
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  void run(const std::stop_token& stop) { consumer_.run(stop); }

 private:
  /// Turns a message back into the event that it was, and tells the service.
  struct handler {
    listener* self;
    void operator()(transaction& tx, const gabion::message& m) const {
      const cause why = cause_of(m);
      auto tell = [&](const auto& event) { self->service_.on(tx, why, event); };
      const bool known =
          gabion::event_types<order_rules::event_list>::visit(gabion::json_codec{}, m, tell);
      if (!known)
        throw gabion::error{gabion::errc::unknown_type, "'" + m.type + "' is no order event"};
    }
  };

  using subscription = typename decltype(Backend::broker)::subscription;
  using inbox = decltype(Backend::inbox);

  Service service_;
  subscription subscription_;
  gabion::basic_consumer<subscription, inbox, typename Backend::transactor_type, handler,
                         gabion::steady_clock, consumer_observer>
      consumer_;
};

/// What brings events from the outbox to the broker.
template <class Backend>
class publisher {
 public:
  publisher(Backend& backend, service_metrics& metrics)
      : transport_{backend.broker.make_transport()},
        // One process owns the file, so it may take its own lease back at once after a crash.
        relay_{
            backend.outbox, transport_, {.owner = "order_service"}, {}, relay_observer{&metrics}} {}

  void wake() noexcept { relay_.wake(); }
  void run(const std::stop_token& stop) { relay_.run(stop); }

 private:
  using transport = typename decltype(Backend::broker)::transport;
  transport transport_;
  gabion::basic_relay<decltype(Backend::outbox), transport, gabion::steady_clock, relay_observer>
      relay_;
};

}  // namespace shop
