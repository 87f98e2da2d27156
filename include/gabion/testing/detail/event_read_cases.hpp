// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include <gabion/cqrs/event_subscription.hpp>
#include <gabion/log/wake.hpp>
#include <gabion/testing/detail/event_bench.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

/// Pages, the whole log, and subscriptions.
template <class World>
struct event_read_cases {
  using bench = event_bench<World>;
  using versions = std::vector<std::uint64_t>;

  static void no_such_stream(World& w, manual_time&, findings& f) {
    bench b{w};
    for (const stream_page& page : {b.forward("s"), b.backward("s", last_version, 4)})
      f.expect(!page.exists() && page.version == 0 && page.events.empty() && page.end,
               "a stream that is not there says so");
  }

  static void backward_pages(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::numbered("e", 10));
    const stream_page first = b.backward("s", last_version, 4);
    f.expect(detail::versions_of(first.events) == versions{10, 9, 8, 7} && !first.end, "10 to 7");
    const stream_page second = b.backward("s", first.next, 4);
    f.expect(detail::versions_of(second.events) == versions{6, 5, 4, 3} && !second.end, "6 to 3");
    const stream_page third = b.backward("s", second.next, 4);
    f.expect(detail::versions_of(third.events) == versions{2, 1} && third.end && third.next == 0,
             "2 to 1 and the end");
    f.expect(b.backward("s", 0, 4).events.empty() && b.backward("s", 0, 4).end,
             "nothing is before the first");
    f.expect(detail::versions_of(b.backward("s", 2, 2).events) == versions{2, 1} &&
                 b.backward("s", 2, 2).end,
             "a page that ends with the first");
  }

  static void forward_pages(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::numbered("e", 10));
    const stream_page beyond = b.forward("s", 11, 4);
    f.expect(beyond.events.empty() && beyond.end && beyond.next == 11 && beyond.exists(),
             "from 11 an empty page and next 11");
    const stream_page first = b.forward("s", 1, 4);
    f.expect(detail::versions_of(first.events) == versions{1, 2, 3, 4} && !first.end &&
                 first.next == 5 && first.version == 10,
             "1 to 4");
    f.expect(!b.forward("s", 1, 9).end && !b.backward("s", last_version, 9).end,
             "a page that leaves one event is not the end");
    const stream_page exact = b.forward("s", 7, 4);
    f.expect(
        detail::versions_of(exact.events) == versions{7, 8, 9, 10} && exact.end && exact.next == 11,
        "a full last page has the end flag");
    f.expect(detail::versions_of(b.forward("s", 0, 2).events) == versions{1, 2},
             "from 0 is from the first");
    (void)b.append("s", detail::events_of({"more"}));
    f.expect(detail::versions_of(b.forward("s", exact.next, 4).events) == versions{11},
             "next finds what is appended later");
  }

  static void bad_limit(World& w, manual_time&, findings& f) {
    const auto invalid = make_error_code(errc::invalid_argument);
    f.expect_error(
        invalid, [&] { (void)w.store().read("s", 1, 0, read_direction::forward); },
        "a page of 0 events");
    f.expect_error(
        invalid, [&] { (void)w.store().read_all(beginning, 0, read_direction::forward); },
        "a read of 0 events");
    w.database().transact([&](auto& tx) {
      f.expect_error(
          invalid, [&] { (void)w.store().read(tx, "s", 1, 0, read_direction::forward); },
          "a page of 0 in a transaction");
    });
    bench b{w};
    (void)b.append("s", detail::events_of({"a"}));
    f.expect(b.all(beginning, static_cast<std::size_t>(-1)).size() == 1 &&
                 b.forward("s", 1, static_cast<std::size_t>(-1)).events.size() == 1,
             "the greatest limit is no limit");
  }

  static void interleaved(bench& b) {
    for (int i = 0; i < 10; ++i) {
      const std::string stream = "s" + std::to_string(i % 3);
      (void)b.append(stream, detail::events_of({("e" + std::to_string(i)).c_str()}));
      if (i % 4 == 1) b.append_in_vain(stream, detail::events_of({"vain"}));
    }
  }

  static void whole_log(World& w, manual_time&, findings& f) {
    bench b{w};
    f.expect(b.all().empty() && b.all_backward().empty() && b.head() == 0, "an empty log");
    interleaved(b);
    const auto forward = b.all();
    auto mirror = b.all_backward();
    std::reverse(mirror.begin(), mirror.end());
    f.expect(forward.size() == 10 && forward == mirror, "forward and backward are mirror images");
    f.expect(std::is_sorted(forward.begin(), forward.end(),
                            [](const auto& x, const auto& y) { return x.at < y.at; }),
             "positions rise");
    f.expect(!forward.empty() && forward.back().at <= w.store().head(),
             "the head is not before the last event");
    f.expect(b.all(w.store().head()).empty(), "nothing is above the head");
    if (forward.size() != 10) return;
    f.expect(b.all(forward[3].at, 2) == std::vector<recorded_event>{forward[4], forward[5]},
             "a page above a position");
    f.expect(
        b.all_backward(forward[3].at, 2) == std::vector<recorded_event>{forward[2], forward[1]},
        "a page below a position");
    f.expect(b.all_backward(beginning).empty(), "nothing is below the beginning");
  }

  static void subscribe_in_the_middle(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::numbered("e", 100));
    const auto all = b.all();
    if (!f.expect(all.size() == 100, "100 events are in the log")) return;
    for (const std::size_t batch :
         {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1000}}) {
      event_subscription reader{w.store(), all[39].at, batch};
      std::vector<recorded_event> seen;
      for (int polls = 0; polls < 100 && !reader.live(); ++polls)
        for (recorded_event& e : reader.poll()) seen.push_back(std::move(e));
      f.expect(seen == std::vector<recorded_event>{all.begin() + 40, all.end()},
               "41 to 100 once and in order, whatever the batch");
      f.expect(reader.at() == all.back().at && reader.poll().empty(),
               "then it is live and there is nothing more");
    }
  }

  static void subscribe_while_appending(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::numbered("old", 20));
    event_subscription reader{w.store(), beginning, 6};
    std::vector<std::string> seen;
    std::size_t appended = 0;
    for (int polls = 0; polls < 100 && !reader.live(); ++polls) {
      for (const recorded_event& e : reader.poll()) seen.push_back(e.what.id);
      if (appended == 10) continue;
      ++appended;
      (void)b.append(appended % 2 == 0 ? "s" : "t",
                     detail::numbered("new" + std::to_string(appended) + "-", 5));
    }
    f.expect(appended == 10 && seen.size() == 70,
             "what is appended while it catches up is delivered once");
    f.expect(seen == detail::ids_of(b.all()), "in the order of the log");
    (void)b.append("s", detail::events_of({"live"}));
    const auto live = reader.poll();
    f.expect(live.size() == 1 && live[0].what.id == "live", "and so is what comes when it is live");
  }

  struct alarm {
    std::atomic<int> rung{0};
    void wake() noexcept { rung.fetch_add(1); }
  };

  static void woken(World& w, manual_time&, findings& f) {
    if constexpr (requires { w.store().appended(); }) {
      bench b{w};
      alarm bell;
      {
        const auto member = w.store().appended().join(wake_ref{bell});
        (void)b.append("s", detail::events_of({"a"}));
        f.expect(bell.rung == 1, "a commit that appended wakes");
        b.append_in_vain("s", detail::events_of({"b"}));
        (void)b.append("s", expected_version::no_stream(), detail::events_of({"c"}));
        (void)b.append("s", detail::events_of({"a"}));
        f.expect(bell.rung == 1, "a rollback, a refusal and a repetition do not");
        w.database().transact([&](auto& tx) {
          (void)w.store().append(tx, "s", expected_version::any(), detail::events_of({"d"}));
          (void)w.store().append(tx, "t", expected_version::any(), detail::events_of({"e"}));
          f.expect(bell.rung == 1, "nobody is woken before the commit");
        });
        f.expect(bell.rung == 2, "and once for a transaction");
      }
      (void)b.append("s", detail::events_of({"f"}));
      f.expect(bell.rung == 2, "who has left is not woken");
    } else {
      f.expect(true, "this store does not announce appends");
    }
  }

  static constexpr conformance_case<World> table[] = {
      {"R1 a stream that is not there is told from an empty page", &no_such_stream},
      {"R2 a stream is read backward page by page", &backward_pages},
      {"R3 a stream is read forward page by page", &forward_pages},
      {"R4 a limit of 0 is refused", &bad_limit},
      {"R5 O2 the log forward and backward are mirror images", &whole_log},
      {"S1 S3 a subscription from a position gets each event once for any batch",
       &subscribe_in_the_middle},
      {"S2 what is appended during catch-up is delivered once and in order",
       &subscribe_while_appending},
      {"S10 a commit wakes readers and nothing else does", &woken},
  };
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
