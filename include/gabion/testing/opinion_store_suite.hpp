// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/circuit_opinion_store.hpp>
#include <gabion/testing/conformance.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// A store of opinions of its own, empty at first: `opinions()` gives the store, `pass(d)` lets `d`
/// pass on the store's clock, and `slack()` says how much of real time may pass unseen besides:
/// zero on a manual clock.
template <class W>
concept opinion_world = requires(W& w, duration d) {
  w.opinions();
  requires circuit_opinion_store<std::remove_cvref_t<decltype(w.opinions())>>;
  w.pass(d);
  { w.slack() } -> std::convertible_to<duration>;
};

namespace detail {

template <class World>
struct opinion_cases {
  static constexpr duration ttl = std::chrono::minutes{1};

  static circuit_opinion open(std::string_view instance, duration remaining) {
    return {.instance = std::string{instance},
            .state = circuit_state::open,
            .remaining = remaining,
            .failed = 5,
            .calls = 10};
  }

  static std::optional<circuit_opinion> find(const circuit_opinions& in,
                                             std::string_view instance) {
    const auto found = std::find_if(in.heard.begin(), in.heard.end(),
                                    [&](const auto& o) { return o.instance == instance; });
    return found == in.heard.end() ? std::nullopt : std::optional{*found};
  }

  static bool lasts(World& w, duration have, duration want) {
    return have <= want && have >= want - w.slack();
  }

