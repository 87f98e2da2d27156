// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/circuit_record.hpp>

// What a circuit breaker saves as a small JSON object, for `nlohmann::json` itself and for
// json_codec:
//   {"version":1,"mode":"normal","state":"open","open_left_ns":3000000000,"consecutive_failures":0,
//    "probes_succeeded":0,"probes_failed":0,"ramp_step":0,"attempt":1}
namespace gabion {
inline namespace v0 {

namespace detail {

inline constexpr std::array<std::string_view, 4> circuit_mode_words{"normal", "isolated",
                                                                    "disabled", "metrics_only"};
inline constexpr std::array<std::string_view, 4> circuit_state_words{"closed", "open", "half_open",
                                                                     "ramping"};
inline constexpr std::array<std::string_view, 9> circuit_record_members{
    "version",          "mode",          "state",     "open_left_ns", "consecutive_failures",
    "probes_succeeded", "probes_failed", "ramp_step", "attempt"};

[[noreturn]] inline void fail_record(std::string_view what, const std::string& problem) {
  throw error{errc::corrupt, "circuit_record: " + std::string{what} + problem};
}

[[nodiscard]] inline const ::nlohmann::json& record_member(const ::nlohmann::json& j,
                                                           std::string_view name) {
  const auto found = j.find(std::string{name});
  if (found == j.end()) detail::fail_record(name, " is missing");
  return *found;
}

[[nodiscard]] inline std::uint64_t record_number(const ::nlohmann::json& j, std::string_view name,
                                                 std::uint64_t most) {
  const ::nlohmann::json& value = detail::record_member(j, name);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most)
    detail::fail_record(
        name, " is " + value.dump() + "; allowed: a whole number, 0 to " + std::to_string(most));
  return value.get<std::uint64_t>();
}

/// The place of the word among those that are allowed.
[[nodiscard]] inline std::size_t record_word(const ::nlohmann::json& j, std::string_view name,
                                             const std::array<std::string_view, 4>& words) {
  const ::nlohmann::json& value = detail::record_member(j, name);
  std::string allowed;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (value.is_string() && value.get_ref<const std::string&>() == words[i]) return i;
    allowed.append(i == 0 ? "" : ", ").append(words[i]);
  }
  detail::fail_record(
      name, " is " + value.dump(-1, ' ', true, ::nlohmann::json::error_handler_t::replace) +
                "; allowed: " + allowed);
}

}  // namespace detail

/// The record must be valid; a mode or state that is none throws error(invalid_argument).
inline void to_json(::nlohmann::json& j, const circuit_record& r) {
  gabion::validate(r);
  j = ::nlohmann::json{{"version", r.version},
                       {"mode", detail::circuit_mode_words[static_cast<std::size_t>(r.mode)]},
                       {"state", detail::circuit_state_words[static_cast<std::size_t>(r.state)]},
                       {"open_left_ns", r.open_left.count()},
                       {"consecutive_failures", r.consecutive_failures},
                       {"probes_succeeded", r.probes_succeeded},
                       {"probes_failed", r.probes_failed},
                       {"ramp_step", r.ramp_step},
                       {"attempt", r.attempt}};
}

/// Strict: exactly the members above, each in its range. Throws error(corrupt) that names the
/// member, what it is and what is allowed. The version is looked at first, so that a record of a
/// later version is refused as such.
inline void from_json(const ::nlohmann::json& j, circuit_record& r) {
  constexpr std::uint64_t most = (std::numeric_limits<std::uint32_t>::max)();
  if (!j.is_object()) detail::fail_record("the text", " is not a JSON object");
  const auto number = [&](std::string_view name) {
    return static_cast<std::uint32_t>(detail::record_number(j, name, most));
  };
  circuit_record read;
  read.version = number("version");
  if (read.version != circuit_record::current_version)
    detail::fail_record("version", " is " + std::to_string(read.version) + "; allowed: 1");
  for (const auto& member : j.items()) {
    bool known = false;
    for (const std::string_view name : detail::circuit_record_members)
      known = known || member.key() == name;
    if (!known) detail::fail_record("\"" + member.key() + "\"", " is not a member of it");
  }
  read.mode = static_cast<circuit_mode>(detail::record_word(j, "mode", detail::circuit_mode_words));
  read.state =
      static_cast<circuit_state>(detail::record_word(j, "state", detail::circuit_state_words));
  constexpr auto longest = static_cast<std::uint64_t>((duration::max)().count());
  read.open_left =
      duration{static_cast<duration::rep>(detail::record_number(j, "open_left_ns", longest))};
  read.consecutive_failures = number("consecutive_failures");
  read.probes_succeeded = number("probes_succeeded");
  read.probes_failed = number("probes_failed");
  read.ramp_step = number("ramp_step");
  read.attempt = number("attempt");
  if (const auto problem = gabion::detail::problem_of(read))
    throw error{errc::corrupt, gabion::detail::in_words("circuit_record", problem)};
  r = read;
}

}  // namespace v0
}  // namespace gabion
