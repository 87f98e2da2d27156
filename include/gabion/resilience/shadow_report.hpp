// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {

/// One change of the candidate's state: what would have happened.
struct shadow_transition {
  circuit_state from = circuit_state::closed;
  circuit_state to = circuit_state::closed;
  circuit_cause cause = circuit_cause::reset;
  duration at{};  ///< since the shadow was made
  std::uint32_t failed = 0;
  std::uint32_t calls = 0;
};

/// What a candidate configuration would have done, beside what the live one did. The counts are
/// exact once no call is in flight.
struct shadow_report {
  static constexpr std::size_t max_transitions = 16;

  circuit_state live = circuit_state::closed;
  circuit_state candidate = circuit_state::closed;
  std::uint64_t calls = 0;  ///< that asked to be let through
  /// Of those: rejected by the live breaker; the candidate has seen nothing of them
  std::uint64_t live_rejected = 0;
  std::uint64_t only_live_rejected = 0;   ///< of those: while the candidate was closed
  std::uint64_t would_have_rejected = 0;  ///< let through, though the candidate would not have
  std::uint64_t rejected_good = 0;      ///< of those: succeeded. What the candidate would have cost
  std::uint64_t rejected_bad = 0;       ///< of those: failed. What it would have spared
  std::uint64_t live_opened = 0;        ///< how often the live breaker opened
  std::uint64_t would_have_opened = 0;  ///< how often the candidate would have
  /// The last changes of the candidate, the oldest first.
  std::array<shadow_transition, max_transitions> transitions{};
  std::size_t transition_count = 0;  ///< how many of them are filled
};

/// The report as a few lines of text, each ended by a line feed.
[[nodiscard]] inline std::string to_string(const shadow_report& r) {
  std::string text;
  const auto say = [&text](std::string_view what, std::uint64_t n) {
    text.append(what).append(" ").append(std::to_string(n)).append("\n");
  };
  text.append("live is ")
      .append(to_string(r.live))
      .append(", the candidate would be ")
      .append(to_string(r.candidate))
      .append("\n");
  say("calls", r.calls);
  say("rejected by the live breaker", r.live_rejected);
  say("rejected by the live breaker alone", r.only_live_rejected);
  say("would have been rejected by the candidate", r.would_have_rejected);
  say("of those good", r.rejected_good);
  say("of those bad", r.rejected_bad);
  say("live opened", r.live_opened);
  say("candidate would have opened", r.would_have_opened);
  for (std::size_t i = 0; i < r.transition_count; ++i) {
    const shadow_transition& t = r.transitions[i];
    text.append("would have gone from ")
        .append(to_string(t.from))
        .append(" to ")
        .append(to_string(t.to))
        .append(" at ");
    const std::string millis =
        std::to_string(t.at % std::chrono::seconds{1} / std::chrono::milliseconds{1});
    text.append(std::to_string(t.at / std::chrono::seconds{1}))
        .append(".")
        .append(3 - millis.size(), '0')
        .append(millis);
    text.append(" s: ").append(to_string(t.cause));
    if (t.calls != 0)
      text.append(", ")
          .append(std::to_string(t.failed))
          .append(" of ")
          .append(std::to_string(t.calls))
          .append(" calls");
    text.append("\n");
  }
  return text;
}

}  // namespace v0
}  // namespace gabion
