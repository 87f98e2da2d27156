// SPDX-License-Identifier: MIT
// A random sequence of what a caller can do to a breaker, run against the breaker and the model
// side by side.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gabion/circuit_breaker.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "resilience/circuit_model.hpp"

namespace circuit_model {

enum class action : std::uint8_t {
  acquire,
  settle,
  advance,
  trip,
  reset,
  set_mode,
  reconfigure,
  save_restore,
  restore
};

/// One step. What an action does not need is zero, so that a shorter sequence is also a plainer
/// one.
struct operation {
  action what = action::acquire;
  /// Settle: which of the permits that are out; reconfigure: which options; set_mode: which mode
  std::uint32_t which = 0;
  verdict how = verdict::success;
  std::int64_t amount = 0;  ///< advance, trip, settle: a time in units; for_ever = duration::max()
  circuit_record record{};
  friend bool operator==(const operation&, const operation&) = default;
};

inline constexpr std::int64_t for_ever = 1'000'000'000;

struct sequence {
  duration unit{1};
  std::array<circuit_breaker_options, 3> options{};  ///< the first is what it is made with
  std::vector<operation> operations{};

  [[nodiscard]] duration time(std::int64_t amount) const {
    return amount == for_ever ? (duration::max)() : amount * unit;
  }
};

/// Tells everything to two lists, as the model does.
struct ear {
  std::vector<told>* ordered;
  std::vector<told>* calls;

  void operator()(const gabion::circuit_transition& t) const {
    ordered->push_back({.what = told::kind::transition,
                        .from = t.from,
                        .to = t.to,
                        .cause = t.cause,
                        .generation = t.generation,
                        .at = t.at,
                        .failed = t.failed,
                        .calls = t.calls,
                        .time = t.open_for,
                        .attempt = t.attempt});
  }
  void operator()(const gabion::circuit_reset& r) const {
    ordered->push_back({.what = told::kind::reset, .cause = r.cause, .at = r.at});
  }
  void operator()(const gabion::circuit_reconfigured& r) const {
    ordered->push_back({.what = told::kind::reconfigured, .at = r.at});
  }
  void operator()(const gabion::circuit_mode_changed& m) const {
    ordered->push_back(
        {.what = told::kind::mode, .mode_from = m.from, .mode_to = m.to, .at = m.at});
  }
  void operator()(const gabion::circuit_would_open& w) const {
    ordered->push_back({.what = told::kind::would_open,
                        .cause = w.cause,
                        .at = w.at,
                        .failed = w.failed,
                        .calls = w.calls});
  }
  void operator()(const gabion::circuit_recorded& r) const {
    told t{.what = told::kind::recorded, .generation = r.generation, .how = r.verdict};
    // of others the time may be known, or not
    if (r.verdict == verdict::success || r.verdict == verdict::failure) {
      t.time = r.took.value_or(duration::zero());
      t.measured = r.took.has_value();
      t.slow = r.slow;
    }
    calls->push_back(t);
  }
  void operator()(const gabion::circuit_rejected& r) const {
    calls->push_back(
        {.what = told::kind::rejected, .time = r.why.retry_after, .why = r.why.reason});
  }
  void operator()(const gabion::circuit_late& l) const {
    calls->push_back({.what = told::kind::late, .generation = l.generation, .how = l.verdict});
  }
  void operator()(const gabion::circuit_abandoned& a) const {
    calls->push_back({.what = told::kind::abandoned, .generation = a.generation});
  }
};

/// What a run has gone through, to know that it proves something.
struct coverage {
  std::array<std::uint64_t, 22> causes{};
  std::array<std::uint64_t, 9> events{};
  std::array<std::uint64_t, 4> refusals{};
};

/// A breaker and its model, kept in step.
class pair_of_breakers {
 public:
  explicit pair_of_breakers(const sequence& s)
      : s_{s},
        breaker_{s.options[0], time_.clock(), ear{&ordered_, &calls_}},
        model_{s.options[0]} {}

  /// The first difference after this step, or nothing.
  std::string step(const operation& x) {
    ordered_.clear();
    calls_.clear();
    model_.ordered.clear();
    model_.calls.clear();
    std::string found = apply(x);
    return found.empty() ? difference() : found;
  }
  void add_to(coverage& c) const {
    for (const told& t : ordered_) {
      ++c.events.at(static_cast<std::size_t>(t.what));
      if (t.what == told::kind::transition) ++c.causes.at(static_cast<std::size_t>(t.cause));
    }
    for (const told& t : calls_) {
      ++c.events.at(static_cast<std::size_t>(t.what));
      if (t.what == told::kind::rejected) ++c.refusals.at(static_cast<std::size_t>(t.why));
    }
  }

 private:
  using breaker = gabion::basic_circuit_breaker<gabion::testing::manual_clock, ear>;
  struct held {
    breaker::permit permit;
    call mine;
  };

