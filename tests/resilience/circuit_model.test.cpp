// SPDX-License-Identifier: MIT
// Random sequences against a model that is too simple to be wrong: a deque of outcomes and plain numbers.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gabion/resilience/detail/circuit_window.hpp>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

using namespace circuit_tests;

namespace {

struct model {
  explicit model(const circuit_breaker_options& options) : o{options} {}

  circuit_breaker_options o;
  circuit_state state = circuit_state::closed;
  std::uint32_t generation = 0;
  std::uint32_t row = 0;
  std::deque<bool> window{};
  gabion::instant open_until{};
  gabion::instant probes_until{};
  std::uint32_t out = 0;
  std::uint32_t successes = 0;
  circuit_counts counts{};

  [[nodiscard]] auto failed() const { return static_cast<std::uint32_t>(std::count(window.begin(), window.end(), true)); }

  void enter(circuit_state next, gabion::instant at) {
    state = next;
    ++generation;
    row = out = successes = 0;
    if (next == circuit_state::open) open_until = at + o.open_for;
    if (next == circuit_state::closed) window.clear();
  }

  void pass_time(gabion::instant now) {
    if (state == circuit_state::half_open && out > 0 && now >= probes_until) enter(circuit_state::open, probes_until);
  }

  [[nodiscard]] std::optional<std::uint32_t> acquire(gabion::instant now) {
    pass_time(now);
    if (state == circuit_state::open && now >= open_until) enter(circuit_state::half_open, now);
    if (state == circuit_state::open || (state == circuit_state::half_open && out == o.half_open_permits)) {
      ++counts.rejected;
      return std::nullopt;
    }
    if (state == circuit_state::half_open && out++ == 0)
      probes_until = now + (o.half_open_for == 0s ? o.open_for : o.half_open_for);
    return generation;
  }

  void settle(std::uint32_t of, int how, gabion::instant now) {  // 0 success, 1 failure, 2 ignored, 3 abandoned
    if (of == generation) pass_time(now);
    if (of != generation) {
      ++counts.late;
      return;
    }
    ++(how == 0 ? counts.success : how == 1 ? counts.failure : how == 2 ? counts.ignored : counts.abandoned);
    if (state == circuit_state::half_open) {
      --out;
      if (how == 1) return enter(circuit_state::open, now);
      if (how == 0 && ++successes == o.successes_to_close) enter(circuit_state::closed, now);
      return;
    }
    if (how > 1) return;
    if (o.window.calls != 0) {
      window.push_back(how == 1);
      if (window.size() > o.window.calls) window.pop_front();
      const auto total = static_cast<std::uint32_t>(window.size());
      if (total >= std::min(o.window.minimum_calls, o.window.calls) && failed() * 100 >= o.window.failure_percent * total)
        return enter(circuit_state::open, now);
    }
    row = how == 1 ? row + 1 : 0;
    if (o.failures != 0 && row >= o.failures) enter(circuit_state::open, now);
  }

  [[nodiscard]] circuit_state seen_at(gabion::instant now) const {
    model later = *this;
    later.pass_time(now);
    if (later.state == circuit_state::open && now >= later.open_until) return circuit_state::half_open;
    return later.state;
  }
};

circuit_breaker_options random_options(std::mt19937_64& random) {
  const auto pick = [&](std::uint32_t low, std::uint32_t high) {
    return low + static_cast<std::uint32_t>(random() % (high - low + 1));
  };
  circuit_breaker_options o;
  o.failures = pick(0, 4);
  if (o.failures == 0 || pick(0, 1) == 1) o.window = {pick(1, 40), pick(1, 100), pick(1, 30)};
  o.open_for = std::chrono::seconds{pick(1, 4)};
  o.half_open_permits = pick(1, 3);
  o.successes_to_close = pick(1, 4);
  o.half_open_for = std::chrono::seconds{pick(0, 3)};
  return o;
}

struct held {
  breaker::permit permit;
  std::uint32_t generation;
};

/// One random sequence; answers the first difference, or nothing.
std::string run(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  const circuit_breaker_options o = random_options(random);
  bench x{o};
  model m{o};
  std::vector<held> out;
  const std::uint64_t bias = random() % 10;
  for (int step = 0; step < 120; ++step) {
    const std::uint64_t dice = random() % 16;
    if (dice == 0) x.time.advance(std::chrono::milliseconds{random() % 2500});
    const auto now = x.time.now();
    if (dice < 9 || out.empty()) {
      auto admitted = x.b.try_acquire();
      const auto expected = m.acquire(now);
      if (static_cast<bool>(admitted) != expected.has_value()) return "admission differs at step " + std::to_string(step);
      if (admitted) out.push_back({std::move(admitted).permit(), *expected});
    } else {
      const auto which = static_cast<std::ptrdiff_t>(random() % out.size());
      held h = std::move(out[static_cast<std::size_t>(which)]);
      out.erase(out.begin() + which);
      const std::uint64_t roll = random() % 12;
      const int how = roll == 0 ? 2 : roll == 1 ? 3 : random() % 10 < bias ? 1 : 0;
      m.settle(h.generation, how, now);
      if (how == 3)
        h.permit = {};
      else
        h.permit.settle(static_cast<gabion::verdict>(how));
    }
    const auto s = x.b.snapshot();
    const auto text = [&](const char* what) { return what + (" differs at step " + std::to_string(step)); };
    if (s.state != m.seen_at(now)) return text("state");
    if (s.generation != m.generation) return text("generation");
    if (!(s.counts == m.counts)) return text("counts");
    if (s.window_calls != m.window.size() || s.window_failed != m.failed()) return text("window");
    if (m.state == circuit_state::closed && o.failures != 0 && s.consecutive_failures != m.row) return text("row");
    if (s.probes_out != m.out || s.probes_succeeded != m.successes) return text("probes");
    if (x.heard.size() != m.generation) return text("number of events");
  }
  return {};
}

}  // namespace

TEST_CASE("ten thousand random sequences end as the model says after each step", "[circuit_breaker][model]") {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    const std::string difference = run(seed);
    INFO("seed " << seed);
    REQUIRE(difference == "");
  }
}

TEST_CASE("the window is exact when its ticket wraps", "[circuit_breaker][window]") {
  // A ticket of 7 bits wraps every 128 outcomes.
  using window = gabion::detail::circuit_window<gabion::native_env, 7>;
  for (std::uint32_t calls = 1; calls <= 64; ++calls) {
    window w{{.calls = calls, .failure_percent = 100, .minimum_calls = calls}};
    window::tally_type tally{0};
    std::deque<bool> last;
    std::mt19937_64 random{calls};
    std::uint64_t retired = 0;
    static_cast<void>(w.restart(tally, 3));
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
      const bool failed = random() % 3 == 0;
      last.push_back(failed);
      if (last.size() > calls) last.pop_front();
      const auto failures = static_cast<std::uint32_t>(std::count(last.begin(), last.end(), true));
      const auto step = w.record(tally, 3, failed);
      REQUIRE(step.counted());
      if (step.retires()) retired += w.unretired(step.before).calls;
      REQUIRE(w.sum(step.after).calls == last.size());
      REQUIRE(w.sum(step.after).failed == failures);
      REQUIRE(retired + w.unretired(step.after).calls == i);
      if (step.tripped()) {
        REQUIRE(failures == calls);
        retired += w.restart(tally, 3).calls;
        last.clear();
      }
    }
  }
}
