// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <gabion/circuit_breaker.hpp>
#include <gabion/testing/explorer_env.hpp>

#include "explore/scenario.hpp"

// A circuit breaker to race on, and what must hold after each race.
namespace explored::breakers {

using gabion::circuit_breaker_options;
using gabion::circuit_snapshot;
using gabion::circuit_state;
using gabion::circuit_transition;

/// Stands still while the threads run; a scenario moves it before.
struct held_clock {
  const gabion::instant* at;
  [[nodiscard]] gabion::instant now() const noexcept { return *at; }
};

/// What a listener heard, and whether it was ever told two things at once.
struct hearing {
  std::vector<circuit_transition> events{};
  explorer_env::atomic<int> inside{0};
  bool overlapped = false;
};
struct recorder {
  hearing* heard;
  void operator()(const circuit_transition& t) const {
    if (heard->inside.fetch_add(1) != 0) heard->overlapped = true;
    heard->events.push_back(t);
    heard->inside.fetch_sub(1);
  }
};

using breaker = gabion::basic_circuit_breaker<held_clock, recorder, explorer_env>;

/// A breaker with its time and what its listener heard.
struct bench {
  gabion::instant now{1h};
  hearing heard{};
  breaker b;

  explicit bench(const circuit_breaker_options& o) : b{o, held_clock{&now}, recorder{&heard}} {}

  [[nodiscard]] const std::vector<circuit_transition>& events() const { return heard.events; }

  void fail() { b.try_acquire()->failure(); }
  void succeed() { b.try_acquire()->success(); }
  void open_until_over() {
    fail();
    now += 10s;
  }

  /// Transitions hang together, and every call is in exactly one count.
  void check_always(explorer& e, std::uint64_t calls) {
    circuit_state state = circuit_state::closed;
    std::uint32_t generation = 0;
    e.expect(!heard.overlapped, "the listener was told two things at once");
    for (const circuit_transition& t : events()) {
      e.expect(t.generation == ++generation, "an event is missing or out of order");
      e.expect(t.from == state, "an event does not begin where the one before ended");
      state = t.to;
    }
    const circuit_snapshot s = b.snapshot();
    e.expect(s.generation == generation, "a transition without an event");
    e.expect(s.counts.settled() + s.counts.rejected + s.probes_out == calls,
             "a call is in no count or in two");
  }
};

}  // namespace explored::breakers
