// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/queueing_bulkhead.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"
#include "support/complaint.hpp"

using namespace std::chrono_literals;
using gabion::bulkhead;
using gabion::bulkhead_snapshot;
using gabion::call_context;
using gabion::call_priority;
using gabion::deadline;
using gabion::entry_step;
using gabion::errc;
using gabion::queueing_bulkhead;
using gabion::queueing_bulkhead_options;
using kind = gabion::entry_step::kind;
using gabion_test::complaint;

static_assert(gabion::explain_policy<bulkhead>() && gabion::explain_policy<queueing_bulkhead>());
template <class Policy>
concept says_that_it_may_queue = requires { Policy::may_queue; };
static_assert(!says_that_it_may_queue<bulkhead> && queueing_bulkhead::may_queue);
static_assert(bulkhead::holds_permit && queueing_bulkhead::holds_permit);
static_assert(!std::copy_constructible<gabion::bulkhead_permit> &&
              std::movable<gabion::bulkhead_permit>);

namespace {

struct bell {
  int rung = 0;
  void wake() noexcept { ++rung; }
};

/// One call at the door of a bulkhead, as a pipeline would lead it.
class visitor {
 public:
  visitor(queueing_bulkhead& b, const gabion::testing::manual_time& time,
          call_priority priority = call_priority::normal, deadline until = deadline::never())
      : time_{&time}, run_{std::make_unique<queueing_bulkhead::run>(b)} {
    context_.priority = priority;
    context_.until = until;
    context_.wake.emplace(*bell_);
    context_.stop = stop_.get_token();
  }

  kind enter() {
    const entry_step step = run_->enter(context_, [this] { return time_->now(); });
    why_ = step.why.code;
    until_ = step.until;
    retry_after_ = step.why.retry_after;
    return step.what;
  }
  void leave() {
    gabion::call_outcome outcome;
    static_cast<void>(run_->leave(outcome, context_, [this] { return time_->now(); }));
  }
  void abandon() { run_.reset(); }
  void give_up() { stop_.request_stop(); }
  void deafen() { context_.wake.reset(); }

  [[nodiscard]] int rung() const { return bell_->rung; }
  [[nodiscard]] errc why() const { return why_; }
  [[nodiscard]] gabion::instant until() const { return until_; }
  [[nodiscard]] gabion::duration retry_after() const { return retry_after_; }

 private:
  const gabion::testing::manual_time* time_;
  std::unique_ptr<bell> bell_ = std::make_unique<bell>();
  std::stop_source stop_{};
  call_context context_{};
  std::unique_ptr<queueing_bulkhead::run> run_;
  errc why_ = errc::invalid_argument;
  gabion::instant until_{};
  gabion::duration retry_after_{-1};
};

struct bench {
  explicit bench(queueing_bulkhead_options o) : b{o} {}
  visitor come(call_priority p = call_priority::normal, deadline until = deadline::never()) {
    return {b, time, p, until};
  }
  visitor queued(call_priority p = call_priority::normal, deadline until = deadline::never()) {
    visitor v = come(p, until);
    REQUIRE(v.enter() == kind::wait);
    return v;
  }
  gabion::testing::manual_time time;
  queueing_bulkhead b;
};

}  // namespace

TEST_CASE("a bulkhead lets in as many as its limit and not one more", "[bulkhead][limit]") {
  bulkhead b{{.limit = 3}};
  std::vector<gabion::bulkhead_permit> held;
  for (int i = 0; i < 3; ++i) held.push_back(b.try_acquire());
  CHECK(held.back());
  CHECK_FALSE(b.try_acquire());
  CHECK_FALSE(b.try_acquire(gabion::instant{1s}));
  CHECK(b.snapshot() == bulkhead_snapshot{.limit = 3, .in_use = 3, .rejected = 2});
  held.pop_back();
  CHECK(b.try_acquire());
  held.clear();
  CHECK(b.snapshot().in_use == 0);
}

TEST_CASE("a permit goes back once however it is moved and released", "[bulkhead][permit]") {
  bulkhead b{{.limit = 2}};
  auto first = b.try_acquire();
  auto second = std::move(first);
  CHECK_FALSE(first);
  CHECK(second);
  first = b.try_acquire();
  CHECK(b.snapshot().in_use == 2);
  second = std::move(first);
  CHECK(b.snapshot().in_use == 1);
  second.release();
  second.release();
  CHECK_FALSE(second);
  CHECK(b.snapshot().in_use == 0);
}

