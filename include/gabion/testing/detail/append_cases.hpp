// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gabion/core/message_limits.hpp>
#include <gabion/testing/detail/event_bench.hpp>
#include <gabion/testing/detail/store_case.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

/// Where an append may go, and what a refused one leaves behind.
template <class World>
struct append_cases {
  using bench = event_bench<World>;
  using expect = expected_version;

  static void first_append(World& w, manual_time& time, findings& f) {
    bench b{w};
    const append_result r = b.append("s", expect::no_stream(), detail::events_of({"a", "b"}));
    f.expect(r.status == append_status::appended && r.version == 2 && r.actual == 2,
             "the result has the stream's version");
    f.expect(r.first > beginning && r.last > r.first && r.last == w.store().head(),
             "the result has the range of positions");
    const stream_page page = b.forward("s");
    f.expect(detail::versions_of(page.events) == std::vector<std::uint64_t>{1, 2},
             "the versions are 1 and 2");
    f.expect(page.events.size() == 2 && page.events[0].at == r.first && page.events[1].at == r.last,
             "the events are at these positions");
    f.expect(page.events.size() == 2 && page.events[0].recorded_at == time.wall_now(),
             "the time of recording is the store's");
    f.expect(page.events.size() == 2 && page.events[0].stream == "s",
             "the events know their stream");
  }

