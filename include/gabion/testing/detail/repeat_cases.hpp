// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <gabion/testing/detail/event_bench.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

/// What happens when ids come a second time.
template <class World>
struct repeat_cases {
  using bench = event_bench<World>;
  using expect = expected_version;

  static void whole_batch(World& w, manual_time&, findings& f) {
    bench b{w};
    const auto batch = detail::events_of({"e1", "e2", "e3"});
    for (const expect how : {expect::no_stream(), expect::exact(0), expect::any()}) {
      const append_result first = b.append("s", how, batch);
      const append_result again = b.append("s", how, batch);
      f.expect(again.status == append_status::idempotent && again.ok(),
               "the same batch again is a success");
      f.expect(again.version == 3 && again.first == first.first && again.last == first.last,
               "with the first result");
      f.expect(b.forward("s").version == 3 && b.all().size() == 3, "and nothing is added");
    }
  }

  static void behind_others(World& w, manual_time&, findings& f) {
    bench b{w};
    const append_result first = b.append("s", detail::events_of({"e1", "e2"}));
    (void)b.append("s", detail::events_of({"later"}));
    (void)b.append("other", detail::events_of({"o"}));
    const append_result again = b.append("s", expect::no_stream(), detail::events_of({"e1", "e2"}));
    f.expect(
        again.status == append_status::idempotent && again.version == 2 && again.last == first.last,
        "the original place is answered");
    f.expect(again.actual == 3, "and where the stream is by now");
  }

  static void part_of_a_batch(World& w, manual_time&, findings& f) {
    bench b{w};
    const append_result first =
        b.append("s", expect::no_stream(), detail::events_of({"e1", "e2", "e3", "e4", "e5"}));
    const append_result again =
        b.append("s", expect::exact(1), detail::events_of({"e2", "e3", "e4"}));
    f.expect(again.status == append_status::idempotent && again.version == 4,
             "a run of stored events at its place is a success");
    f.expect(to_number(again.first) == to_number(first.first) + 1 &&
                 to_number(again.last) == to_number(first.first) + 3,
             "with its positions");
    f.expect(b.append("s", expect::exact(2), detail::events_of({"e2", "e3"})).status ==
                 append_status::wrong_version,
             "elsewhere it is a wrong version");
    f.expect(b.append("s", expect::no_stream(), detail::events_of({"e2"})).status ==
                 append_status::wrong_version,
             "and so it is where no stream was expected");
  }

  static void partly_new(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::events_of({"e1", "e2"}));
    const std::uint64_t before = b.head();
    for (const auto& batch :
         {detail::events_of({"e1", "e2", "new"}), detail::events_of({"new", "e1"}),
          detail::events_of({"e2", "e1"}), detail::events_of({"e1", "new", "e2"})}) {
      for (const expect how :
           {expect::any(), expect::exact(2), expect::exact(0), expect::exists()}) {
        const append_result r = b.append("s", how, batch);
        f.expect(r.status == append_status::duplicate_id && !r.id.empty(),
                 "a batch of old and new or out of order is refused by its id");
      }
    }
    f.expect(b.head() == before && b.forward("s").version == 2, "nothing is added");
  }

  static void other_stream(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::events_of({"e1"}));
    const append_result r = b.append("t", detail::events_of({"e1"}));
    f.expect(r.status == append_status::duplicate_id && r.id == "e1",
             "an id belongs to one stream");
    f.expect(!b.forward("t").exists(), "nothing is stored");
    f.expect_error(
        make_error_code(errc::duplicate),
        [&] {
          w.database().transact([&](auto& tx) {
            gabion::append_or_throw(w.store(), tx, "t", expect::any(), detail::events_of({"e1"}));
          });
        },
        "append_or_throw names it a duplicate");
  }

  static void after_restart(World& w, manual_time&, findings& f) {
    const append_result first = bench{w}.append("s", detail::events_of({"e1", "e2"}));
    w.reopen();
    const append_result again = bench{w}.append("s", detail::events_of({"e1", "e2"}));
    f.expect(again.status == append_status::idempotent && again.first == first.first,
             "ids are remembered by the store, not by a cache");
    f.expect(bench{w}.append("s", expect::exists(), detail::events_of({"e1", "e2"})).status ==
                 append_status::idempotent,
             "for every kind of expectation");
  }

  static void within_a_transaction(World& w, manual_time&, findings& f) {
    w.database().transact([&](auto& tx) {
      (void)w.store().append(tx, "s", expect::any(), detail::events_of({"e1"}));
      f.expect(w.store().append(tx, "s", expect::any(), detail::events_of({"e1"})).status ==
                   append_status::idempotent,
               "ids count inside the transaction already");
    });
    f.expect(bench{w}.all().size() == 1, "one event is stored");
  }

  static constexpr conformance_case<World> table[] = {
      {"I1 the same batch again is idempotent", &whole_batch},
      {"I1b also when the stream has gone on", &behind_others},
      {"I2 a run of a stored batch at its place is idempotent", &part_of_a_batch},
      {"I2b a batch that is partly stored or in another order is refused", &partly_new},
      {"I3 an id of another stream is refused", &other_stream},
      {"I4 ids are remembered after a restart", &after_restart},
      {"I4b ids count inside the transaction", &within_a_transaction},
  };
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