TEST_CASE("call runs the function under a permit and returns what it returns", "[bulkhead][call]") {
  bulkhead b{{.limit = 1}};
  int inside = 0;
  int& same = b.call([&]() -> int& {
    inside = static_cast<int>(b.snapshot().in_use);
    return inside;
  });
  CHECK(&same == &inside);
  CHECK(inside == 1);
  CHECK(b.snapshot().in_use == 0);
  CHECK_THROWS_AS(b.call([]() -> int { throw std::runtime_error{"mine"}; }), std::runtime_error);
  CHECK(b.snapshot().in_use == 0);
}

namespace {

template <class Bulkhead>
void tells_of_its_refusal() {
  Bulkhead b{{.limit = 0}};
  bool called = false;
  CHECK(b.call([&] { return called = true, std::error_code{}; }) == errc::overloaded);
  CHECK(b.call([&] { return called = true, std::optional<int>{1}; }) == std::nullopt);
  std::string told;
  try {
    b.call([&] { called = true; });
  } catch (const gabion::refused_error& e) {
    CHECK(e.code() == errc::overloaded);
    CHECK(e.retry_after() == 0ns);
    told = e.what();
  }
  CHECK(told.find("the bulkhead is full") == 0);
  CHECK_FALSE(called);
  CHECK(b.snapshot().rejected == 3);
}

}  // namespace

TEST_CASE("a call that finds no permit says so in its result or by refused_error",
          "[bulkhead][call]") {
  tells_of_its_refusal<bulkhead>();
  tells_of_its_refusal<queueing_bulkhead>();
}

TEST_CASE("case 66: a waiter that timed out leaves no trace and all permits come back",
          "[bulkhead][queue]") {
  bench x{{.limit = 4, .max_waiting = 4, .max_wait = 1s}};
  std::vector<queueing_bulkhead::permit> held;
  for (int i = 0; i < 4; ++i) held.push_back(x.b.try_acquire());
  std::vector<visitor> waiters;
  for (int i = 0; i < 4; ++i) waiters.push_back(x.queued());
  CHECK(x.b.snapshot().waiting == 4);
  x.time.advance(1s);
  for (visitor& v : waiters) {
    CHECK(v.enter() == kind::refuse);
    CHECK(v.why() == errc::overloaded);
    CHECK(v.retry_after() == 0ns);
  }
  CHECK(x.b.snapshot() == bulkhead_snapshot{.limit = 4, .in_use = 4, .timed_out = 4});
  held.clear();
  CHECK(x.b.snapshot().in_use == 0);
  for (int i = 0; i < 4; ++i) held.push_back(x.b.try_acquire());
  CHECK(held.back());
  CHECK_FALSE(x.b.try_acquire());
  for (const visitor& v : waiters) CHECK(v.rung() == 0);
}

TEST_CASE("a waiter that times out takes nobody else's place in the queue", "[bulkhead][queue]") {
  const auto gone = GENERATE(range<std::size_t>(0, 5));
  bench x{{.limit = 1, .max_waiting = 10, .max_wait = 1h}};
  auto held = x.b.try_acquire();
  std::vector<visitor> waiters;
  for (std::size_t i = 0; i < 5; ++i)
    waiters.push_back(x.queued(call_priority::normal,
                               i == gone ? deadline::at(x.time.now() + 1s) : deadline::never()));
  x.time.advance(1s);
  CHECK(waiters[gone].enter() == kind::refuse);
  CHECK(x.b.snapshot().waiting == 4);
  held.release();
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    if (i == gone) continue;
    for (std::size_t j = i + 1; j < waiters.size(); ++j)
      if (j != gone) CHECK(waiters[j].enter() == kind::wait);
    CHECK(waiters[i].enter() == kind::pass);
    waiters[i].leave();
  }
  CHECK(waiters[gone].rung() == 0);
  CHECK(x.b.snapshot() == bulkhead_snapshot{.limit = 1, .timed_out = 1});
}

TEST_CASE(
    "case 67: a limit below what is in use is set at once and lets nobody in until enough came "
    "back",
    "[bulkhead][resize]") {
  bench x{{.limit = 4, .max_waiting = 4, .max_wait = 1h}};
  std::vector<queueing_bulkhead::permit> held;
  for (int i = 0; i < 4; ++i) held.push_back(x.b.try_acquire());
  x.b.resize(2);
  CHECK(x.b.snapshot().limit == 2);
  CHECK(x.b.snapshot().in_use == 4);
  CHECK_FALSE(x.b.try_acquire());
  auto waiter = x.queued();
  held.pop_back();
  held.pop_back();
  CHECK_FALSE(x.b.try_acquire());
  CHECK(waiter.enter() == kind::wait);
  CHECK(waiter.rung() == 0);
  held.pop_back();
  CHECK(waiter.rung() == 1);
  CHECK(waiter.enter() == kind::pass);
  CHECK(x.b.snapshot().in_use == 2);
}

