// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <gabion/cqrs/checkpoint_store.hpp>
#include <gabion/log/transactor.hpp>
#include <gabion/testing/conformance.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// What the suite runs in: an empty checkpoint store and the database that it stores in. `reopen`
/// forgets everything that is not durable; a store that keeps nothing durable leaves it empty. The
/// store's wall clock must be the manual time's.
template <class World>
concept checkpoint_world = requires(World& w) {
  requires transactor<std::remove_reference_t<decltype(w.database())>>;
  requires(checkpoint_store<std::remove_reference_t<decltype(w.checkpoints())>,
                            typename std::remove_reference_t<decltype(w.database())>::transaction>);
  w.reopen();
};

namespace detail {

template <class World>
struct checkpoint_cases {
  static constexpr duration ttl = std::chrono::seconds{10};

  static settle_status move(World& w, const lease& held, position from, const checkpoint& to) {
    return w.database().transact(
        [&](auto& tx) { return w.checkpoints().move_checkpoint(tx, held, from, to); });
  }
  static checkpoint at(std::uint64_t p) { return {.at = position{p}}; }

  static void moves(World& w, manual_time&, findings& f) {
    auto& store = w.checkpoints();
    const auto held = store.acquire_lease("p@1", "me", ttl);
    if (!f.expect(held.has_value(), "a free lease is given")) return;
    f.expect(!store.read_checkpoint("p@1"), "a checkpoint that was never moved is not there");
    f.expect(move(w, *held, position{3}, at(5)) == settle_status::fenced,
             "it cannot be moved from elsewhere");
    f.expect(move(w, *held, beginning, at(5)) == settle_status::applied,
             "it is moved from the beginning");
    f.expect(move(w, *held, beginning, at(6)) == settle_status::fenced, "but only once");
    f.expect(move(w, *held, position{4}, at(6)) == settle_status::fenced,
             "and only from where it stands");
    f.expect(store.read_checkpoint("p@1") == at(5), "a refused move changes nothing");
    const checkpoint full{.at = position{9},
                          .status = projection_status::faulted,
                          .replay_until = position{12},
                          .attempts = 3,
                          .reason = "why \"'; \xC3\xA4"};
    f.expect(move(w, *held, position{5}, full) == settle_status::applied &&
                 store.read_checkpoint("p@1") == full,
             "every member is kept");
    f.expect(move(w, *held, position{9}, at(9)) == settle_status::applied &&
                 store.read_checkpoint("p@1") == at(9),
             "it may stay where it is");
    f.expect(move(w, *held, position{9}, checkpoint{}) == settle_status::applied &&
                 store.read_checkpoint("p@1") == checkpoint{},
             "or go back");
    f.expect(move(w, *held, beginning, at(1)) == settle_status::applied, "and start again");
    f.expect(!store.read_checkpoint("p@2") && !store.read_checkpoint("p"),
             "other keys are not touched");
  }

  static void fences(World& w, manual_time& time, findings& f) {
    auto& store = w.checkpoints();
    const auto first = store.acquire_lease("p@1", "me", ttl);
    if (!f.expect(first.has_value(), "a free lease is given")) return;
    (void)move(w, *first, beginning, at(1));
    time.advance(ttl + std::chrono::seconds{1});
    f.expect(move(w, *first, position{1}, at(2)) == settle_status::applied,
             "an expired lease that nobody took still counts");
    const auto second = store.acquire_lease("p@1", "other", ttl);
    if (!f.expect(second.has_value() && second->epoch > first->epoch,
                  "an expired lease goes to somebody else with a new epoch"))
      return;
    f.expect(move(w, *first, position{2}, at(3)) == settle_status::fenced,
             "the former owner is fenced");
    f.expect(store.read_checkpoint("p@1") == at(2), "and changes nothing");
    f.expect(move(w, *second, position{2}, at(3)) == settle_status::applied, "the new one is not");
    f.expect(!store.acquire_lease("p@1", "me", ttl), "a lease that is held is not given");
    f.expect(!store.renew_lease(*first, ttl) && store.renew_lease(*second, ttl),
             "only the current one is renewed");
    f.expect(!store.release_lease(*first) && store.release_lease(*second), "and released");
    f.expect(move(w, *second, position{3}, at(4)) == settle_status::fenced,
             "a lease that was released fences too");
  }

