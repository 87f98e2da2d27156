// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/outbox/relay.hpp>

#include "sim/network.hpp"

namespace gabion_sim {

/// One incarnation of a process. Once it is dead, whatever its code still tries has no effect; the
/// simulation then drops it.
struct life {
  std::uint64_t number = 0;
  bool alive = true;
};

/// Whether a call can fail after it was done. A subscription that throws has received nothing.
enum class doubt { possible, never };

/// Runs a call of a process to the outside with the faults of a real one: it may fail before, fail
/// after it was done, or the process may die before or after. So a crash can come between any two
/// effects.
template <class Call>
auto exposed(world& w, life& of, std::string_view what, Call&& call, doubt in = doubt::possible) {
  const auto die = [&](const char* when) {
    of.alive = false;
    w.trace(std::string{"crash "} + when + " " + std::string{what}, of.number);
    throw gabion::error{gabion::errc::unavailable, "the process is dead"};
  };
  if (!of.alive) throw gabion::error{gabion::errc::unavailable, "the process is dead"};
  if (w.roll(w.options.crash / 2, fault::crash)) die("before");
  if (w.roll(w.options.store_fails, fault::store_failed))
    throw gabion::error{gabion::errc::busy, "simulated"};
  w.trace(what, of.number);
  auto result = std::forward<Call>(call)();
  if (w.roll(w.options.crash / 2, fault::crash)) die("after");
  if (in == doubt::possible && w.roll(w.options.store_in_doubt, fault::store_in_doubt))
    throw gabion::error{gabion::errc::in_doubt, "simulated"};
  return result;
}

/// The outbox store as one relay process sees it.
class seen_store {
 public:
  seen_store(world& w, life& of) : world_{w}, life_{of} {}

  std::optional<gabion::lease> acquire_lease(std::string_view name, std::string_view owner,
                                             gabion::duration ttl) {
    return exposed(world_, life_, "acquire",
                   [&] { return world_.store.acquire_lease(name, owner, ttl); });
  }
  bool renew_lease(const gabion::lease& held, gabion::duration ttl) {
    return exposed(world_, life_, "renew", [&] { return world_.store.renew_lease(held, ttl); });
  }
  bool release_lease(const gabion::lease& held) {
    return exposed(world_, life_, "release", [&] { return world_.store.release_lease(held); });
  }
  std::vector<gabion::outbox_record> fetch(std::uint32_t lane, gabion::position after,
                                           std::size_t limit) {
    return exposed(world_, life_, "fetch", [&] {
      auto found = world_.store.fetch(lane, after, limit);
      for (const gabion::outbox_record& r : found)
        world_.trace("  " + r.what.id + (r.blocked ? " blocked" : ""), gabion::to_number(r.at));
      return found;
    });
  }
  gabion::settle_status settle(const gabion::lease& held, std::span<const gabion::settlement> done,
                               gabion::position watermark) {
    return exposed(world_, life_, "settle", [&] {
      const auto status = world_.store.settle(held, done, watermark);
      if (status == gabion::settle_status::fenced)
        world_.count(fault::fenced);
      else
        record(held, done);
      world_.trace(
          status == gabion::settle_status::fenced ? "fenced, epoch" : "settled under epoch",
          held.epoch);
      return status;
    });
  }

 private:
  void record(const gabion::lease& held, std::span<const gabion::settlement> done) {
    for (const gabion::settlement& s : done) {
      world_.trace("  " + world_.id_at[s.at] + " as", static_cast<std::uint64_t>(s.as));
      if (s.as == gabion::disposition::delivered)
        world_.history.marks.push_back({world_.id_at[s.at], held.epoch, world_.history.log.size()});
    }
  }

  world& world_;
  life& life_;
};

/// The transport as one relay process sees it.
class seen_transport {
 public:
  static constexpr bool keeps_key_order = true;

  seen_transport(world& w, life& of, network& to) : world_{w}, life_{of}, network_{to} {}

  std::size_t submit(std::span<const gabion::outgoing> batch) {
    if (!life_.alive || world_.roll(world_.options.unavailable, fault::unavailable))
      throw gabion::error{gabion::errc::unavailable, "simulated"};
    const bool some =
        batch.size() > 1 && world_.roll(world_.options.refuses_some, fault::refused_some);
    const std::size_t taken =
        some ? static_cast<std::size_t>(gabion::uniform(world_.random, batch.size()))
             : batch.size();
    for (const gabion::outgoing& out : batch.first(taken)) network_.send(life_.number, out);
    if (world_.roll(world_.options.crash / 2, fault::crash)) life_.alive = false;
    return taken;
  }

  void poll(std::vector<gabion::delivery>& out, gabion::duration /*max_wait*/) {
    if (life_.alive) network_.collect(life_.number, out);
  }

 private:
  world& world_;
  life& life_;
  network& network_;
};

/// A process that crashes, stands still and comes back. An incarnation is made of (world, network,
/// name, number); it has a life `of` and an `engine` that takes turns.
template <class Incarnation>
class process {
 public:
  process(world& w, network& n, std::string name, std::uint64_t& lives)
      : world_{w}, network_{n}, name_{std::move(name)}, lives_{lives} {}

  /// Takes a turn, unless it stands still.
  void act() {
    if (!running_) running_.emplace(world_, network_, name_, ++lives_);
    if (world_.time.now() < paused_until_) return;
    if (world_.roll(world_.options.pause, fault::pause)) {
      paused_until_ = world_.time.now() + world_.options.pump.lease_ttl * 2;
      return;
    }
    const gabion::turn done = running_->engine.take_turn();
    wake_at_ = done.worked ? world_.time.now() : done.until;
    if (!running_->of.alive) running_.reset();
  }

  /// When it wants to go on.
  [[nodiscard]] gabion::instant wake_at() const {
    return running_ ? (std::max)(wake_at_, paused_until_) : world_.time.now();
  }
  [[nodiscard]] const Incarnation* running() const { return running_ ? &*running_ : nullptr; }

 private:
  world& world_;
  network& network_;
  std::string name_;
  std::uint64_t& lives_;
  std::optional<Incarnation> running_{};
  gabion::instant wake_at_{};
  gabion::instant paused_until_{};
};

/// One run of a relay process.
struct relay_incarnation {
  using relay = gabion::basic_relay<seen_store, seen_transport, gabion::testing::manual_clock,
                                    gabion::no_observer, gabion::native_env,
                                    gabion::testing::manual_wall_clock>;

  relay_incarnation(world& w, network& n, const std::string& name, std::uint64_t number)
      : of{.number = number},
        store{w, of},
        transport{w, of, n},
        engine{store, transport,     {.owner = name, .pump = w.options.pump}, w.time.clock(),
               {},    w.time.wall(), gabion::xoshiro256{w.random()}} {}

  life of;
  seen_store store;
  seen_transport transport;
  relay engine;
};

using relay_process = process<relay_incarnation>;

}  // namespace gabion_sim
