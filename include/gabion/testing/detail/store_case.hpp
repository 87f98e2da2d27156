// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gabion/core/error.hpp>
#include <gabion/core/message.hpp>
#include <gabion/testing/conformance.hpp>
#include <gabion/testing/manual_clock.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

/// A message with what most cases need.
[[nodiscard]] inline message letter_of(std::string id, std::string key = "k",
                                       std::string text = "payload") {
  return message{.id = std::move(id),
                 .source = "/conformance",
                 .type = "thing.happened",
                 .subject = std::move(key),
                 .data = std::move(text)};
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
  store_case(World& world, manual_time& time, findings& found)
      : world_{world}, time_{time}, found_{found} {}

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
  /// Runs `body(tx)` in a transaction of `world.other_database()`; not at all if there is none.
  template <class Body>
  void transact_elsewhere(Body&& body) {
    if constexpr (requires(World& w) { w.other_database(); }) {
      world_.other_database().transact([&](auto& tx) {
        body(tx);
        return 0;
      });
    }
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

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
