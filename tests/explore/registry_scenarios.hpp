// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <gabion/core/error.hpp>
#include <gabion/core/subscriptions.hpp>
#include <gabion/resilience/keyed_registry.hpp>

#include "explore/scenario.hpp"

// What comes and goes while others use it: policies by key, and listeners.
namespace explored::registries {

/// A policy that can tell if it is used after its end. Its memory is plain: only the registry keeps
/// threads apart.
struct watched_policy {
  explicit watched_policy(int /*parts*/) {}
  watched_policy(const watched_policy&) = delete;
  watched_policy& operator=(const watched_policy&) = delete;
  ~watched_policy() { alive = 0; }

  explorer_env::plain<int> alive{1};
};
struct count_farewells {
  explorer_env::atomic<int>* told;
  void operator()(std::uint64_t /*key*/) const { told->fetch_add(1); }
};
struct same_hash {
  [[nodiscard]] std::uint64_t operator()(std::uint64_t key) const noexcept { return key; }
};
using recipe = gabion::same_for_all<int>;
using registry = gabion::basic_keyed_registry<std::uint64_t, watched_policy, recipe,
                                              count_farewells, same_hash, explorer_env>;

constexpr gabion::keyed_registry_options room_for_one{.capacity = 1, .shards = 1, .idle_for = 10s};

/// Two ask for a key that is not there: one policy is made.
inline void two_ask_for_a_new_key(explorer& e) {
  explorer_env::atomic<int> told{0};
  registry r{room_for_one, recipe{1}, count_farewells{&told}};
  std::array<const watched_policy*, 2> got{};
  const auto ask = [&](std::size_t i) {
    return [&, i] {
      const auto held = r.get(std::uint64_t{7}, at(0s));
      e.expect(held && held->alive == 1, "no policy though there was room");
      if (held) got[i] = &*held;
    };
  };
  if (!e.threads({ask(0), ask(1)})) return;
  e.expect(got[0] == got[1] && r.size() == 1, "two policies for one key");
  e.expect(told.load() == 0, "a farewell though nobody went");
}

/// Somebody uses a policy while another key wants its place: it stays until it is let go.
inline void a_new_key_meets_a_holder(explorer& e) {
  explorer_env::atomic<int> told{0};
  registry r{room_for_one, recipe{1}, count_farewells{&told}};
  auto held = r.get(std::uint64_t{1}, at(0s));
  bool made = false;
  const auto use = [&] {
    e.expect(held->alive == 1, "used after its end");
    held = {};
  };
  if (!e.threads({use, [&] { made = static_cast<bool>(r.get(std::uint64_t{2}, at(0s))); }})) return;
  e.expect(told.load() == (made ? 1 : 0) && r.evicted() == (made ? 1U : 0U),
           "not exactly one farewell for one who went");
  e.expect(r.size() == 1, "more than there is room for");
}

/// What is idle is let go while somebody asks for it: he gets the old one or a new one, and never
/// one that is gone.
inline void the_end_of_idleness_meets_a_caller(explorer& e) {
  explorer_env::atomic<int> told{0};
  registry r{room_for_one, recipe{1}, count_farewells{&told}};
  static_cast<void>(r.get(std::uint64_t{1}, at(0s)));
  const auto ask = [&] {
    const auto held = r.get(std::uint64_t{1}, at(0s));
    e.expect(held && held->alive == 1, "no policy, or one that is gone");
  };
  std::uint32_t gone = 0;
  if (!e.threads({ask, [&] { gone = r.expire(at(10s)); },
                  [&] { static_cast<void>(r.erase(std::uint64_t{1})); }}))
    return;
  e.expect(told.load() == static_cast<int>(gone), "not exactly one farewell for one who went");
}

using hub = gabion::basic_subscriptions<explorer_env, int>;

/// What a listener needs. It goes when the subscription has ended.
struct listening {
  explorer_env::plain<int> alive{1};
  explorer_env::plain<int> heard{0};
};

[[nodiscard]] inline bool has_room(hub& h) {
  try {
    return static_cast<bool>(h.subscribe([](const int&) {}));
  } catch (const gabion::error&) {
    return false;
  }
}

/// A subscription ends while an event is told: the listener is not running any more when `reset`
/// returns.
inline void an_ended_subscription_is_silent(explorer& e) {
  hub h{{.capacity = 1}};
  listening mine;
  auto heard = h.subscribe([&](const int& n) {
    e.expect(mine.alive == 1, "called after the end");
    mine.heard = mine.heard + n;
  });
  const auto end = [&] {
    heard.reset();
    mine.alive = 0;
  };
  if (!e.threads({[&] { h(1); }, end})) return;
  e.expect(mine.heard == 0 || mine.heard == 1, "told more than once");
  e.expect(h.size() == 0 && has_room(h), "the place is not free again");
}

/// Two publishers and a listener that leaves from inside its own call.
inline void a_listener_leaves_by_itself(explorer& e) {
  hub h{{.capacity = 1}};
  explorer_env::atomic<int> heard{0};
  hub::subscription mine;
  explorer_env::atomic<bool> left{false};
  mine = h.subscribe([&](const int&) {
    heard.fetch_add(1);
    if (!left.exchange(true)) mine.reset();
  });
  if (!e.threads({[&] { h(1); }, [&] { h(1); }})) return;
  e.expect(heard.load() == 1 || heard.load() == 2, "not told, or told too often");
  e.expect(h.size() == 0, "still subscribed");
  h(1);
  e.expect(heard.load() <= 2, "told after it had left");
}

/// Somebody subscribes while an event is told: he is told with all he brought, or not at all.
inline void a_new_listener_meets_an_event(explorer& e) {
  hub h{{.capacity = 2}};
  listening mine;
  explorer_env::atomic<int> others{0};
  const auto first = h.subscribe([&](const int&) { others.fetch_add(1); });
  hub::subscription second;
  const auto join = [&] {
    mine.alive = 2;
    second = h.subscribe([&](const int& n) {
      e.expect(mine.alive == 2, "called before it was ready");
      mine.heard = n;
    });
  };
  if (!e.threads({join, [&] { h(5); }})) return;
  e.expect(others.load() == 1, "an old listener was left out");
  e.expect(mine.heard == 0 || mine.heard == 5, "heard something else");
}

inline constexpr std::array all{
    scenario{"registry: two ask for a new key", two_ask_for_a_new_key},
    scenario{"registry: a new key meets a holder", a_new_key_meets_a_holder},
    scenario{"registry: the end of idleness meets a caller", the_end_of_idleness_meets_a_caller},
    scenario{"subscriptions: an ended one is silent", an_ended_subscription_is_silent},
    scenario{"subscriptions: a listener leaves by itself", a_listener_leaves_by_itself},
    scenario{"subscriptions: a new listener meets an event", a_new_listener_meets_an_event},
};

}  // namespace explored::registries