  static void kept(World& w, manual_time&, findings& f) {
    auto& store = w.opinions();
    f.expect(!store.read("stock").error && store.read("stock").heard.empty(),
             "an unknown circuit has no opinions");
    const circuit_opinion all[]{
        {.instance = "a", .failed = 1, .calls = 4'294'967'295U},
        {.instance = "b",
         .state = circuit_state::open,
         .remaining = std::chrono::seconds{30},
         .failed = 3,
         .calls = 7},
        {.instance = "c",
         .state = circuit_state::open,
         .second_hand = true,
         .remaining = (duration::max)()},
        {.instance = "d", .state = circuit_state::half_open},
        {.instance = "e", .state = circuit_state::ramping, .failed = 4'294'967'295U}};
    for (const circuit_opinion& o : all)
      f.expect(!store.publish("stock", o, ttl), "an opinion is taken");
    const circuit_opinions heard = store.read("stock");
    f.expect(!heard.error && heard.heard.size() == 5 && heard.unreadable == 0,
             "each instance's opinion is heard once");
    for (const circuit_opinion& o : all) {
      auto back = find(heard, o.instance);
      if (!f.expect(back && lasts(w, back->remaining, o.remaining),
                    "with what is left of its open time"))
        continue;
      back->remaining = o.remaining;
      f.expect(*back == o, "and every other member");
    }
  }

  static void replaced(World& w, manual_time&, findings& f) {
    auto& store = w.opinions();
    f.expect(!store.publish("stock", open("a", ttl), ttl) &&
                 !store.publish("stock", {.instance = "a"}, ttl),
             "taken twice");
    const circuit_opinions heard = store.read("stock");
    f.expect(heard.heard.size() == 1 && heard.heard[0].state == circuit_state::closed,
             "the newer one takes the former's place");
  }

  static void apart(World& w, manual_time&, findings& f) {
    auto& store = w.opinions();
    f.expect(!store.publish("stock", open("a", ttl), ttl) &&
                 !store.publish("stock2", open("b", ttl), ttl),
             "taken");
    f.expect(
        !store.publish("a:b", open("c", ttl), ttl) && !store.publish("a", open("b:c", ttl), ttl),
        "taken");
    f.expect(store.read("stock").heard.size() == 1 && find(store.read("stock"), "a"),
             "circuits do not hear of each other");
    f.expect(store.read("a").heard.size() == 1 && find(store.read("a"), "b:c"),
             "nor those whose names look alike");
    f.expect(store.read("a:b").heard.size() == 1 && find(store.read("a:b"), "c"),
             "whichever way they are put together");
  }

  static void expires(World& w, manual_time&, findings& f) {
    auto& store = w.opinions();
    f.expect(!store.publish("stock", {.instance = "a"}, ttl) &&
                 !store.publish("stock", {.instance = "b"}, 2 * ttl),
             "taken");
    w.pass(ttl - w.slack() - std::chrono::milliseconds{1});
    f.expect(store.read("stock").heard.size() == 2, "an opinion is there until its ttl is over");
    f.expect(!store.publish("stock", {.instance = "c"}, ttl), "taken");
    w.pass(w.slack() + std::chrono::milliseconds{1});
    f.expect(store.read("stock").heard.size() == 2 && !find(store.read("stock"), "a"),
             "and gone then, and no other is");
    f.expect(!store.publish("stock", {.instance = "b"}, 2 * ttl), "renewed");
    w.pass(ttl + std::chrono::milliseconds{1});
    f.expect(store.read("stock").heard.size() == 1 && find(store.read("stock"), "b"),
             "renewing begins its life anew");
    w.pass(ttl);
    f.expect(store.read("stock").heard.empty() && !store.read("stock").error,
             "in the end nothing is left");
  }

  static void grows_old(World& w, manual_time&, findings& f) {
    auto& store = w.opinions();
    (void)store.publish("stock", open("a", std::chrono::seconds{30}), ttl);
    (void)store.publish("stock", open("b", std::chrono::seconds{5}), ttl);
    (void)store.publish("stock", open("c", (duration::max)()), ttl);
    w.pass(std::chrono::seconds{10});
    const circuit_opinions heard = store.read("stock");
    const auto a = find(heard, "a");
    const auto b = find(heard, "b");
    const auto c = find(heard, "c");
    f.expect(a && lasts(w, a->remaining, std::chrono::seconds{20}),
             "what is left of an open time grows less in the store");
    f.expect(b && b->remaining == duration::zero() && b->state == circuit_state::open,
             "down to nothing");
    f.expect(c && c->remaining == (duration::max)(), "for ever stays for ever");
  }

  static void bounded(World& w, manual_time&, findings& f) {
    auto& store = w.opinions();
    for (std::size_t i = 0; i < max_circuit_opinions; ++i)
      f.expect(
          !store.publish("stock", {.instance = "i" + std::to_string(i)}, i == 0 ? ttl : 2 * ttl),
          "there is room");
    f.expect(store.publish("stock", {.instance = "one-more"}, ttl) == errc::full,
             "one instance too many is refused");
    f.expect(!store.publish("stock", open("i7", ttl), 2 * ttl),
             "one that is there may change its mind");
    f.expect(!store.publish("other", {.instance = "one-more"}, ttl),
             "another circuit has room of its own");
    f.expect(store.read("stock").heard.size() == max_circuit_opinions, "all are heard");
    w.pass(ttl + std::chrono::milliseconds{1});
    f.expect(!store.publish("stock", {.instance = "one-more"}, ttl), "what has expired makes room");
  }

  static void ranges(World& w, manual_time&, findings& f) {
    auto& store = w.opinions();
    const auto refused = [&](std::string_view circuit, std::string_view instance, duration life,
                             const char* what) {
      f.expect(store.publish(circuit, {.instance = std::string{instance}}, life) ==
                   errc::invalid_argument,
               what);
    };
    const std::string longest(max_opinion_instance, 'i');
    const std::string longest_circuit(max_opinion_circuit, ' ');
    f.expect(!store.publish(longest_circuit, {.instance = longest}, max_opinion_ttl),
             "the longest of all is taken");
    f.expect(find(store.read(longest_circuit), longest).has_value(), "and heard");
    f.expect(!store.publish("c", {.instance = "aZ09._:@/-"}, duration{1}),
             "each allowed sign and the shortest ttl are taken");
    refused("", "a", ttl, "a circuit without a name");
    refused(longest_circuit + "c", "a", ttl, "a name too long");
    refused("c", "", ttl, "an instance without an id");
    refused("c", longest + "i", ttl, "an id too long");
    refused("c", "a b", ttl, "an id with a blank");
    refused("c", "a}", ttl, "an id with a brace");
    refused("c", "a", duration::zero(), "a ttl of zero");
    refused("c", "a", max_opinion_ttl + duration{1}, "a ttl too long");
    f.expect(store.publish("c", open("a", duration{-1}), ttl) == errc::invalid_argument,
             "less than nothing left");
    f.expect(!find(store.read("c"), "a"), "nothing of what was refused is kept");
  }

  static constexpr conformance_case<World> table[] = {
      {"an opinion is heard as it was published", &kept},
      {"a newer opinion takes the place of the former one", &replaced},
      {"circuits are kept apart", &apart},
      {"an opinion is gone when its ttl is over", &expires},
      {"what is left of an open time grows less in the store", &grows_old},
      {"a store keeps so many instances of a circuit and no more", &bounded},
      {"what is out of range is refused", &ranges},
  };
};

}  // namespace detail

/// The cases that every opinion store must pass; see event_store_suite() for how to run them.
template <opinion_world World>
[[nodiscard]] auto opinion_store_suite() {
  return std::to_array(detail::opinion_cases<World>::table);
}

}  // namespace testing
}  // namespace v0
}  // namespace gabion
