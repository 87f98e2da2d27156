// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/outbox/consumer.hpp>

#include "sim/process.hpp"

namespace gabion_sim {

/// The database as one consumer process sees it. The process may also die in the middle of a
/// transaction, which then rolls back.
class seen_database {
 public:
  using transaction = gabion::memory::database::transaction;

  seen_database(world& w, life& of) : world_{w}, life_{of} {}

  template <class Body>
  auto transact(Body&& body) {
    using result = std::invoke_result_t<Body, transaction&>;
    if constexpr (std::is_void_v<result>) {
      transact([&](transaction& tx) { return body(tx), 0; });
    } else {
      return exposed(world_, life_, "transact", [&] {
        return world_.database.transact([&](transaction& tx) -> result {
          auto done = body(tx);
          if (world_.roll(world_.options.crash / 2, fault::crash)) {
            life_.alive = false;
            throw gabion::error{gabion::errc::unavailable, "the process is dead"};
          }
          return done;
        });
      });
    }
  }

 private:
  world& world_;
  life& life_;
};

/// A subscription as one consumer process sees it.
class seen_subscription {
 public:
  seen_subscription(world& w, life& of, const std::string& group)
      : world_{w}, life_{of}, from_{w.broker.subscribe(group, {"orders"})} {}

  std::vector<gabion::received> receive(std::size_t limit, gabion::duration /*max_wait*/) {
    return exposed(
        world_, life_, "receive", [&] { return from_.receive(limit, gabion::duration::zero()); },
        doubt::never);
  }
  gabion::settle_status commit(std::uint32_t partition, gabion::position up_to) {
    return exposed(world_, life_, "commit", [&] { return from_.commit(partition, up_to); });
  }
  [[nodiscard]] std::uint64_t assignment() const { return from_.assignment(); }

 private:
  world& world_;
  life& life_;
  gabion::memory::broker::subscription from_;
};

/// The handler: an effect that commits or rolls back with the transaction; it fails now and then,
/// and on some messages always.
class effect_handler {
 public:
  effect_handler(world& w, std::string consumer) : world_{&w}, consumer_{std::move(consumer)} {}

  void operator()(gabion::memory::database::transaction& tx, const gabion::message& m) const {
    world_->trace("handle " + m.id + " " + m.subject + " at " + consumer_);
    world_->effects.add(tx, {consumer_, {m.id, m.subject}});
    if (world_->unhandled.contains({consumer_, m.id})) {
      world_->count(fault::handler_poison);
      throw std::runtime_error{"cannot be handled"};
    }
    if (world_->roll(world_->options.handler_fails, fault::handler_failed))
      throw std::runtime_error{"simulated"};
  }

 private:
  world* world_;
  std::string consumer_;
};

/// One run of a consumer process. Its name is "group/member".
struct consumer_incarnation {
  using consumer =
      gabion::basic_consumer<seen_subscription, world::inbox_store, seen_database, effect_handler,
                             gabion::testing::manual_clock, gabion::no_observer, gabion::native_env,
                             gabion::testing::manual_wall_clock>;

  consumer_incarnation(world& w, network& /*n*/, const std::string& name, std::uint64_t number)
      : of{.number = number},
        from{w, of, group_of(name)},
        database{w, of},
        engine{from,
               w.inbox,
               database,
               effect_handler{w, group_of(name)},
               {.name = group_of(name),
                .batch = w.options.consumer_batch,
                .pump = w.options.pump,
                .letters_every = std::chrono::milliseconds{20}},
               w.time.clock(),
               {},
               w.time.wall(),
               gabion::xoshiro256{w.random()}} {}

  static std::string group_of(const std::string& name) { return name.substr(0, name.find('/')); }

  life of;
  seen_subscription from;
  seen_database database;
  consumer engine;
};

using consumer_process = process<consumer_incarnation>;

}  // namespace gabion_sim
