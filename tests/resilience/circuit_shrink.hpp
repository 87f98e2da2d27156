// SPDX-License-Identifier: MIT
// Makes a sequence that shows a difference as short and plain as it gets, and writes it down as
// code.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "resilience/circuit_sequence.hpp"

namespace circuit_model {

inline std::string text(duration d) {
  if (d == (duration::max)()) return "duration::max()";
  for (const auto& [unit, name] : {std::pair{duration{std::chrono::hours{1}}, "h"},
                                   std::pair{duration{std::chrono::milliseconds{1}}, "ms"}})
    if (d != duration::zero() && d % unit == duration::zero())
      return std::to_string(d / unit) + name;
  return std::to_string(d.count()) + "ns";
}

/// The members that are not as they are by default, as an initialiser.
inline std::string text(const circuit_breaker_options& o) {
  const circuit_breaker_options plain{};
  std::string s;
  const auto add = [&s](const char* name, const std::string& value) {
    s.append(s.empty() ? "." : ", .").append(name).append(" = ").append(value);
  };
  const auto number = [&](const char* name, auto value, auto usual) {
    if (value != usual) add(name, std::to_string(value));
  };
  const auto time = [&](const char* name, duration value, duration usual) {
    if (value != usual) add(name, text(value));
  };
  const auto rates = [&](const auto& r, const auto& usual) {
    number("failure_percent", r.failure_percent, usual.failure_percent);
    number("minimum_calls", r.minimum_calls, usual.minimum_calls);
    number("slow_percent", r.slow_percent, usual.slow_percent);
    number("slow_or_failed_percent", r.slow_or_failed_percent, usual.slow_or_failed_percent);
  };
  const auto group = [&](const char* name, auto fill) {
    std::string outer = std::exchange(s, {});
    fill();
    const std::string inner = std::exchange(s, std::move(outer));
    if (!inner.empty()) add(name, "{" + inner + "}");
  };
  number("failures", o.failures, plain.failures);
  group("window", [&] { number("calls", o.window.calls, 0U), rates(o.window, plain.window); });
  group("time_window", [&] {
    time("span", o.time_window.span, duration::zero()),
        number("buckets", o.time_window.buckets, plain.time_window.buckets);
    rates(o.time_window, plain.time_window);
  });
  time("slow_after", o.slow_after, plain.slow_after);
  if (o.count_overdue) add("count_overdue", "true");
  time("open_for", o.open_for, plain.open_for);
  group("open_growth", [&] {
    number("factor_percent", o.open_growth.factor_percent, 100U),
        time("max", o.open_growth.max, plain.open_growth.max);
    time("quiet_for", o.open_growth.quiet_for, duration::zero());
  });
  if (o.open_time != nullptr) add("open_time", "by_attempt");
  time("max_stated_open", o.max_stated_open, plain.max_stated_open);
  number("half_open_permits", o.half_open_permits, plain.half_open_permits);
  number("successes_to_close", o.successes_to_close, plain.successes_to_close);
  number("half_open_calls", o.half_open_calls, plain.half_open_calls);
  number("half_open_failure_percent", o.half_open_failure_percent, plain.half_open_failure_percent);
  time("half_open_for", o.half_open_for, plain.half_open_for);
  group("ramp", [&] {
    std::string steps;
    for (const std::uint8_t p : o.ramp.percent)
      if (p != 0) steps.append(steps.empty() ? "" : ", ").append(std::to_string(p));
    if (!steps.empty()) add("percent", "{" + steps + "}");
    time("step_for", o.ramp.step_for, plain.ramp.step_for),
        number("step_calls", o.ramp.step_calls, plain.ramp.step_calls);
  });
  return "{" + s + "}";
}

/// The sequence as a test could have it.
inline std::string code_of(const sequence& s) {
  const auto time = [&](std::int64_t amount) { return text(s.time(amount)); };
  constexpr std::array<const char*, 4> modes{"normal", "isolated", "disabled", "metrics_only"};
  constexpr std::array<const char*, 4> states{"closed", "open", "half_open", "ramping"};
  constexpr std::array<const char*, 5> verdicts{"success", "failure", "ignored", "cancelled",
                                                "abandoned"};
  std::string c = "  bench x{" + text(s.options[0]) + "};\n";
  for (const operation& x : s.operations) {
    switch (x.what) {
      case action::acquire: c += "  out.push_back(x.b.try_acquire());"; break;
      case action::settle:
        c += "  settle(out, " + std::to_string(x.which) + ", " +
             verdicts.at(static_cast<std::size_t>(x.how));
        c += (x.amount != 0 && x.how == verdict::failure ? ", " + time(x.amount) : "") + ");";
        break;
      case action::advance: c += "  x.time.advance(" + time(x.amount) + ");"; break;
      case action::trip: c += "  x.b.trip(" + time(x.amount) + ");"; break;
      case action::reset: c += "  x.b.reset();"; break;
      case action::set_mode:
        c += std::string{"  x.b.set_mode(circuit_mode::"} + modes.at(x.which) + ");";
        break;
      case action::reconfigure:
        c += "  x.b.reconfigure(" + text(s.options.at(x.which)) + ");";
        break;
      case action::save_restore: c += "  x.b.restore(x.b.save());"; break;
      case action::restore: {
        const circuit_record& r = x.record;
        c += std::string{"  x.b.restore({.mode = circuit_mode::"} +
             modes.at(static_cast<std::size_t>(r.mode)) +
             ", .state = circuit_state::" + states.at(static_cast<std::size_t>(r.state)) +
             ", .open_left = " + text(r.open_left) +
             ", .consecutive_failures = " + std::to_string(r.consecutive_failures) +
             ", .probes_succeeded = " + std::to_string(r.probes_succeeded) +
             ", .probes_failed = " + std::to_string(r.probes_failed) +
             ", .ramp_step = " + std::to_string(r.ramp_step) +
             ", .attempt = " + std::to_string(r.attempt) + "});";
        break;
      }
    }
    c += '\n';
  }
  return c;
}

class shrinker {
 public:
  explicit shrinker(sequence s) : best_{std::move(s)} {}

