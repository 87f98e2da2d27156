// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gabion/outbox/store.hpp>
#include <gabion/testing/conformance.hpp>
#include <gabion/testing/manual_clock.hpp>

namespace gabion::inline v0::testing::detail {

/// A message with what most cases need.
[[nodiscard]] inline message letter_of(std::string id, std::string key = "k", std::string text = "payload") {
  return message{.id = std::move(id), .source = "/conformance", .type = "thing.happened", .subject = std::move(key), .data = std::move(text)};
}

/// The code of the gabion error that comes out of `f()`, or none. Another exception goes on.
template <class Function>
[[nodiscard]] std::error_code code_of(Function&& f) {
  try {
    std::forward<Function>(f)();
  } catch (const std::system_error& e) {
    return e.code();
  }
  return {};
}

/// What a body throws to make its transaction roll back.
struct rolled_back : std::runtime_error {
  rolled_back() : std::runtime_error{"roll back"} {}
};

/// What ends a case early: a requirement that is not met, in words.
struct unmet : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A world under test, with the words in which the cases speak.
template <class World>
class store_case {
 public:
  store_case(World& world, manual_time& time, findings& found) : world_{world}, time_{time}, found_{found} {}

  [[nodiscard]] auto& store() { return world_.store(); }
  [[nodiscard]] manual_time& time() noexcept { return time_; }
  void expect(bool good, std::string_view what) { found_.expect(good, what); }
  /// Ends the case if not `good`: what follows would make no sense.
  void require(bool good, std::string_view what) {
    if (!good) throw unmet{std::string{what}};
    found_.expect(true, what);
  }

  template <class Body>
  auto transact(Body&& body) {
    return world_.database().transact(std::forward<Body>(body));
  }
  /// Runs `body(tx)` in a transaction that rolls back.
  template <class Body>
  void roll_back(Body&& body) {
    try {
      world_.database().transact([&](auto& tx) -> int {
        body(tx);
        throw rolled_back{};
      });
    } catch (const rolled_back&) {  // as asked
    }
  }

 private:
  World& world_;
  manual_time& time_;
  findings& found_;
};

/// The same for an outbox.
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

  [[nodiscard]] std::vector<outbox_record> pending(position after = beginning, std::size_t limit = 10'000) {
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
    for (const dead_letter& d : this->store().dead_letters(beginning, 10'000)) all += (all.empty() ? "" : " ") + d.what.id;
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
    this->require(settle(held, done) == settle_status::applied, "a settlement under the current lease is applied");
  }
};

[[nodiscard]] inline settlement delivered(position at) { return {.at = at}; }
[[nodiscard]] inline settlement deferred(position at, std::uint32_t attempts) {
  return {.at = at, .as = disposition::deferred, .attempts = attempts, .reason = "not yet"};
}
[[nodiscard]] inline settlement dead(position at, std::uint32_t attempts = 3) {
  return {.at = at, .as = disposition::dead, .attempts = attempts, .reason = "refused for good"};
}
[[nodiscard]] inline settlement parked(position at) { return {.at = at, .as = disposition::parked}; }

}  // namespace gabion::inline v0::testing::detail