  static void no_stream_refused(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::events_of({"a", "b"}));
    const std::uint64_t before = b.head();
    const append_result r = b.append("s", expect::no_stream(), detail::events_of({"c"}));
    f.expect(r.status == append_status::wrong_version && !r.ok() && r.actual == 2 && r.version == 0,
             "refused, with the actual version");
    f.expect(r.first == beginning && r.last == beginning, "a refusal has no positions");
    f.expect(b.head() == before && b.forward("s").version == 2, "nothing is stored");
  }

  static void exact_version(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::events_of({"a", "b"}));
    const append_result below = b.append("s", expect::exact(1), detail::events_of({"c"}));
    f.expect(below.status == append_status::wrong_version && below.actual == 2,
             "a version below is refused");
    f.expect(b.append("s", expect::exact(5), detail::events_of({"d"})).status ==
                 append_status::wrong_version,
             "a version above is refused");
    f.expect(b.append("s", expect::exact(last_version), detail::events_of({"e"})).status ==
                 append_status::wrong_version,
             "the greatest version is refused");
    const append_result r = b.append("s", expect::exact(2), detail::events_of({"f"}));
    f.expect(r.status == append_status::appended && r.version == 3,
             "the right version is accepted");
    f.expect(b.append("new", expect::exact(0), detail::events_of({"g"})).version == 1,
             "exact(0) means no stream");
  }

  static void existing_stream(World& w, manual_time&, findings& f) {
    bench b{w};
    const append_result r = b.append("s", expect::exists(), detail::events_of({"a"}));
    f.expect(r.status == append_status::wrong_version && r.actual == 0,
             "a stream without events does not exist");
    (void)b.append("s", detail::events_of({"b"}));
    f.expect(b.append("s", expect::exists(), detail::events_of({"c"})).version == 2,
             "one with events does");
  }

  static void any_from_many_threads(World& w, manual_time&, findings& f) {
    constexpr std::size_t writers = 16;
    std::vector<append_result> results(writers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < writers; ++i)
      threads.emplace_back([&w, &results, i] {
        results[i] = bench{w}.append("s", detail::events_of({("w" + std::to_string(i)).c_str()}));
      });
    for (std::thread& t : threads) t.join();
    f.expect(
        std::all_of(results.begin(), results.end(),
                    [](const append_result& r) { return r.status == append_status::appended; }),
        "nobody who expects nothing gets a conflict");
    std::vector<std::uint64_t> versions;
    for (const append_result& r : results) versions.push_back(r.version);
    std::sort(versions.begin(), versions.end());
    bool dense = true;
    for (std::size_t i = 0; i < writers; ++i) dense = dense && versions[i] == i + 1;
    f.expect(dense, "versions are dense");
    f.expect(bench{w}.forward("s").events.size() == writers, "all events are stored");
  }

  static void rivals(World& w, manual_time&, findings& f) {
    constexpr std::size_t writers = 8;
    std::vector<append_result> results(writers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < writers; ++i)
      threads.emplace_back([&w, &results, i] {
        results[i] = bench{w}.append("s", expect::exact(0),
                                     detail::events_of({("r" + std::to_string(i)).c_str()}));
      });
    for (std::thread& t : threads) t.join();
    f.expect(std::count_if(results.begin(), results.end(),
                           [](const append_result& r) { return r.ok(); }) == 1,
             "of rivals one wins");
    f.expect(bench{w}.forward("s").version == 1, "one event is stored");
  }

  static void refused_burns_nothing(World& w, manual_time&, findings& f) {
    bench b{w};
    const append_result first = b.append("s", detail::events_of({"a"}));
    for (int i = 0; i < 5; ++i) (void)b.append("s", expect::no_stream(), detail::events_of({"b"}));
    (void)b.append("t", detail::events_of({"a"}));
    const append_result next = b.append("s", detail::events_of({"c"}));
    f.expect(to_number(next.first) == to_number(first.last) + 1,
             "the next position follows densely");
  }

  static void no_events(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("s", detail::events_of({"a", "b"}));
    const std::uint64_t before = b.head();
    const append_result r = b.append("s", expect::exact(2), {});
    f.expect(r.status == append_status::appended && r.version == 2 && r.first == beginning &&
                 r.last == beginning,
             "a check that holds");
    f.expect(b.append("s", expect::exact(1), {}).status == append_status::wrong_version,
             "a check that fails");
    f.expect(b.append("t", expect::no_stream(), {}).ok() && !b.forward("t").exists(),
             "a check makes no stream");
    f.expect(b.head() == before, "a check uses no position");
  }

  static void many_events(World& w, manual_time&, findings& f) {
    bench b{w};
    constexpr std::size_t many = 70'000;
    const append_result r = b.append("s", expect::no_stream(), detail::numbered("e", many));
    f.expect(r.version == many && b.forward("s", many, 10).events.size() == 1,
             "a batch of 70000 is stored whole");
    f.expect(to_number(r.last) - to_number(r.first) + 1 == many, "its positions are dense");
    f.expect(b.append("s", expect::no_stream(), detail::numbered("e", many)).status ==
                 append_status::idempotent,
             "and can be repeated");
  }

  static void several_streams(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("two", detail::events_of({"x"}));
    std::string words;
    try {
      w.database().transact([&](auto& tx) {
        gabion::append_or_throw(w.store(), tx, "one", expect::no_stream(),
                                detail::events_of({"a"}));
        gabion::append_or_throw(w.store(), tx, "two", expect::exact(7), detail::events_of({"b"}));
      });
    } catch (const error& e) {
      words = e.what();
      f.expect(e.code() == errc::conflict, "the error is a conflict");
    }
    f.expect(!b.forward("one").exists() && b.forward("two").version == 1,
             "neither stream is written");
    f.expect(words.find("'two'") != std::string::npos &&
                 words.find("version 1") != std::string::npos &&
                 words.find("version 7") != std::string::npos,
             "the error names the stream and both versions");
    w.database().transact([&](auto& tx) {
      gabion::append_or_throw(w.store(), tx, "one", expect::no_stream(), detail::events_of({"a"}));
      gabion::append_or_throw(w.store(), tx, "two", expect::exact(1), detail::events_of({"b"}));
    });
    f.expect(b.forward("one").version == 1 && b.forward("two").version == 2,
             "when both fit both are written");
  }

  static void check_on_another_stream(World& w, manual_time&, findings& f) {
    bench b{w};
    (void)b.append("limit", detail::events_of({"l"}));
    f.expect_error(
        make_error_code(errc::conflict),
        [&] {
          w.database().transact([&](auto& tx) {
            gabion::append_or_throw(w.store(), tx, "one", expect::any(), detail::events_of({"a"}));
            gabion::append_or_throw(w.store(), tx, "limit", expect::exact(0), {});
          });
        },
        "a failed check on a stream that is not written");
    f.expect(!b.forward("one").exists(), "nothing is written");
  }

  static void rolled_back(World& w, manual_time&, findings& f) {
    bench b{w};
    const append_result before = b.append("t", detail::events_of({"t1"}));
    b.append_in_vain("s", detail::events_of({"a", "b"}));
    b.append_in_vain("t", detail::events_of({"t2"}));
    f.expect(!b.forward("s").exists() && b.forward("t").version == 1 && b.all().size() == 1,
             "nothing of it is visible");
    const append_result r = b.append("s", expect::no_stream(), detail::events_of({"a"}));
    f.expect(r.status == append_status::appended && r.version == 1,
             "the same ids can be appended afterwards");
    f.expect(r.first > before.last, "positions go on rising");
    f.expect(b.all(before.last).size() == 1, "a reader goes on without waiting for what never was");
  }

  static void own_appends(World& w, manual_time&, findings& f) {
    bench b{w};
    w.database().transact([&](auto& tx) {
      (void)w.store().append(tx, "s", expect::any(), detail::events_of({"a"}));
      const stream_page page = w.store().read(tx, "s", 1, 10, read_direction::forward);
      f.expect(page.version == 1 && detail::ids_of(page.events) == std::vector<std::string>{"a"},
               "a transaction sees its own appends");
      f.expect(w.store().append(tx, "s", expect::exact(1), detail::events_of({"b"})).version == 2,
               "and can append behind them");
    });
    f.expect(b.forward("s").version == 2, "both are committed");
  }

  static void names_apart(World& w, manual_time&, findings& f) {
    bench b{w};
    const std::vector<std::string> names{
        "ab", "ba", "AB", "ab ", " ab", std::string{"ab\0", 3}, "a", "\xC3\xA4"};
    std::size_t i = 0;
    for (const std::string& name : names)
      f.expect(b.append(name, expect::no_stream(),
                        detail::events_of({("n" + std::to_string(i++)).c_str()}))
                   .ok(),
               "each name is its own stream");
    for (const std::string& name : names)
      f.expect(b.forward(name).version == 1, "no stream has another's events");
  }

  static void odd_content(World& w, manual_time& time, findings& f) {
    bench b{w};
    const std::string odd =
        std::string{"\0\xFF\xFE", 3} + "\xE2\x82\xAC'\";--" + std::string(5000, 'x');
    message m{.id = "id" + odd.substr(0, 200),
              .source = odd,
              .type = odd,
              .subject = odd,
              .time = time.wall_now(),
              .content_type = odd,
              .schema = odd,
              .data = odd,
              .headers = {{"a", odd}, {"a", ""}, {odd, "b"}},
              .topic = odd};
    message empty{.id = "empty", .type = "t", .time = time.wall_now(), .data = ""};
    message none{.id = "none", .type = "t", .time = time.wall_now()};
    (void)b.append(odd, std::vector<message>{m, empty, none});
    const stream_page page = b.forward(odd);
    f.expect(page.events.size() == 3 && page.events[0].what == m,
             "every byte of every member comes back");
    f.expect(page.events.size() == 3 && page.events[0].stream == odd, "and of the stream's name");
    f.expect(page.events.size() == 3 && page.events[1].what == empty && page.events[2].what == none,
             "no data is not empty data");
  }

  static void fills_in(World& w, manual_time& time, findings& f) {
    bench b{w};
    (void)b.append("s", std::vector<message>{{.type = "t"}, {.type = "t"}});
    const stream_page page = b.forward("s");
    f.expect(page.events.size() == 2 && !page.events[0].what.id.empty() &&
                 page.events[0].what.id < page.events[1].what.id,
             "an empty id becomes a new one, and they rise");
    f.expect(page.events.size() == 2 && page.events[0].what.time == time.wall_now(),
             "an empty time becomes the store's");
  }

  static void bad_input(World& w, manual_time&, findings& f) {
    bench b{w};
    const auto invalid = make_error_code(errc::invalid_argument);
    f.expect_error(
        invalid, [&] { (void)b.append("", detail::events_of({"a"})); }, "a stream without a name");
    f.expect_error(
        invalid, [&] { (void)b.append("s", std::vector<message>{{.id = "a"}}); },
        "an event without a type");
    f.expect_error(
        invalid, [&] { (void)b.append("s", detail::events_of({"a", "b", "a"})); },
        "an id twice in the batch");
    f.expect_error(
        invalid,
        [&] {
          message nameless = detail::event_of("a");
          nameless.headers = {{"", "value"}};
          (void)b.append("s", std::vector<message>{detail::event_of("b"), nameless});
        },
        "a header without a name");
    f.expect(b.all().empty(), "nothing is stored");
  }

  /// A store without limits() may store events over the default limits.
  static void over_the_limits(World& w, manual_time&, findings& f) {
    bench b{w};
    message_limits limits;
    constexpr bool told = requires { w.store().limits(); };
    if constexpr (told) limits = w.store().limits();
    std::vector<message> over(4, detail::event_of("over"));
    over[0].data = std::string(limits.payload + 1, 'x');
    over[1].headers = {{"h", std::string(limits.attributes, 'x')}};
    over[2].headers.assign(limits.headers + 1, {"h", ""});
    over[3].id = std::string(limits.id + 1, 'i');
    for (const message& m : over) {
      const auto append = [&] {
        (void)b.append("s", std::vector<message>{detail::event_of("first"), m});
      };
      if constexpr (told) {
        f.expect_error(make_error_code(errc::too_large), append, "an event over a limit");
        f.expect(b.all().empty(), "nothing of its batch is stored");
      } else {
        const std::error_code refused = detail::code_of(append);
        f.expect(!refused || refused == errc::too_large,
                 "an event over a limit is kept or refused");
      }
    }
    message largest = detail::event_of("largest");
    largest.data = std::string(limits.payload, 'x');
    f.expect(b.append("t", std::vector<message>{largest}).ok(), "one at the limit is stored");
  }

  static constexpr conformance_case<World> table[] = {
      {"A1 the first append gives versions 1 and 2 and its range of positions", &first_append},
      {"A2 no stream is refused for a stream with events and nothing is stored",
       &no_stream_refused},
      {"A3 A4 an exact version is met or refused", &exact_version},
      {"A5 an existing stream is one that has events", &existing_stream},
      {"A6 appends with any version never conflict", &any_from_many_threads},
      {"A6b of rivals with the same exact version one wins", &rivals},
      {"A7 a refused append burns no position", &refused_burns_nothing},
      {"A8 A9 no events are a check of the version", &no_events},
      {"A10 a batch may be larger than any limit of bound parameters", &many_events},
      {"A11 an append to several streams is atomic", &several_streams},
      {"A12 a check on a stream that is not written holds or refuses all",
       &check_on_another_stream},
      {"A15 O2 a rollback leaves nothing and readers do not wait for it", &rolled_back},
      {"A15b a transaction reads its own appends", &own_appends},
      {"A17 names that differ in one byte are different streams", &names_apart},
      {"A18 every byte is stored as it is", &odd_content},
      {"A20 an empty id and an empty time are filled in", &fills_in},
      {"I5 bad input is refused before anything is written", &bad_input},
      {"I6 an event over the limits is refused before anything is written", &over_the_limits},
  };
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