TEST_CASE("case 67: a bulkhead without a queue shrinks in the same way", "[bulkhead][resize]") {
  bulkhead b{{.limit = 3}};
  std::vector<gabion::bulkhead_permit> held;
  for (int i = 0; i < 3; ++i) held.push_back(b.try_acquire());
  b.resize(1);
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(b.try_acquire());
    held.pop_back();
  }
  CHECK_FALSE(b.try_acquire());
  held.pop_back();
  CHECK(b.try_acquire());
  b.resize(2);
  auto one = b.try_acquire();
  CHECK(b.try_acquire());
}

TEST_CASE("a raised limit serves those who wait", "[bulkhead][resize]") {
  bench x{{.limit = 1, .max_waiting = 4, .max_wait = 1h}};
  const auto held = x.b.try_acquire();
  std::vector<visitor> waiters;
  for (int i = 0; i < 4; ++i) waiters.push_back(x.queued());
  x.b.resize(3);
  CHECK(waiters[0].enter() == kind::pass);
  CHECK(waiters[1].enter() == kind::pass);
  CHECK(waiters[2].enter() == kind::wait);
  CHECK(x.b.snapshot().in_use == 3);
  CHECK(x.b.snapshot().waiting == 2);
}

TEST_CASE("case 68: a limit of zero closes it fully", "[bulkhead][resize]") {
  bench x{{.limit = 0, .max_waiting = 4}};
  auto v = x.come();
  CHECK_FALSE(x.b.try_acquire());
  CHECK(v.enter() == kind::refuse);
  CHECK(v.why() == errc::overloaded);
  CHECK(x.b.snapshot().waiting == 0);
  x.b.resize(1);
  CHECK(v.enter() == kind::pass);
  x.b.resize(0);
  auto next = x.come();
  CHECK(next.enter() == kind::refuse);
  v.leave();
  CHECK(next.enter() == kind::refuse);
  bulkhead plain{{.limit = 0}};
  CHECK_FALSE(plain.try_acquire());
}

TEST_CASE("case 69: equals are served in the order in which they came", "[bulkhead][queue]") {
  bench x{{.limit = 1, .max_waiting = 10, .max_wait = 1h}};
  auto held = x.b.try_acquire();
  std::vector<visitor> waiters;
  for (int i = 0; i < 10; ++i) waiters.push_back(x.queued());
  held.release();
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    for (std::size_t j = i + 1; j < waiters.size(); ++j) CHECK(waiters[j].enter() == kind::wait);
    CHECK(waiters[i].rung() == 1);
    CHECK(waiters[i].enter() == kind::pass);
    waiters[i].leave();
  }
  CHECK(x.b.snapshot() == bulkhead_snapshot{.limit = 1});
}

TEST_CASE("a higher priority is served before a lower one that came earlier",
          "[bulkhead][priority]") {
  bench x{{.limit = 1, .max_waiting = 10, .max_wait = 1h}};
  auto held = x.b.try_acquire();
  auto low = x.queued(call_priority::low);
  auto normal = x.queued(call_priority::normal);
  auto critical = x.queued(call_priority::critical);
  auto background = x.queued(call_priority::background);
  auto high = x.queued(call_priority::high);
  held.release();
  for (visitor* v : {&critical, &high, &normal, &low, &background}) {
    REQUIRE(v->enter() == kind::pass);
    v->leave();
  }
}

TEST_CASE("no more than seven in a row are served past the one who has waited longest",
          "[bulkhead][priority]") {
  bench x{{.limit = 1, .max_waiting = 100, .max_wait = 1h}};
  auto held = x.b.try_acquire();
  auto patient = x.queued(call_priority::background);
  std::vector<visitor> pushers;
  for (int i = 0; i < 20; ++i) pushers.push_back(x.queued(call_priority::critical));
  held.release();
  for (std::size_t i = 0; i < 7; ++i) {
    REQUIRE(pushers[i].enter() == kind::pass);
    CHECK(patient.enter() == kind::wait);
    pushers[i].leave();
  }
  CHECK(patient.enter() == kind::pass);
  CHECK(pushers[7].enter() == kind::wait);
  patient.leave();
  for (std::size_t i = 7; i < 20; ++i) {
    REQUIRE(pushers[i].enter() == kind::pass);
    pushers[i].leave();
  }
}