  const sequence& s_;
  gabion::testing::manual_time time_{};
  std::vector<told> ordered_{};
  std::vector<told> calls_{};
  breaker breaker_;
  model model_;
  std::vector<held> out_{};

  std::string apply(const operation& x) {
    const instant now = time_.now();
    switch (x.what) {
      case action::acquire: return acquire(now);
      case action::settle: settle(x, now); break;
      case action::advance: time_.advance(s_.time(x.amount)); break;
      case action::trip:
        if (breaker_.trip(s_.time(x.amount), circuit_cause::quorum) !=
            model_.trip(s_.time(x.amount), circuit_cause::quorum, now))
          return "what trip() answers";
        break;
      case action::reset:
        breaker_.reset(circuit_cause::parent);
        model_.reset(circuit_cause::parent, now);
        break;
      case action::set_mode:
        breaker_.set_mode(static_cast<circuit_mode>(x.which));
        model_.set_mode(static_cast<circuit_mode>(x.which), now);
        break;
      case action::reconfigure:
        breaker_.reconfigure(s_.options.at(x.which));
        model_.reconfigure(s_.options.at(x.which), now);
        break;
      case action::save_restore:
        breaker_.restore(breaker_.save());
        model_.restore(model_.save(now), now);
        break;
      case action::restore:
        breaker_.restore(x.record);
        model_.restore(x.record, now);
        break;
    }
    return {};
  }

  std::string acquire(instant now) {
    auto admitted = breaker_.try_acquire();
    const auto expected = model_.acquire(now);
    if (static_cast<bool>(admitted) == expected.has_value())
      return "whether the call is let through";
    if (expected && (expected->reason != admitted.rejection().reason ||
                     expected->retry_after != admitted.rejection().retry_after))
      return "why the call is rejected, or for how long: " +
             std::to_string(admitted.rejection().retry_after.count());
    if (admitted) out_.push_back({std::move(admitted).permit(), model_.admitted()});
    return {};
  }

  void settle(const operation& x, instant now) {
    if (out_.empty()) return;
    const auto at = static_cast<std::ptrdiff_t>(x.which % out_.size());
    held h = std::move(out_[static_cast<std::size_t>(at)]);
    out_.erase(out_.begin() + at);
    const duration stated = x.how == verdict::failure ? s_.time(x.amount) : duration::zero();
    if (x.how == dropped)
      h.permit = {};
    else if (stated != duration::zero())
      h.permit.settle(x.how, stated);
    else
      h.permit.settle(x.how);
    model_.settle(h.mine, x.how, stated, now);
  }

  std::string difference() const {
    const instant now = time_.now();
    const auto is = [](const char* what, auto b, auto m) {
      using wide = std::conditional_t<std::is_signed_v<decltype(b)>, std::int64_t, std::uint64_t>;
      return std::string{what} + ": the breaker has " + std::to_string(static_cast<wide>(b)) +
             ", the model " + std::to_string(static_cast<wide>(m));
    };
    const gabion::circuit_snapshot b = breaker_.snapshot();
    const gabion::circuit_snapshot m = model_.look(now);
    if (b.state != m.state)
      return is("state", static_cast<unsigned>(b.state), static_cast<unsigned>(m.state));
    if (breaker_.state() != b.state) return "state() and snapshot().state";
    if (b.mode != m.mode || breaker_.mode() != b.mode) return "mode";
    if (b.generation != m.generation) return is("generation", b.generation, m.generation);
    if (b.retry_after != m.retry_after)
      return is("retry_after", b.retry_after.count(), m.retry_after.count());
    if (b.attempt != m.attempt) return is("attempt", b.attempt, m.attempt);
    if (b.consecutive_failures != m.consecutive_failures)
      return is("consecutive_failures", b.consecutive_failures, m.consecutive_failures);
    if (const auto d = window_difference(b.window, m.window); !d.empty()) return "window." + d;
    if (const auto d = window_difference(b.time_window, m.time_window); !d.empty())
      return "time_window." + d;
    if (b.window_calls != m.window_calls || b.window_failed != m.window_failed)
      return "window_calls or window_failed";
    if (b.probes_succeeded != m.probes_succeeded)
      return is("probes_succeeded", b.probes_succeeded, m.probes_succeeded);
    if (b.probes_failed != m.probes_failed)
      return is("probes_failed", b.probes_failed, m.probes_failed);
    if (b.probes_out != m.probes_out) return is("probes_out", b.probes_out, m.probes_out);
    if (b.ramp_percent != m.ramp_percent) return is("ramp_percent", b.ramp_percent, m.ramp_percent);
    if (b.in_flight != m.in_flight) return is("in_flight", b.in_flight, m.in_flight);
    if (const auto d = counts_difference(b.counts, m.counts); !d.empty()) return "counts." + d;
    if (b.listener_failures != 0 || b.events_missed != 0)
      return "listener_failures or events_missed";
    if (const auto d = events_difference(ordered_, model_.ordered); !d.empty())
      return "ordered events: " + d;
    if (const auto d = events_difference(calls_, model_.calls); !d.empty())
      return "events of calls: " + d;
    const auto e = breaker_.explain();
    if (e.generation != 0 &&
        (e.cause != model_.last_reason(now).cause || e.failed != model_.last_reason(now).failed ||
         e.calls != model_.last_reason(now).calls))
      return "explain(): the cause or what decided";
    const auto saved = breaker_.save(), should = model_.save(now);
    if (saved.mode != should.mode) return "save().mode";
    if (saved.state != should.state)
      return is("save().state", static_cast<unsigned>(saved.state),
                static_cast<unsigned>(should.state));
    if (saved.open_left != should.open_left)
      return is("save().open_left", saved.open_left.count(), should.open_left.count());
    if (saved.consecutive_failures != should.consecutive_failures)
      return is("save().consecutive_failures", saved.consecutive_failures,
                should.consecutive_failures);
    if (saved.ramp_step != should.ramp_step)
      return is("save().ramp_step", saved.ramp_step, should.ramp_step);
    if (saved.attempt != should.attempt) return is("save().attempt", saved.attempt, should.attempt);
    if (!(saved == should)) return "save()";
    return {};
  }

