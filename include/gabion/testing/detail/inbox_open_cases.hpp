// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <gabion/testing/conformance.hpp>
#include <gabion/testing/detail/inbox_case.hpp>

/// Cases of known faults, which no store of this library passes yet. Each moves to the suite when
/// its fault is fixed.
namespace gabion {
inline namespace v0 {
namespace testing::detail {

namespace inbox_cases {

template <class Case>
void letter_blocks_its_source_only(Case& c) {
  message other = letter_of("b");
  other.source = "/another";
  c.keep_dead(letter_of("a"));
  c.expect(!c.keep_parked(other), "a letter parks no message of another source");
  c.expect(c.letters().size() == 1, "the message of the other source is not kept");
}

template <class Case>
void letter_blocks_its_topic_only(Case& c) {
  message audit = letter_of("a");
  message orders = letter_of("b");
  audit.topic = "audit";
  orders.topic = "orders";
  c.keep_dead(audit);
  c.expect(!c.keep_parked(orders), "a letter parks no message of another topic");
  c.expect(c.letters().size() == 1, "the message of the other topic is not kept");
}

}  // namespace inbox_cases

template <class World, void (*Body)(inbox_case<World>&)>
[[nodiscard]] constexpr conformance_case<World> open_inbox_entry(std::string_view name) noexcept {
  return {name, [](World& world, manual_time& time, findings& found) {
            inbox_case<World> c{world, time, found};
            Body(c);
          }};
}

template <class World>
inline constexpr conformance_case<World> open_inbox_cases[] = {
    open_inbox_entry<World, inbox_cases::letter_blocks_its_source_only<inbox_case<World>>>(
        "a letter blocks its key of its own source only"),
    open_inbox_entry<World, inbox_cases::letter_blocks_its_topic_only<inbox_case<World>>>(
        "a letter blocks its key on its own topic only"),
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