TEST_CASE("a permit that comes free goes to who waits and not to who comes by",
          "[bulkhead][queue]") {
  bench x{{.limit = 1, .max_waiting = 2, .max_wait = 1h}};
  auto held = x.b.try_acquire();
  auto waiter = x.queued();
  held.release();
  CHECK_FALSE(x.b.try_acquire());
  auto late = x.come();
  CHECK(late.enter() == kind::wait);
  CHECK(waiter.enter() == kind::pass);
  waiter.leave();
  CHECK(late.enter() == kind::pass);
}

TEST_CASE("while somebody waits a permit on its way back is for nobody who comes by",
          "[bulkhead][queue]") {
  gabion::detail::permit_word<gabion::native_env> word{1};
  REQUIRE(word.try_take());
  REQUIRE_FALSE(word.take_or_wait());
  // The moment between the return of a permit and the look at the queue.
  CHECK(word.give_back());
  CHECK_FALSE(word.try_take());
  CHECK(word.take_for_waiter());
  CHECK_FALSE(word.take_for_waiter());
  word.nobody_waits();
  CHECK_FALSE(word.give_back());
  CHECK(word.try_take());
  CHECK_FALSE(word.resize(3));
  REQUIRE(word.take_or_wait());
  REQUIRE(word.take_or_wait());
  REQUIRE_FALSE(word.take_or_wait());
  CHECK(word.resize(4));
}

TEST_CASE("the queue takes as many as it may and refuses the next one at once",
          "[bulkhead][queue]") {
  bench x{{.limit = 1, .max_waiting = 2, .max_wait = 1h}};
  const auto held = x.b.try_acquire();
  auto first = x.queued();
  auto second = x.queued();
  auto third = x.come();
  CHECK(third.enter() == kind::refuse);
  CHECK(third.why() == errc::overloaded);
  CHECK(x.b.snapshot().rejected == 1);
  first.abandon();
  CHECK(third.enter() == kind::wait);
}

TEST_CASE("without a queue or without anybody to wake a call is refused at once",
          "[bulkhead][queue]") {
  bench none{{.limit = 1, .max_waiting = 0}};
  const auto held = none.b.try_acquire();
  auto v = none.come();
  CHECK(v.enter() == kind::refuse);
  bench x{{.limit = 1, .max_waiting = 5}};
  const auto taken = x.b.try_acquire();
  auto deaf = x.come();
  deaf.deafen();
  CHECK(deaf.enter() == kind::refuse);
  CHECK(deaf.why() == errc::overloaded);
  CHECK(x.b.snapshot().waiting == 0);
}

TEST_CASE("a call waits until the waiting time is over and not a nanosecond longer",
          "[bulkhead][time]") {
  bench x{{.limit = 1, .max_waiting = 5, .max_wait = 100ms}};
  auto held = x.b.try_acquire();
  auto v = x.queued();
  CHECK(v.until() == x.time.now() + 100ms);
  x.time.advance(100ms - 1ns);
  CHECK(v.enter() == kind::wait);
  x.time.advance(1ns);
  CHECK(v.enter() == kind::refuse);
  CHECK(v.why() == errc::overloaded);
}

TEST_CASE("a deadline shortens the wait and ends it as a timeout", "[bulkhead][time]") {
  bench x{{.limit = 1, .max_waiting = 5, .max_wait = 100ms}};
  auto held = x.b.try_acquire();
  auto v = x.queued(call_priority::normal, deadline::at(x.time.now() + 40ms));
  CHECK(v.until() == x.time.now() + 40ms);
  x.time.advance(40ms);
  CHECK(v.enter() == kind::refuse);
  CHECK(v.why() == errc::timeout);
  auto expired = x.come(call_priority::normal, deadline::at(x.time.now()));
  CHECK(expired.enter() == kind::refuse);
  CHECK(expired.why() == errc::timeout);
  CHECK(x.b.snapshot().waiting == 0);
}

TEST_CASE("a wait without an end waits for the deadline alone", "[bulkhead][time]") {
  bench x{{.limit = 1, .max_waiting = 5, .max_wait = (gabion::duration::max)()}};
  auto held = x.b.try_acquire();
  auto v = x.queued();
  CHECK(v.until() == (gabion::instant::max)());
  x.time.advance(1000h);
  CHECK(v.enter() == kind::wait);
}

