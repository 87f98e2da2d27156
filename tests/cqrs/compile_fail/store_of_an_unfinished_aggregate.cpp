// SPDX-License-Identifier: MIT
#include <gabion/cqrs/aggregate_store.hpp>

#include <gabion/adapters/memory/event_store.hpp>

struct placed {
  static constexpr std::string_view wire_name = "order.placed";
};

struct order {
  static constexpr std::string_view category = "order";
  struct state_type {};
  using event_list = gabion::events<placed>;
#ifndef GABION_MUST_FAIL
  static constexpr state_type evolve(state_type s, const placed&) { return s; }
#endif
};

struct empty_codec {
  static std::string encode(const placed&) { return {}; }
  template <class Event>
  Event decode(std::string_view) const {
    return {};
  }
};

int main() {
  gabion::memory::database database;
  gabion::memory::event_store events{database};
  gabion::aggregate_store<order, gabion::memory::event_store, empty_codec> orders{events};
}