  static void transactional(World& w, manual_time&, findings& f) {
    struct away {};
    auto& store = w.checkpoints();
    const auto held = store.acquire_lease("p@1", "me", ttl);
    if (!f.expect(held.has_value(), "a free lease is given")) return;
    try {
      w.database().transact([&](auto& tx) {
        f.expect(store.move_checkpoint(tx, *held, beginning, at(5)) == settle_status::applied,
                 "moved");
        store.keep_letter(tx, "p@1", {.at = position{3}});
        store.serve(tx, "p", 2);
        f.expect(store.read_checkpoint(tx, "p@1") == at(5) && store.serving(tx, "p") == 2U,
                 "a transaction sees its own changes");
        throw away{};
      });
    } catch (const away&) {}
    f.expect(!store.read_checkpoint("p@1") && store.letters("p@1", beginning, 10).empty() &&
                 !store.serving("p"),
             "a rollback undoes them all");
  }

  static void letters(World& w, manual_time& time, findings& f) {
    auto& store = w.checkpoints();
    const auto keep = [&](const char* key, std::uint64_t p) {
      w.database().transact([&](auto& tx) {
        store.keep_letter(tx, key,
                          {.at = position{p},
                           .event_id = "e" + std::to_string(p),
                           .attempts = 2,
                           .reason = "why"});
      });
    };
    for (const std::uint64_t p : {7U, 3U, 5U}) keep("p@1", p);
    keep("p@2", 4);
    const auto all = store.letters("p@1", beginning, 10);
    f.expect(all.size() == 3 && all[0].at == position{3} && all[1].at == position{5} &&
                 all[2].at == position{7},
             "letters come by position");
    f.expect(all.size() == 3 &&
                 all[0] == projection_letter{position{3}, "e3", 2, "why", time.wall_now()},
             "every member is kept");
    f.expect(store.letters("p@1", position{3}, 1).size() == 1 &&
                 store.letters("p@1", position{3}, 1)[0].at == position{5},
             "page by page");
    const auto remove = [&](std::uint64_t p) {
      return w.database().transact(
          [&](auto& tx) { return store.remove_letter(tx, "p@1", position{p}); });
    };
    f.expect(remove(5) && !remove(5) && !remove(4), "a letter is removed once, and only one's own");
    f.expect(store.letters("p@1", beginning, 10).size() == 2 &&
                 store.letters("p@2", beginning, 10).size() == 1,
             "the others stay");
    keep("p@1", 3);
    f.expect(store.letters("p@1", beginning, 10).size() == 2,
             "the same letter again takes the place of the first");
  }

  static void serving(World& w, manual_time&, findings& f) {
    auto& store = w.checkpoints();
    f.expect(!store.serving("p"), "nothing serves at first");
    for (const std::uint32_t version : {2U, 1U, 4000000000U}) {
      w.database().transact([&](auto& tx) { store.serve(tx, "p", version); });
      f.expect(store.serving("p") == version, "the version that was chosen last serves");
    }
    f.expect(!store.serving("q"), "another name is not touched");
  }

  static void reopened(World& w, manual_time&, findings& f) {
    const auto held = w.checkpoints().acquire_lease("p@1", "me", ttl);
    if (!f.expect(held.has_value(), "a free lease is given")) return;
    (void)move(w, *held, beginning, at(5));
    w.reopen();
    f.expect(w.checkpoints().read_checkpoint("p@1") == at(5), "the checkpoint is still there");
    f.expect(!w.checkpoints().acquire_lease("p@1", "other", ttl), "and so is the lease");
    const auto again = w.checkpoints().acquire_lease("p@1", "me", ttl);
    f.expect(again.has_value() && again->epoch > held->epoch,
             "its owner gets it back with a new epoch");
  }

  static constexpr conformance_case<World> table[] = {
      {"S6 a checkpoint moves only from where it stands", &moves},
      {"S7 a checkpoint moves only under the current lease", &fences},
      {"P1 checkpoint and letters and serving version commit or roll back together",
       &transactional},
      {"P5 letters are kept by position", &letters},
      {"P8 the serving version is one value", &serving},
      {"P1b checkpoints and leases survive", &reopened},
  };
};

}  // namespace detail

/// The cases that every checkpoint store must pass; see event_store_suite() for how to run them.
template <checkpoint_world World>
[[nodiscard]] auto checkpoint_suite() {
  return std::to_array(detail::checkpoint_cases<World>::table);
}

}  // namespace testing
}  // namespace v0
}  // namespace gabion