TEST_CASE("a caller that gives up leaves the queue as cancelled", "[bulkhead][cancel]") {
  bench x{{.limit = 1, .max_waiting = 5}};
  auto held = x.b.try_acquire();
  auto v = x.queued();
  v.give_up();
  CHECK(v.enter() == kind::refuse);
  CHECK(v.why() == errc::cancelled);
  CHECK(x.b.snapshot() == bulkhead_snapshot{.limit = 1, .in_use = 1, .cancelled = 1});
  held.release();
  CHECK(x.b.try_acquire());
  auto stopped = x.come();
  stopped.give_up();
  held = x.b.try_acquire();
  CHECK(stopped.enter() == kind::refuse);
  CHECK(stopped.why() == errc::cancelled);
}

TEST_CASE("a permit that comes together with the end of the wait is taken", "[bulkhead][race]") {
  bench x{{.limit = 1, .max_waiting = 5, .max_wait = 1s}};
  auto held = x.b.try_acquire();
  auto v = x.queued();
  held.release();
  x.time.advance(1s);
  CHECK(v.enter() == kind::pass);
  v.leave();
  CHECK(x.b.snapshot() == bulkhead_snapshot{.limit = 1});
}

TEST_CASE("a permit that comes too late for the caller goes to the next one", "[bulkhead][race]") {
  bench x{{.limit = 1, .max_waiting = 5, .max_wait = 1h}};
  auto held = x.b.try_acquire();
  auto late = x.queued(call_priority::normal, deadline::at(x.time.now() + 1s));
  auto gone = x.queued();
  auto dropped = x.queued();
  auto next = x.queued();
  held.release();
  x.time.advance(1s);
  CHECK(late.enter() == kind::refuse);
  CHECK(late.why() == errc::timeout);
  gone.give_up();
  CHECK(gone.rung() == 1);
  CHECK(gone.enter() == kind::refuse);
  CHECK(gone.why() == errc::cancelled);
  CHECK(dropped.rung() == 1);
  dropped.abandon();
  CHECK(next.rung() == 1);
  CHECK(next.enter() == kind::pass);
  CHECK(x.b.snapshot() ==
        bulkhead_snapshot{.limit = 1, .in_use = 1, .timed_out = 1, .cancelled = 1});
}

TEST_CASE("a run that is destroyed leaves the queue or gives its permit back", "[bulkhead][run]") {
  bench x{{.limit = 1, .max_waiting = 5}};
  auto first = x.come();
  REQUIRE(first.enter() == kind::pass);
  auto second = x.queued();
  second.abandon();
  CHECK(x.b.snapshot().waiting == 0);
  auto third = x.queued();
  first.abandon();
  CHECK(third.enter() == kind::pass);
}

TEST_CASE("the run of a bulkhead without a queue passes or refuses at once", "[bulkhead][run]") {
  bulkhead b{{.limit = 1}};
  call_context context;
  gabion::call_outcome outcome;
  const auto now = [] { return gabion::instant{}; };
  bulkhead::run first{b};
  bulkhead::run second{b};
  CHECK(first.enter(context, now).what == kind::pass);
  CHECK(second.enter(context, now).why == gabion::refusal{errc::overloaded, 0ns});
  CHECK(first.leave(outcome, context, now).what == gabion::exit_step::kind::up);
  CHECK(second.enter(context, now).what == kind::pass);
  { const bulkhead::run dropped = std::move(second); }
  CHECK(b.snapshot().in_use == 0);
}

