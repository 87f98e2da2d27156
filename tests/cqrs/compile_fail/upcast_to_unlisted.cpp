// SPDX-License-Identifier: MIT
#include <gabion/cqrs/aggregate.hpp>

struct placed_v3 {
  static constexpr std::string_view wire_name = "order.placed.v3";
};
struct placed_v2 {
  static constexpr std::string_view wire_name = "order.placed.v2";
  [[nodiscard]] constexpr placed_v3 upcast() const { return {}; }
};
struct placed_v1 {
  static constexpr std::string_view wire_name = "order.placed";
  [[nodiscard]] constexpr placed_v2 upcast() const { return {}; }
};

struct order {
  static constexpr std::string_view category = "order";
  struct state_type {};
#ifdef GABION_MUST_FAIL
  using event_list = gabion::events<placed_v1, placed_v3>;  // a hole in the chain
#else
  using event_list = gabion::events<placed_v1, placed_v2, placed_v3>;
#endif
  static constexpr state_type evolve(state_type s, const placed_v3&) { return s; }
};

constexpr auto state = gabion::fold<order>(placed_v1{});

int main() {}
