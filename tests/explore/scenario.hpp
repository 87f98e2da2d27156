// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/testing/explorer_env.hpp>

// Small races on the policies of the resilience floor: each scenario is the real code on
// explorer_env.
namespace explored {

using gabion::duration;
using gabion::instant;
using gabion::testing::explorer;
using gabion::testing::explorer_env;
using namespace std::chrono_literals;

/// A race: who, what happens, and how far it can be gone through.
struct scenario {
  std::string_view name;
  void (*run)(explorer&);
  bool exhaustible = true;  // else: every schedule with up to three preemptions
};

/// A moment of the scenario's time.
[[nodiscard]] inline instant at(duration since) noexcept { return instant{1h} + since; }
/// The same as a policy asks for it.
[[nodiscard]] inline auto clock_at(duration since) noexcept {
  return [since]() noexcept { return at(since); };
}

/// How many are in a place at the same time; says so if they are too many.
class crowd {
 public:
  crowd(explorer& e, std::uint32_t most) noexcept : e_{&e}, most_{most} {}
  void enter() { e_->expect(inside_.fetch_add(1) < most_, "more are inside than may be"); }
  void leave() { inside_.fetch_sub(1); }
  void pass_through() {
    enter();
    leave();
  }

 private:
  explorer* e_;
  std::uint32_t most_;
  explorer_env::atomic<std::uint32_t> inside_{0};
};

}  // namespace explored