TEST_CASE("options on both sides of their bounds", "[bulkhead][options]") {
  CHECK(valid(gabion::bulkhead_options{.limit = 0}));
  CHECK(valid(gabion::bulkhead_options{.limit = 2'147'483'647}));
  CHECK_FALSE(valid(gabion::bulkhead_options{.limit = 2'147'483'648}));
  CHECK(complaint([] { bulkhead{{.limit = 2'147'483'648}}; }) ==
        "bulkhead_options.limit is 2147483648; allowed: 0 to 2147483647: invalid argument");
  CHECK(valid(queueing_bulkhead_options{
      .limit = 2'147'483'647, .max_waiting = 1'000'000, .max_wait = 1ns}));
  CHECK_FALSE(valid(queueing_bulkhead_options{.limit = 2'147'483'648}));
  CHECK_FALSE(valid(queueing_bulkhead_options{.max_waiting = 1'000'001}));
  CHECK_FALSE(valid(queueing_bulkhead_options{.max_wait = 0ns}));
  CHECK(complaint([] {
          queueing_bulkhead{{.limit = 2'147'483'648}};
        }).find("queueing_bulkhead_options.limit is 2147483648") == 0);
  CHECK(
      complaint([] { queueing_bulkhead{{.max_waiting = 1'000'001}}; }) ==
      "queueing_bulkhead_options.max_waiting is 1000001; allowed: 0 to 1000000: invalid argument");
  CHECK(complaint([] { queueing_bulkhead{{.max_wait = 0ns}}; }) ==
        "queueing_bulkhead_options.max_wait is 0 ns; allowed: more than 0 ns: invalid argument");
  bulkhead b{{.limit = 7}};
  CHECK(complaint([&] { b.resize(2'147'483'648); }).find("bulkhead_options.limit is 2147483648") ==
        0);
  CHECK(b.snapshot().limit == 7);
  b.resize(2'147'483'647);
  CHECK(b.try_acquire());
  queueing_bulkhead q{{.limit = 7}};
  CHECK(complaint([&] {
          q.resize(2'147'483'648);
        }).find("queueing_bulkhead_options.limit is 2147483648") == 0);
  CHECK(q.snapshot().limit == 7);
}

namespace {

/// What a bulkhead should do, in the plainest words.
struct plain_bulkhead {
  std::uint32_t limit;
  std::size_t most;
  std::uint32_t in_use = 0;
  std::uint64_t passed_over = 0;
  struct waiting {
    int who;
    call_priority priority;
  };
  std::deque<waiting> line{};
  std::vector<int> granted{};

  void serve() {
    while (in_use < limit && !line.empty()) {
      std::size_t next = 0;
      for (std::size_t i = 1; i < line.size(); ++i)
        if (line[i].priority > line[next].priority) next = i;
      if (passed_over == 7) next = 0;
      passed_over = next == 0 ? 0 : passed_over + 1;
      granted.push_back(line[next].who);
      line.erase(line.begin() + static_cast<std::ptrdiff_t>(next));
      ++in_use;
    }
  }
  bool was_granted(int who) const {
    return std::find(granted.begin(), granted.end(), who) != granted.end();
  }
  kind come(int who, call_priority p) {
    if (line.empty() && in_use < limit) {
      ++in_use;
      return kind::pass;
    }
    if (limit == 0 || line.size() >= most) return kind::refuse;
    line.push_back({who, p});
    return kind::wait;
  }
};

}  // namespace

TEST_CASE("any order of calls does what the plain model does", "[bulkhead][model]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    gabion::xoshiro256 random{seed};
    bench x{{.limit = 3, .max_waiting = 6, .max_wait = 1h}};
    plain_bulkhead model{.limit = 3, .most = 6};
    struct guest {
      int name;
      visitor v;
      bool inside;
    };
    std::vector<guest> guests;
    for (int step = 0; step < 120; ++step) {
      const auto pick = guests.empty() ? 0 : gabion::uniform(random, guests.size());
      switch (gabion::uniform(random, 6)) {
        case 0:
        case 1: {  // somebody comes
          const auto priority = static_cast<call_priority>(gabion::uniform(random, 5));
          visitor v = x.come(priority);
          const kind got = v.enter();
          REQUIRE(got == model.come(step, priority));
          if (got != kind::refuse) guests.push_back({step, std::move(v), got == kind::pass});
          break;
        }
        case 2: {  // a new limit
          model.limit = static_cast<std::uint32_t>(gabion::uniform(random, 6));
          x.b.resize(model.limit);
          model.serve();
          break;
        }
        default: {  // somebody goes, from inside or from the queue
          if (guests.empty()) break;
          guest g = std::move(guests[pick]);
          guests.erase(guests.begin() + static_cast<std::ptrdiff_t>(pick));
          const bool held = g.inside || model.was_granted(g.name);
          if (held) {
            --model.in_use;
          } else {
            std::erase_if(model.line, [&](const auto& w) { return w.who == g.name; });
          }
          g.v.abandon();
          model.serve();
        }
      }
      for (guest& g : guests)
        if (!g.inside) REQUIRE((g.inside = g.v.enter() == kind::pass) == model.was_granted(g.name));
      const auto s = x.b.snapshot();
      REQUIRE(s.in_use == model.in_use);
      REQUIRE(s.waiting == model.line.size());
      REQUIRE(s.limit == model.limit);
    }
  }
}
