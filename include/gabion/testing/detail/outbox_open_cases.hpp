// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gabion/testing/conformance.hpp>
#include <gabion/testing/detail/outbox_case.hpp>

/// Cases of known faults, which no store of this library passes yet. Each moves to the suite when
/// its fault is fixed.
namespace gabion {
inline namespace v0 {
namespace testing::detail {

namespace outbox_cases {

template <class Case>
void same_id_from_another_source(Case& c) {
  message other = letter_of("42");
  other.source = "/another";
  const std::vector<enqueued> got = c.put({letter_of("42"), other});
  c.require(got.size() == 2, "enqueue answers once for each message");
  c.expect(!got[1].deduplicated, "the same id of another source is another message");
  c.expect(c.pending().size() == 2, "both are pending");
}

template <class Case>
void same_id_for_another_topic(Case& c) {
  message orders = letter_of("42");
  message audit = letter_of("42");
  orders.topic = "orders";
  audit.topic = "audit";
  const std::vector<enqueued> got = c.put({orders, audit});
  c.require(got.size() == 2, "enqueue answers once for each message");
  c.expect(!got[1].deduplicated, "the same event for another topic is another message");
  c.expect(c.pending().size() == 2, "both are pending");
}

template <class Case>
void dead_blocks_its_topic_only(Case& c) {
  message audit = letter_of("a");
  message orders = letter_of("b");
  audit.topic = "audit";
  orders.topic = "orders";
  const position first = c.put_one(audit);
  const position second = c.put_one(orders);
  const lease held = c.own();
  c.settled(held, {dead(first)});
  const std::optional<outbox_record> behind = c.find(second);
  c.require(behind.has_value(), "the message of the other topic is pending");
  c.expect(!behind->blocked, "a dead message does not block its key on another topic");
  c.settled(held, {parked(second)});
  c.expect(c.store().stats().parked == 0, "nothing of another topic is parked behind it");
}

template <class Case>
void lease_ends_by_now_and_ttl(Case& c) {
  (void)c.own("one", std::chrono::seconds{30});
  c.time().step_wall(-std::chrono::hours{1});
  c.time().advance(std::chrono::seconds{30});
  c.expect(c.store().acquire_lease("relay", "two", std::chrono::seconds{30}).has_value(),
           "after its ttl a lease is free, although the clock was set back");
}

}  // namespace outbox_cases

template <class World, void (*Body)(outbox_case<World>&)>
[[nodiscard]] constexpr conformance_case<World> open_outbox_entry(std::string_view name) noexcept {
  return {name, [](World& world, manual_time& time, findings& found) {
            outbox_case<World> c{world, time, found};
            Body(c);
          }};
}

template <class World>
inline constexpr conformance_case<World> open_outbox_cases[] = {
    open_outbox_entry<World, outbox_cases::same_id_from_another_source<outbox_case<World>>>(
        "the same id from another source is another message"),
    open_outbox_entry<World, outbox_cases::same_id_for_another_topic<outbox_case<World>>>(
        "the same id for another topic is another message"),
    open_outbox_entry<World, outbox_cases::dead_blocks_its_topic_only<outbox_case<World>>>(
        "a dead message blocks its key on its own topic only"),
    open_outbox_entry<World, outbox_cases::lease_ends_by_now_and_ttl<outbox_case<World>>>(
        "a lease ends by now and its ttl"),
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