  sequence shrunk() {
    if (const auto found = run(best_)) best_.operations.resize(found->at + 1);
    do {
      smaller_ = false;
      drop_operations();
      simplify_operations();
      simplify_options();
    } while (smaller_);
    return best_;
  }

 private:
  sequence best_;
  bool smaller_ = false;

  bool take_if_it_differs(const sequence& s) {
    for (const circuit_breaker_options& o : s.options)
      if (!valid(o)) return false;
    // Ever plainer, or it would go round in circles.
    const std::string now = code_of(s), before = code_of(best_);
    if (now.size() > before.size() || (now.size() == before.size() && now >= before) || !run(s))
      return false;
    best_ = s;
    return smaller_ = true;
  }

  void drop_operations() {
    for (std::size_t chunk = best_.operations.size(); chunk > 0; chunk /= 2)
      for (std::size_t at = 0; at + chunk <= best_.operations.size();) {
        sequence s = best_;
        const auto first = s.operations.begin() + static_cast<std::ptrdiff_t>(at);
        s.operations.erase(first, first + static_cast<std::ptrdiff_t>(chunk));
        if (!take_if_it_differs(s)) ++at;
      }
  }

  template <class T>
  void try_value(T& place_in_copy, const sequence& copy, T value) {
    if (place_in_copy == value) return;
    const T before = std::exchange(place_in_copy, value);
    if (!take_if_it_differs(copy)) place_in_copy = before;
  }

