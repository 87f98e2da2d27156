// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/testing/detail/schedule.hpp>
#include <gabion/testing/detail/weak_memory.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

using thread_set = std::uint32_t;
inline constexpr std::size_t no_thread = static_cast<std::size_t>(-1);
[[nodiscard]] constexpr thread_set only(std::size_t thread) noexcept {
  return thread_set{1} << thread;
}

/// What a thread will do when it goes on.
struct intent {
  location* where = nullptr;
  access what = access::load;
  bool ordered = false;  // seq_cst
  std::size_t seen = 0;  // of a sleep: the store that was read before
};
using intents = std::array<intent, max_threads>;

/// What the last step did, as far as it matters for the order of steps.
struct deed {
  intent did{};
  std::size_t thread = no_thread;
  bool outlived = false;  // a load that could read the same after one more store
};

/// How to go through the executions of a scenario.
struct search_plan {
  bool random = false;
  std::uint64_t seed = 0;
  std::size_t preemptions = 0;  // used if bounded
  bool bounded = false;
  bool reduced = false;
};

/// The choices of an execution: which thread goes on, and which value a load returns.
///
/// Depth first: the stack of choices is followed as far as it goes, then extended by first choices;
/// `backtrack` turns the last one that has another way. Sleep sets (Godefroid, "Partial-Order
/// Methods for the Verification of Concurrent Systems", 1996) leave out orders that only swap
/// independent steps. A load that is put to sleep has had every value there was: it wakes up for
/// newer ones alone. A store does not depend on a load before it, if that load could return the
/// same value after it.
class search {
 public:
  void plan(const search_plan& p) {
    plan_ = p;
    random_ = p.seed;
    stack_.clear();
  }

  void begin() noexcept {
    depth_ = 0;
    preempted_ = 0;
    spent_ = false;
    sleeping_ = {};
    last_ = {};
    floor_ = 0;
  }

  /// The thread that makes the next step: one of `able`, which is not empty.
  [[nodiscard]] std::size_t thread(thread_set able, std::size_t active, const intents& next) {
    if (plan_.bounded && preempted_ >= plan_.preemptions && active != no_thread &&
        (able & only(active)) != 0)
      able = only(active);
    const std::size_t taken = choose(able, active, next);
    if (active != no_thread && taken != active && (able & only(active)) != 0) ++preempted_;
    return taken;
  }

  /// The oldest store that the load of this step has still to look at.
  [[nodiscard]] std::size_t floor() const noexcept { return floor_; }

  /// One of `options` values; 0 first.
  [[nodiscard]] std::size_t value(std::size_t options) {
    if (options < 2 || spent_) return 0;
    if (plan_.random) return drawn(options);
    if (depth_ == stack_.size()) stack_.push_back({.options = static_cast<std::uint16_t>(options)});
    return stack_[depth_++].taken;
  }

  void did(const deed& d) noexcept { last_ = d; }

  /// This execution is one that has been seen in another order.
  [[nodiscard]] bool redundant() const noexcept { return spent_; }

  /// Turns to the next execution; false if there is none.
  [[nodiscard]] bool backtrack() {
    if (plan_.random) return true;
    while (!stack_.empty()) {
      choice& c = stack_.back();
      if (c.options != 0) {
        if (++c.taken < c.options) return true;
      } else {
        c.tried |= only(c.taken);
        if (const thread_set left = c.awake & ~c.tried; left != 0) {
          c.taken = static_cast<std::uint16_t>(std::countr_zero(left));
          return true;
        }
      }
      stack_.pop_back();
    }
    return false;
  }

 private:
  // Who need not go on here, and from which store on a sleeping load would see something new.
  struct sleepers {
    thread_set all = 0;
    std::array<std::uint16_t, max_threads> floor{};
  };

  struct choice {
    std::uint16_t options = 0;  // of values; 0: a choice of threads
    std::uint16_t taken = 0;
    thread_set awake = 0;
    thread_set tried = 0;
    sleepers asleep{};
  };

  [[nodiscard]] std::size_t choose(thread_set able, std::size_t active, const intents& next) {
    if (plan_.random) return nth(able, drawn(static_cast<std::size_t>(std::popcount(able))));
    if (spent_) return preferred(able, active);
    if (depth_ == stack_.size()) {
      const sleepers asleep = plan_.reduced ? still_asleep(next) : sleepers{};
      const thread_set awake = able & ~sound_asleep(asleep, next);
      if (awake == 0) {
        spent_ = true;
        return preferred(able, active);
      }
      stack_.push_back({.taken = static_cast<std::uint16_t>(preferred(awake, active)),
                        .awake = awake,
                        .asleep = asleep});
    }
    const choice& c = stack_[depth_++];
    floor_ = (c.asleep.all & only(c.taken)) != 0 ? c.asleep.floor[c.taken] : 0;
    // What follows an earlier choice is on the stack already.
    const bool newest =
        depth_ == stack_.size() || (depth_ + 1 == stack_.size() && stack_[depth_].options != 0);
    if (newest && plan_.reduced) fall_asleep(c, next);
    return c.taken;
  }

  void fall_asleep(const choice& c, const intents& next) noexcept {
    sleeping_ = c.asleep;
    sleeping_.all = (c.asleep.all | c.tried) & ~only(c.taken);
    for (thread_set left = c.tried & ~only(c.taken); left != 0; left &= left - 1) {
      const auto t = static_cast<std::size_t>(std::countr_zero(left));
      sleeping_.floor[t] = static_cast<std::uint16_t>(next[t].where->newest() + 1);
    }
  }

  [[nodiscard]] sleepers still_asleep(const intents& next) const noexcept {
    sleepers s = sleeping_;
    for (thread_set left = s.all; left != 0; left &= left - 1) {
      const auto t = static_cast<std::size_t>(std::countr_zero(left));
      if (!independent(next[t])) s.all &= ~only(t);
    }
    return s;
  }

  /// If `sleeper` would have done the same before the last step.
  [[nodiscard]] bool independent(const intent& sleeper) const noexcept {
    if (last_.did.where != sleeper.where || sleeper.what == access::load) return true;
    return last_.did.what == access::load && last_.outlived &&
           !(last_.did.ordered && sleeper.ordered);
  }

  [[nodiscard]] static thread_set sound_asleep(const sleepers& s, const intents& next) noexcept {
    thread_set sound = s.all;
    for (thread_set left = s.all; left != 0; left &= left - 1) {
      const auto t = static_cast<std::size_t>(std::countr_zero(left));
      if (next[t].what == access::load && next[t].where->newest() >= s.floor[t]) sound &= ~only(t);
    }
    return sound;
  }

  [[nodiscard]] static std::size_t preferred(thread_set of, std::size_t active) noexcept {
    if (active != no_thread && (of & only(active)) != 0) return active;
    return static_cast<std::size_t>(std::countr_zero(of));
  }

  [[nodiscard]] std::size_t drawn(std::size_t below) noexcept {
    return static_cast<std::size_t>(gabion::detail::splitmix(random_) % below);
  }
  [[nodiscard]] static std::size_t nth(thread_set of, std::size_t n) noexcept {
    for (; n != 0; --n) of &= of - 1;
    return static_cast<std::size_t>(std::countr_zero(of));
  }

  search_plan plan_{};
  std::uint64_t random_ = 0;
  std::vector<choice> stack_{};
  std::size_t depth_ = 0;
  std::size_t preempted_ = 0;
  std::size_t floor_ = 0;
  bool spent_ = false;
  sleepers sleeping_{};
  deed last_{};
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
