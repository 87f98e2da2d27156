// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <iterator>

#include <gabion/log/transactor.hpp>
#include <gabion/testing/detail/append_cases.hpp>
#include <gabion/testing/detail/event_read_cases.hpp>
#include <gabion/testing/detail/repeat_cases.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// What the suite runs in: an empty store and the database that it stores in. `reopen` forgets
/// everything that is not durable, such as caches; a store that keeps nothing durable leaves it
/// empty.
template <class World>
concept event_store_world = requires(World& w) {
  requires transactor<std::remove_reference_t<decltype(w.database())>>;
  requires(event_store<std::remove_reference_t<decltype(w.store())>,
                       typename std::remove_reference_t<decltype(w.database())>::transaction>);
  w.reopen();
};

/// The cases that every event store must pass. Run each in a world of its own, by run_suite() or
/// one by one:
///
///   testing::run_suite(testing::event_store_suite<my_world>(), [](testing::manual_time& t) {
///   return my_world{t}; }, report);
///
/// The store's wall clock must be the manual time's.
template <event_store_world World>
[[nodiscard]] auto event_store_suite() {
  using appends = detail::append_cases<World>;
  using repeats = detail::repeat_cases<World>;
  using reads = detail::event_read_cases<World>;
  std::array<conformance_case<World>,
             std::size(appends::table) + std::size(repeats::table) + std::size(reads::table)>
      cases;
  auto end = std::copy(std::begin(appends::table), std::end(appends::table), cases.begin());
  end = std::copy(std::begin(repeats::table), std::end(repeats::table), end);
  std::copy(std::begin(reads::table), std::end(reads::table), end);
  return cases;
}

}  // namespace testing
}  // namespace v0
}  // namespace gabion
