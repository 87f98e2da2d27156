// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/nlohmann_json/codec.hpp>
#include <gabion/cqrs/aggregate_store.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/outbox/outbox.hpp>

#include "domain/json.hpp"
#include "domain/order.hpp"
#include "tables/rows.hpp"

namespace shop {

/// The topic of all order events.
inline constexpr std::string_view order_topic = "orders";

/// The header with an event's version in its stream, so that whoever reads messages can see that
/// none is missing or out of order.
inline constexpr std::string_view version_header = "streamversion";

/// What a message was about, for the effects that it causes.
[[nodiscard]] inline cause cause_of(const gabion::message& m) {
  const auto version = gabion::find_header(m, version_header);
  return {.event_id = m.id,
          .order_id = m.subject,
          .version = version ? std::stoull(std::string{*version}) : 0};
}

/// Lets an order decide on a command, and writes what happened to the event store and to the
/// outbox: one transaction, so the events are published if and only if they are stored. Safe to use
/// from several threads.
template <class Backend>
class order_writer {
 public:
  using transaction = typename Backend::transaction;

  /// `relay` is woken when there is something to publish.
  template <class Relay>
  order_writer(Backend& backend, Relay& relay)
      : orders_{backend.events, {}, {.topic = std::string{order_topic}}},
        outbox_{backend.outbox, relay} {}

  /// Throws refusal, gabion::error(conflict) and what the stores throw; let it leave the
  /// transaction.
  template <class Command>
  gabion::executed write(transaction& tx, std::string_view order_id, const Command& command,
                         const gabion::execute_options& options = {}) {
    gabion::executed done = orders_.execute(tx, order_id, command, options);
    std::uint64_t version = done.version - done.events.size();
    for (gabion::message& m : done.events)
      m.headers.push_back({std::string{version_header}, std::to_string(++version)});
    if (!done.events.empty()) outbox_.enqueue(tx, std::span<const gabion::message>{done.events});
    return done;
  }

 private:
  using event_store = decltype(Backend::events);
  gabion::aggregate_store<order_rules, event_store, gabion::json_codec> orders_;
  gabion::outbox<decltype(Backend::outbox)> outbox_;
};

}  // namespace shop
