// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/outbox/store.hpp>
#include <gabion/testing/detail/store_case.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

/// An outbox under test, with the words in which the cases speak.
template <class World>
class outbox_case : public store_case<World> {
 public:
  using store_case<World>::store_case;

  std::vector<enqueued> put(const std::vector<message>& batch) {
    return this->transact([&](auto& tx) { return this->store().enqueue(tx, batch); });
  }
  position put_one(message m) {
    const std::vector<enqueued> got = put({std::move(m)});
    this->require(got.size() == 1, "enqueue answers once for each message");
    return got.front().at;
  }

  [[nodiscard]] std::vector<outbox_record> pending(position after = beginning,
                                                   std::size_t limit = 10'000) {
    return this->store().fetch(0, after, limit);
  }
  /// The ids of what is pending, in order, joined by spaces.
  [[nodiscard]] std::string ids() {
    std::string all;
    for (const outbox_record& r : pending()) all += (all.empty() ? "" : " ") + r.what.id;
    return all;
  }
  [[nodiscard]] std::optional<outbox_record> find(position at) {
    for (outbox_record& r : pending())
      if (r.at == at) return std::move(r);
    return std::nullopt;
  }
  /// The ids of the dead letters, in order, joined by spaces.
  [[nodiscard]] std::string dead_ids() {
    std::string all;
    for (const dead_letter& d : this->store().dead_letters(beginning, 10'000))
      all += (all.empty() ? "" : " ") + d.what.id;
    return all;
  }

  [[nodiscard]] lease own(std::string_view owner = "one", duration ttl = std::chrono::minutes{1}) {
    const std::optional<lease> got = this->store().acquire_lease("relay", owner, ttl);
    this->require(got.has_value(), "a lease that is free is given");
    return *got;
  }
  settle_status settle(const lease& held, std::initializer_list<settlement> done) {
    const std::vector<settlement> all{done};
    return this->store().settle(held, all, beginning);
  }
  /// Settles and insists that it took effect.
  void settled(const lease& held, std::initializer_list<settlement> done) {
    this->require(settle(held, done) == settle_status::applied,
                  "a settlement under the current lease is applied");
  }
};

[[nodiscard]] inline settlement delivered(position at) { return {.at = at}; }
[[nodiscard]] inline settlement deferred(position at, std::uint32_t attempts) {
  return {.at = at, .as = disposition::deferred, .attempts = attempts, .reason = "not yet"};
}
[[nodiscard]] inline settlement dead(position at, std::uint32_t attempts = 3) {
  return {.at = at, .as = disposition::dead, .attempts = attempts, .reason = "refused for good"};
}
[[nodiscard]] inline settlement parked(position at) {
  return {.at = at, .as = disposition::parked};
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