  static std::string window_difference(const gabion::circuit_window_view& b,
                                       const gabion::circuit_window_view& m) {
    const auto is = [](const char* what, std::uint64_t x, std::uint64_t y) {
      return std::string{what} + ": the breaker has " + std::to_string(x) + ", the model " +
             std::to_string(y);
    };
    if (b.calls != m.calls) return is("calls", b.calls, m.calls);
    if (b.failed != m.failed) return is("failed", b.failed, m.failed);
    if (b.slow != m.slow) return is("slow", b.slow, m.slow);
    if (b.slow_or_failed != m.slow_or_failed)
      return is("slow_or_failed", b.slow_or_failed, m.slow_or_failed);
    if (b.overdue != m.overdue) return is("overdue", b.overdue, m.overdue);
    if (b.minimum_calls != m.minimum_calls)
      return is("minimum_calls", b.minimum_calls, m.minimum_calls);
    return {};
  }

  static std::string counts_difference(const gabion::circuit_counts& b,
                                       const gabion::circuit_counts& m) {
    if (b == m) return {};
    const auto text = [](const gabion::circuit_counts& c) {
      std::string s;
      for (const std::uint64_t n :
           {c.success, c.failure, c.ignored, c.cancelled, c.abandoned, c.late, c.rejected})
        s += ' ' + std::to_string(n);
      return s;
    };
    return "success failure ignored cancelled abandoned late rejected: the breaker has" + text(b) +
           ", the model" + text(m);
  }

  static std::string text(const told& t) {
    constexpr std::array<const char*, 9> kinds{"transition",   "reset",      "reconfigured",
                                               "mode_changed", "would_open", "recorded",
                                               "rejected",     "late",       "abandoned"};
    std::string s{kinds.at(static_cast<std::size_t>(t.what))};
    s.append(" ").append(to_string(t.from)).append("->").append(to_string(t.to));
    s.append(", ")
        .append(to_string(t.cause))
        .append(", generation ")
        .append(std::to_string(t.generation));
    s.append(", ").append(std::to_string(t.failed)).append(" of ").append(std::to_string(t.calls));
    s.append(", at ")
        .append(std::to_string(t.at.time_since_epoch().count()))
        .append(", time ")
        .append(std::to_string(t.time.count()));
    s.append(", attempt ").append(std::to_string(t.attempt)).append(t.slow ? ", slow" : "");
    return s.append(t.measured ? ", measured" : "");
  }
  static std::string events_difference(const std::vector<told>& b, const std::vector<told>& m) {
    if (b == m) return {};
    std::string s = "the breaker tells";
    for (const told& t : b) s.append("\n    ").append(text(t));
    s += "\n  the model tells";
    for (const told& t : m) s.append("\n    ").append(text(t));
    return s;
  }
};

/// Runs it; the first difference, with the number of the operation that showed it, or nothing.
struct finding {
  std::size_t at;
  std::string what;
};
inline std::optional<finding> run(const sequence& s, coverage* seen = nullptr) {
  pair_of_breakers pair{s};
  for (std::size_t i = 0; i < s.operations.size(); ++i) {
    std::string difference = pair.step(s.operations[i]);
    if (!difference.empty()) return finding{i, std::move(difference)};
    if (seen != nullptr) pair.add_to(*seen);
  }
  return std::nullopt;
}

}  // namespace circuit_model
