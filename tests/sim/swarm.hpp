// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <gabion/core/random.hpp>
#include <gabion/log/pump_options.hpp>

namespace gabion_sim {

using gabion::duration;

/// True with a chance of `per_mille` in 1000.
inline bool chance(gabion::xoshiro256& random, std::uint32_t per_mille) {
  return gabion::uniform(random, 1000) < per_mille;
}

/// What one run is made of, drawn from its seed: sizes, rates of faults (per mille of the calls)
/// and knobs. Many rates are zero in many runs, because a fault that is always there hides the bugs
/// that need its absence.
struct swarm {
  std::uint32_t messages = 0;
  std::uint32_t keys = 0;
  std::uint32_t relays = 0;
  std::uint32_t partitions = 0;
  std::uint32_t members = 0;  ///< of the first consumer group; the other has one
  std::size_t consumer_batch = 1;
  std::uint32_t rollback = 0;
  std::uint32_t store_fails = 0;     ///< nothing done, error
  std::uint32_t store_in_doubt = 0;  ///< done, error
  std::uint32_t crash = 0;           ///< before or after a call of a process
  std::uint32_t pause = 0;           ///< a process stands still for longer than a lease
  std::uint32_t unavailable = 0;
  std::uint32_t refuses_some = 0;  ///< takes only a part of a submission
  std::uint32_t retry = 0;
  std::uint32_t ack_lost = 0;   ///< appended, reported in doubt
  std::uint32_t send_lost = 0;  ///< not appended, reported in doubt
  std::uint32_t duplicate = 0;
  std::uint32_t poison = 0;  ///< per mille of the messages
  std::uint32_t handler_fails = 0;
  std::uint32_t handler_poison = 0;  ///< per mille of the messages, for a consumer
  std::uint32_t wall_jump = 0;
  duration latency{};  ///< the longest time a message is under way
  gabion::pump_options pump{};

  explicit swarm(gabion::xoshiro256& random) {
    using std::chrono::milliseconds;
    const auto upto = [&](std::uint64_t low, std::uint64_t high) {
      return static_cast<std::uint32_t>(gabion::uniform(random, low, high));
    };
    const auto rate = [&](std::uint32_t high) { return chance(random, 500) ? 0U : upto(1, high); };
    messages = upto(5, 60);
    keys = upto(1, 6);
    relays = upto(1, 3);
    partitions = upto(1, 3);
    members = upto(1, 2);
    consumer_batch = upto(1, 5);
    rollback = rate(300);
    store_fails = rate(100);
    store_in_doubt = rate(100);
    crash = rate(40);
    pause = rate(60);
    unavailable = rate(150);
    refuses_some = rate(300);
    retry = rate(200);
    ack_lost = rate(200);
    send_lost = rate(200);
    duplicate = rate(100);
    poison = rate(100);
    handler_fails = rate(150);
    handler_poison = rate(60);
    wall_jump = rate(10);
    latency = milliseconds{upto(0, 1) == 0 ? 0 : upto(1, 120)};
    pump.window = upto(1, 24);
    pump.batch = upto(1, 12);
    pump.settle_batch = upto(1, 16);
    pump.poll_every = milliseconds{upto(1, 20)};
    pump.rescan_every = pump.poll_every * upto(1, 10);
    pump.max_attempts = upto(1, 6);
    pump.retry = {.initial = milliseconds{upto(1, 10)}, .cap = milliseconds{100}};
    pump.outage = {.initial = milliseconds{upto(1, 10)}, .cap = milliseconds{100}};
    pump.store = {.initial = milliseconds{upto(1, 10)}, .cap = milliseconds{100}};
    pump.lease_ttl = milliseconds{upto(60, 400)};
    pump.lease_margin = pump.lease_ttl / upto(3, 20);
    pump.acquire_every = milliseconds{upto(5, 60)};
  }
};

}  // namespace gabion_sim
