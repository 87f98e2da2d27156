// SPDX-License-Identifier: MIT
#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "log/pump_world.hpp"
#include "support/catch.hpp"

using namespace pump_world;

namespace {

pump_options small(poison_policy policy) {
  const backoff_options quick{.initial = 5ms, .cap = 20ms, .jitter = backoff_jitter::none};
  return {.window = 16,  // a key may fill an eighth of it: 2 records
          .batch = 3,
          .settle_batch = 3,
          .poll_every = 10ms,
          .rescan_every = 20ms,
          .pressure_wait = 2ms,
          .max_attempts = 2,
          .on_poison = policy,
          .retry = quick,
          .outage = quick,
          .store = quick,
          .lease_ttl = 60ms,
          .lease_margin = 20ms,
          .acquire_every = 15ms};
}

void explore(const config& c) {
  choices by;
  std::size_t runs = 0;
  std::size_t steps = 0;
  std::string broken;
  do {
    world w{c, by};
    try {
      steps += w.run();
    } catch (const std::logic_error& e) {
      broken = e.what();
    }
    ++runs;
  } while (broken.empty() && by.next());
  std::cout << c.name << ": " << runs << " runs, " << steps << " steps\n";
  INFO(broken);
  CHECK(broken.empty());
  CHECK(runs > 100);  // otherwise the choices are not what they seem
}

const std::vector<row> two_keys{{.key = "a"}, {.key = "a"}, {.key = "b"}};
const std::vector<row> mixed{{.key = "a"}, {.key = ""}, {.key = "a"}, {.key = "b"}};
const std::vector<row> one_key{{.key = "a"}, {.key = "a"}, {.key = "a"}};
const std::vector<row> one_late{{.key = "a"}, {.key = "b", .visible_from = 1}, {.key = "a"}};

std::string label(const char* what, poison_policy policy, bool keeps) {
  static constexpr const char* names[] = {"park", "skip", "pause"};
  return std::string{what} + " policy=" + names[static_cast<int>(policy)] +
         " keeps_key_order=" + (keeps ? "yes" : "no");
}

}  // namespace

TEST_CASE("whatever a store and a sink answer the pump keeps its rules", "[pump][exploration]") {
  for (const poison_policy policy :
       {poison_policy::park, poison_policy::skip, poison_policy::pause})
    for (const bool keeps : {false, true}) {
      const pump_shape shape{.keeps_key_order = keeps};
      explore({.name = label("3 faults", policy, keeps),
               .rows = two_keys,
               .options = small(policy),
               .shape = shape,
               .faults = 3});
      explore({.name = label("4 records", policy, keeps),
               .rows = mixed,
               .options = small(policy),
               .shape = shape,
               .faults = 2});
      pump_options pairs = small(policy);
      pairs.batch = 2;
      explore({.name = label("one key", policy, keeps),
               .rows = one_key,
               .options = pairs,
               .shape = shape,
               .faults = 2});
      explore({.name = label("late row", policy, keeps),
               .rows = one_late,
               .options = small(policy),
               .shape = shape,
               .faults = 2});
    }
}

TEST_CASE("answers in any order break no rule", "[pump][exploration]") {
  for (const poison_policy policy :
       {poison_policy::park, poison_policy::skip, poison_policy::pause})
    for (const bool keeps : {false, true})
      explore({.name = label("overlapping", policy, keeps),
               .rows = two_keys,
               .options = small(policy),
               .shape = {.keeps_key_order = keeps},
               .faults = 2,
               .overlap = true});
}

TEST_CASE("a key of which something failed waits for what still flies", "[pump][exploration]") {
  pump_options pairs = small(poison_policy::skip);
  pairs.batch = 2;
  for (const bool keeps : {false, true})
    explore({.name = label("one key overlapping", poison_policy::skip, keeps),
             .rows = one_key,
             .options = pairs,
             .shape = {.keeps_key_order = keeps},
             .faults = 1,
             .overlap = true});
}

TEST_CASE("a window in which a key has room for one record breaks no rule", "[pump][exploration]") {
  pump_options four = small(poison_policy::park);
  four.window = 4;
  for (const bool keeps : {false, true})
    explore({.name = label("window 4", poison_policy::park, keeps),
             .rows = mixed,
             .options = four,
             .shape = {.keeps_key_order = keeps},
             .faults = 2});
}

TEST_CASE("a pump that is stopped at any moment settles what it knows and leaves",
          "[pump][exploration]") {
  for (const bool keeps : {false, true})
    explore({.name = label("stopped", poison_policy::park, keeps),
             .rows = two_keys,
             .options = small(poison_policy::park),
             .shape = {.keeps_key_order = keeps},
             .faults = 2,
             .overlap = true,
             .may_stop = true});
}

TEST_CASE("a pump without a lease keeps the same rules", "[pump][exploration]") {
  for (const poison_policy policy :
       {poison_policy::park, poison_policy::skip, poison_policy::pause})
    explore({.name = label("no lease", policy, true),
             .rows = two_keys,
             .options = small(policy),
             .shape = {.leased = false, .keeps_key_order = true},
             .faults = 3});
}

TEST_CASE("a window of one record and batches of one break no rule", "[pump][exploration]") {
  for (const poison_policy policy : {poison_policy::park, poison_policy::skip}) {
    pump_options tiny = small(policy);
    tiny.window = tiny.batch = tiny.settle_batch = 1;
    explore({.name = label("window 1", policy, true),
             .rows = two_keys,
             .options = tiny,
             .shape = {.keeps_key_order = true},
             .faults = 2});
    tiny.window = 2;
    explore({.name = label("window 2", policy, false),
             .rows = mixed,
             .options = tiny,
             .shape = {},
             .faults = 2});
  }
}

TEST_CASE("with a lease that is nearly over nothing is submitted", "[pump][exploration]") {
  pump_options short_lease = small(poison_policy::park);
  short_lease.lease_ttl = 30ms;
  short_lease.lease_margin = 15ms;
  // a renewal fails at 10 ms, and a record is due again at 20 ms
  short_lease.retry.initial = short_lease.store.initial = 20ms;
  for (const bool keeps : {false, true})
    explore({.name = label("short lease", poison_policy::park, keeps),
             .rows = two_keys,
             .options = short_lease,
             .shape = {.keeps_key_order = keeps},
             .faults = 2});
}