  void simplify_operations() {
    for (std::size_t i = 0; i < best_.operations.size(); ++i) {
      sequence s = best_;
      operation& x = s.operations[i];
      try_value(x.how, s, verdict::success);
      try_value(x.record, s, circuit_record{});
      for (std::uint32_t n = 0; n < x.which && n < 4; ++n) try_value(x.which, s, n);
      try_value(x.amount, s, std::int64_t{0});
      if (x.amount > 0) {
        for (std::int64_t n = 1; n < x.amount && n < 10; ++n) try_value(x.amount, s, n);
        while (x.amount > 10) {
          const std::int64_t before = x.amount;
          try_value(x.amount, s, x.amount / 2);
          if (x.amount == before) break;
        }
      }
    }
  }

  /// The same for one part of one set of options.
  template <class Part, class T>
  void try_part(std::size_t which, Part part, T value) {
    sequence s = best_;
    part(s.options.at(which)) = value;
    if (text(s.options.at(which)) != text(best_.options.at(which))) take_if_it_differs(s);
  }

  void simplify_options() {
    sequence s = best_;
    try_value(s.unit, s, duration{1});
    for (std::size_t i = 0; i < best_.options.size(); ++i) {
      const circuit_breaker_options plain{};
      try_part(i, [](auto& o) -> auto& { return o; }, plain);
      try_part(i, [](auto& o) -> auto& { return o.window; }, plain.window);
      try_part(i, [](auto& o) -> auto& { return o.time_window; }, plain.time_window);
      try_part(i, [](auto& o) -> auto& { return o.open_growth; }, plain.open_growth);
      try_part(i, [](auto& o) -> auto& { return o.ramp; }, plain.ramp);
      try_part(i, [](auto& o) -> auto& { return o.count_overdue; }, false);
      try_part(i, [](auto& o) -> auto& { return o.open_time; }, plain.open_time);
      try_part(i, [](auto& o) -> auto& { return o.open_for; }, plain.open_for);
      try_part(i, [](auto& o) -> auto& { return o.max_stated_open; }, plain.max_stated_open);
      try_part(i, [](auto& o) -> auto& { return o.half_open_permits; }, plain.half_open_permits);
      try_part(i, [](auto& o) -> auto& { return o.successes_to_close; }, plain.successes_to_close);
      for (const std::uint32_t n : {0U, 1U, 2U, 3U}) simplify_counts(i, n);
      for (const std::uint32_t n : {0U, 50U, 100U}) simplify_percentages(i, n);
    }
  }

  void simplify_counts(std::size_t i, std::uint32_t n) {
    try_part(i, [](auto& o) -> auto& { return o.failures; }, n);
    try_part(i, [](auto& o) -> auto& { return o.half_open_calls; }, n);
    try_part(i, [](auto& o) -> auto& { return o.window.minimum_calls; }, n);
    try_part(i, [](auto& o) -> auto& { return o.time_window.minimum_calls; }, n);
    try_part(i, [](auto& o) -> auto& { return o.ramp.step_calls; }, n);
    try_part(i, [](auto& o) -> auto& { return o.half_open_for; }, n* best_.unit);
    try_part(i, [](auto& o) -> auto& { return o.slow_after; }, n* best_.unit);
  }

  void simplify_percentages(std::size_t i, std::uint32_t n) {
    try_part(i, [](auto& o) -> auto& { return o.window.slow_percent; }, n);
    try_part(i, [](auto& o) -> auto& { return o.window.slow_or_failed_percent; }, n);
    try_part(i, [](auto& o) -> auto& { return o.window.failure_percent; }, n);
    try_part(i, [](auto& o) -> auto& { return o.time_window.slow_percent; }, n);
    try_part(i, [](auto& o) -> auto& { return o.time_window.slow_or_failed_percent; }, n);
    try_part(i, [](auto& o) -> auto& { return o.time_window.failure_percent; }, n);
    try_part(i, [](auto& o) -> auto& { return o.half_open_failure_percent; }, n);
  }
};

}  // namespace circuit_model
