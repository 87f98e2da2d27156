// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {

/// How far one rule is from opening the circuit.
struct circuit_rule_status {
  circuit_cause rule = circuit_cause::consecutive_failures;
  std::uint64_t count = 0;    ///< failures in a row, or failed or slow outcomes of the window
  std::uint64_t calls = 0;    ///< outcomes of the window; for the row, the same as `count`
  std::uint32_t percent = 0;  ///< its threshold; 0 for the row
  std::uint64_t minimum = 0;  ///< below so many calls it is not judged; 0 for the row
  std::uint64_t needed = 0;   ///< the `count` that opens, with so many calls as there are, or with
                              ///< the minimum if they are fewer

  [[nodiscard]] constexpr bool met() const noexcept {
    return missing_calls() == 0 && missing() == 0;
  }
  /// Calls until it is judged at all.
  [[nodiscard]] constexpr std::uint64_t missing_calls() const noexcept {
    return minimum > calls ? minimum - calls : 0;
  }
  /// What the count lacks.
  [[nodiscard]] constexpr std::uint64_t missing() const noexcept {
    return needed > count ? needed - count : 0;
  }
};

/// Why a breaker is where it is, and what would open it. A value; `to_string` writes it out.
struct circuit_explanation {
  static constexpr std::size_t max_rules = 7;

  std::string_view name{};  ///< valid while the breaker lives
  circuit_state state = circuit_state::closed;
  circuit_mode mode = circuit_mode::normal;
  std::uint32_t generation = 0;
  /// Of the last change of state; meaningless in generation 0
  circuit_cause cause = circuit_cause::reset;
  std::uint32_t failed = 0;  ///< what decided that, as in circuit_transition
  std::uint32_t calls = 0;
  duration retry_after{};  ///< open: what is left
  std::uint32_t attempt = 0;
  std::uint32_t probes_out = 0;  ///< half-open
  std::uint32_t probes_succeeded = 0;
  std::uint32_t probes_failed = 0;
  /// Half-open: successes that close, or probes that decide by rate
  std::uint32_t probes_needed = 0;
  std::uint32_t ramp_percent = 0;  ///< ramping
  std::size_t rule_count = 0;
  /// The rules that are on, in the order in which they are looked at; the first that is met opens.
  /// While open and half-open: as they stood when it opened.
  std::array<circuit_rule_status, max_rules> rules{};
};

namespace detail {

[[nodiscard]] inline std::string text_of(const circuit_rule_status& r) {
  std::string s{to_string(r.rule)};
  s.append(": ").append(std::to_string(r.count));
  if (r.percent == 0) return s.append(" of ").append(std::to_string(r.needed));
  s.append(" of ")
      .append(std::to_string(r.calls))
      .append(" calls, opens at ")
      .append(std::to_string(r.percent))
      .append(" %");
  if (r.missing_calls() != 0)
    s.append("; ").append(std::to_string(r.missing_calls())).append(" more calls before it counts");
  else if (r.missing() != 0)
    s.append("; ").append(std::to_string(r.missing())).append(" short");
  return s;
}

[[nodiscard]] inline std::string milliseconds_of(duration d) {
  if (d == (duration::max)()) return "for ever";
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(d).count()) + " ms";
}

}  // namespace detail

/// The explanation in English, one line for the state and one for each rule. Allocates.
[[nodiscard]] inline std::string to_string(const circuit_explanation& e) {
  std::string s;
  if (!e.name.empty()) s.append(e.name).append(" is ");
  s.append(to_string(e.state));
  if (e.mode != circuit_mode::normal) s.append(" (").append(to_string(e.mode)).append(")");
  if (e.generation != 0) {
    s.append(" because: ").append(to_string(e.cause));
    if (e.calls != 0)
      s.append(", ")
          .append(std::to_string(e.failed))
          .append(" of ")
          .append(std::to_string(e.calls));
  }
  if (e.state == circuit_state::open && e.mode == circuit_mode::normal)
    s.append("; time left: ").append(detail::milliseconds_of(e.retry_after));
  if (e.state == circuit_state::half_open)
    s.append("; probes: ")
        .append(std::to_string(e.probes_succeeded))
        .append(" succeeded, ")
        .append(std::to_string(e.probes_failed))
        .append(" failed, ")
        .append(std::to_string(e.probes_out))
        .append(" out, ")
        .append(std::to_string(e.probes_needed))
        .append(" needed");
  if (e.state == circuit_state::ramping)
    s.append("; lets ").append(std::to_string(e.ramp_percent)).append(" % through");
  for (std::size_t i = 0; i < e.rule_count; ++i)
    s.append("\n  ").append(detail::text_of(e.rules[i]));
  return s;
}

}  // namespace v0
}  // namespace gabion
