// SPDX-License-Identifier: MIT
#include <gabion/testing/given_when_then.hpp>

struct placed {
  static constexpr std::string_view wire_name = "order.placed";
  friend constexpr bool operator==(const placed&, const placed&) = default;
};
struct place {};

struct order {
  static constexpr std::string_view category = "order";
  struct state_type {};
  using event_list = gabion::events<placed>;
  static constexpr state_type evolve(state_type s, const placed&) { return s; }
#ifdef GABION_MUST_FAIL
  static constexpr bool decide(const state_type&, const place&) { return true; }
#else
  static constexpr placed decide(const state_type&, const place&) { return {}; }
#endif
};

constexpr bool emitted = gabion::testing::emits<order>({}, place{}, placed{});

int main() {}
