// SPDX-License-Identifier: MIT
#include <coroutine>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/log/pump.hpp>
#include <gabion/outbox/record.hpp>

#include "support/catch.hpp"

// The relay of a program that never blocks: a coroutine around the pump, with a store and a
// transport whose operations complete later, in an event loop, as they would with asio.
namespace {

using namespace gabion;
using namespace std::chrono_literals;

/// One thread, a virtual clock, and things to do at a time.
class event_loop {
 public:
  [[nodiscard]] instant now() const { return now_; }
  void at(instant when, std::function<void()> what) {
    due_.emplace(std::max(when, now_), std::move(what));
  }
  void after(duration d, std::function<void()> what) { at(now_ + d, std::move(what)); }
  void run() {
    while (!due_.empty()) {
      auto first = due_.extract(due_.begin());
      now_ = first.key();
      first.mapped()();
    }
  }

 private:
  instant now_{1h};
  std::multimap<instant, std::function<void()>> due_{};
};

/// A coroutine that begins at once and is owned by nobody.
struct detached {
  struct promise_type {
    detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

/// An operation that gives a T some time later.
template <class T>
struct operation {
  event_loop* loop;
  duration takes;
  std::function<T()> work;
  std::optional<T> result{};
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    loop->after(takes, [this, self] {
      result.emplace(work());
      self.resume();
    });
  }
  T await_resume() { return std::move(*result); }
};

struct async_store {
  event_loop& loop;
  std::map<position, outbox_record> pending{};
  std::uint64_t epoch = 0;
  bool busy = false;
  int overlaps = 0;

  template <class T>
  operation<T> later(std::function<T()> work) {
    overlaps += std::exchange(busy, true) ? 1 : 0;
    return {&loop, 3ms, [this, work = std::move(work)] {
              busy = false;
              return work();
            }};
  }
  operation<std::optional<lease>> acquire() {
    return later<std::optional<lease>>([this] { return lease{"outbox/0", "async", ++epoch}; });
  }
  operation<bool> renew() {
    return later<bool>([] { return true; });
  }
  operation<std::vector<outbox_record>> fetch(position after, std::size_t limit) {
    return later<std::vector<outbox_record>>([this, after, limit] {
      std::vector<outbox_record> found;
      for (auto r = pending.upper_bound(after); r != pending.end() && found.size() < limit; ++r)
        found.push_back(r->second);
      return found;
    });
  }
  operation<settle_status> settle(std::vector<settlement> done) {
    return later<settle_status>([this, done = std::move(done)] {
      for (const settlement& s : done)
        if (s.as == disposition::delivered) pending.erase(s.at);
      return settle_status::applied;
    });
  }
};

/// Delivers in its own time and calls back, as a client library with its own event loop does.
struct async_transport {
  event_loop& loop;
  std::vector<std::string> sent{};
  std::size_t most_flying = 0;
  std::size_t flying = 0;
  bool fail_first = true;

  void submit(position at, const message& m, std::function<void(delivery)> done) {
    most_flying = std::max(most_flying, ++flying);
    const bool fails = m.id == "k0-2" && std::exchange(fail_first, false);
    if (!fails) sent.push_back(m.id);
    loop.after(20ms, [this, at, fails, done = std::move(done)] {
      --flying;
      done({.at = at, .result = fails ? outcome::retry : outcome::delivered});
    });
  }
};

/// Everything that is needed to drive the pump: about the size of an adapter for a real library.
struct async_relay {
  event_loop& loop;
  async_store& store;
  async_transport& transport;
  pump<outbox_record> core{
      {.poll_every = 50ms, .rescan_every = 200ms, .retry = {.initial = 10ms, .cap = 10ms}},
      {},
      xoshiro256{1}};
  int turns = 0;
  bool stopped = false;
  std::optional<instant> timer{};

  /// Takes steps until there is nothing to do; called again by whatever completes.
  void turn() {
    for (;;) {
      ++turns;
      const auto step = core.next(loop.now());
      if (step.step == pump_step::stopped) stopped = true;
      if (step.step == pump_step::wait) sleep(step.until);
      if (step.step == pump_step::wait || step.step == pump_step::stopped) return;
      if (step.step == pump_step::submit)
        hand_over(step);
      else
        ask(step);
    }
  }

  void sleep(instant until) {
    if (until == (instant::max)() || (timer && *timer <= until)) return;
    timer = until;
    loop.at(until, [this, until] {
      if (timer != until) return;
      timer.reset();
      turn();
    });
  }

  void hand_over(const pump_action<outbox_record>& step) {
    for (const auto& s : step.batch)
      transport.submit(s.at, s.record->what, [this](const delivery& d) {
        core.resolved({&d, 1}, loop.now());
        turn();
      });
    core.submitted(step.batch.size(), loop.now());
  }

  detached ask(pump_action<outbox_record> step) {
    const instant asked_at = loop.now();
    if (step.step == pump_step::acquire) core.leased(co_await store.acquire(), asked_at);
    if (step.step == pump_step::renew) core.renewed(co_await store.renew(), asked_at);
    if (step.step == pump_step::release) {
      (void)co_await store.renew();
      core.released();
    }
    if (step.step == pump_step::fetch)
      core.fetched(co_await store.fetch(step.after, step.limit), loop.now());
    if (step.step == pump_step::settle)
      core.settled(co_await store.settle(
          std::vector<settlement>(step.settlements.begin(), step.settlements.end())));
    turn();
  }
};

}  // namespace

TEST_CASE(
    "a coroutine relay publishes over an asynchronous store and transport without blocking a "
    "thread",
    "[relay][async]") {
  event_loop loop;
  async_store store{loop};
  async_transport transport{loop};
  async_relay relay{loop, store, transport};
  const auto put = [&](std::uint64_t at, const std::string& key, int n) {
    store.pending[position{at}] = {
        position{at}, message{.id = key + "-" + std::to_string(n), .type = "t", .subject = key}};
  };
  for (int n = 1; n <= 5; ++n)
    for (int k = 0; k < 4; ++k)
      put(static_cast<std::uint64_t>(n * 10 + k), "k" + std::to_string(k), n);
  loop.after(100ms, [&] {
    put(1000, "late", 1);
    relay.core.wake();
    relay.turn();
  });
  loop.after(1s, [&] {
    relay.core.stop();
    relay.turn();
  });
  const auto before = std::this_thread::get_id();
  relay.turn();
  loop.run();

  CHECK(std::this_thread::get_id() == before);
  CHECK(relay.stopped);
  CHECK(store.pending.empty());
  CHECK(store.overlaps == 0);
  CHECK(transport.sent.size() == 21);
  CHECK(transport.most_flying == 5);  // one of each key at a time, and the five keys side by side
  std::vector<std::string> of_k0;
  for (const std::string& id : transport.sent)
    if (id.starts_with("k0")) of_k0.push_back(id);
  CHECK(of_k0 == std::vector<std::string>{"k0-1", "k0-2", "k0-3", "k0-4", "k0-5"});
  CHECK(relay.turns < 400);  // it slept in between
}
