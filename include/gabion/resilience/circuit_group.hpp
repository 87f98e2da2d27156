// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/resilience/circuit_state.hpp>

namespace gabion {
inline namespace v0 {

/// When the circuits below open the group above them, and how it comes back. New members go last.
struct circuit_group_options {
  /// Opens when `open * 100 >= open_percent * children`. 1 to 100; default 50.
  std::uint32_t open_percent = 50;
  /// Never opens with fewer children than this. 1 and up; default 2.
  std::uint32_t minimum_children = 2;
  /// Stays open at least this long, so that children that flicker do not make it flicker. Above 0;
  /// default 1 s.
  duration hold_for = std::chrono::seconds{1};
  /// Half-open: calls through it at the same time. 1 to 1023; default 1.
  std::uint32_t half_open_permits = 1;
  /// Half-open: calls that must succeed before it closes; one that fails opens it for `hold_for`. 1
  /// to 1023; default 2.
  std::uint32_t successes_to_close = 2;
  /// Half-open: calls that are out longer than this without a break are taken for lost, and it
  /// opens. Above 0; default 30 s.
  duration half_open_for = std::chrono::seconds{30};
  /// Copied into the tree, for events and rejections. At most 47 bytes; default empty.
  std::string_view name{};
};

/// How large a tree may become. New members go last.
struct circuit_tree_options {
  std::uint32_t groups = 16;    ///< 1 to 4096; default 16
  std::uint32_t circuits = 64;  ///< 1 to 65536; default 64
};

/// Levels of a tree at most, that of the circuits included.
inline constexpr std::uint32_t circuit_max_levels = 8;

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const circuit_group_options& o) noexcept {
  if (o.open_percent < 1 || o.open_percent > 100)
    return {"open_percent", o.open_percent, "1 to 100"};
  if (o.minimum_children < 1) return {"minimum_children", o.minimum_children, "1 and up"};
  if (o.hold_for <= duration::zero()) return {"hold_for", o.hold_for, "more than 0 ns"};
  if (o.half_open_permits < 1 || o.half_open_permits > 1'023)
    return {"half_open_permits", o.half_open_permits, "1 to 1023"};
  if (o.successes_to_close < 1 || o.successes_to_close > 1'023)
    return {"successes_to_close", o.successes_to_close, "1 to 1023"};
  if (o.half_open_for <= duration::zero())
    return {"half_open_for", o.half_open_for, "more than 0 ns"};
  if (o.name.size() > 47)
    return {"name", static_cast<std::int64_t>(o.name.size()), " bytes long", "at most 47 bytes"};
  return {};
}
[[nodiscard]] constexpr option_problem problem_of(const circuit_tree_options& o) noexcept {
  if (o.groups < 1 || o.groups > 4'096) return {"groups", o.groups, "1 to 4096"};
  if (o.circuits < 1 || o.circuits > 65'536) return {"circuits", o.circuits, "1 to 65536"};
  return {};
}

}  // namespace detail

/// True if a tree takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const circuit_group_options& o) noexcept {
  return !detail::problem_of(o);
}
[[nodiscard]] constexpr bool valid(const circuit_tree_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const circuit_group_options& o) {
  detail::refuse_option("circuit_group_options", detail::problem_of(o));
}
inline void validate(const circuit_tree_options& o) {
  detail::refuse_option("circuit_tree_options", detail::problem_of(o));
}

/// A group of a tree: what `add_group` gives. Only of use with that tree.
struct circuit_group_id {
  std::uint32_t index = 0;
  friend bool operator==(const circuit_group_id&, const circuit_group_id&) = default;
};
/// A circuit of a tree: what `add_circuit` gives. Only of use with that tree.
struct circuit_id {
  std::uint32_t index = 0;
  friend bool operator==(const circuit_id&, const circuit_id&) = default;
};

/// Why a group changed its state.
enum class circuit_group_cause : std::uint8_t {
  children_open,       ///< to open: enough of its children are open
  children_recovered,  ///< open to half-open: no longer enough of them are, and the hold is over
  call_failed,         ///< half-open to open
  call_lost,           ///< half-open to open: a call was out longer than half_open_for
  calls_succeeded,     ///< half-open to closed
};

[[nodiscard]] constexpr std::string_view to_string(circuit_group_cause c) noexcept {
  switch (c) {
    case circuit_group_cause::children_open: return "children open";
    case circuit_group_cause::children_recovered: return "children recovered";
    case circuit_group_cause::call_failed: return "call failed";
    case circuit_group_cause::call_lost: return "call lost";
    case circuit_group_cause::calls_succeeded: return "calls succeeded";
  }
  return "unknown";
}

/// One change of a group's state. Generations of a group are consecutive.
struct circuit_group_transition {
  std::string_view name{};  ///< the group's name; valid while the tree lives
  circuit_group_id group{};
  std::uint32_t level = 0;  ///< 0 = a group without a parent
  circuit_state from = circuit_state::closed;
  circuit_state to = circuit_state::closed;
  circuit_group_cause cause = circuit_group_cause::children_open;
  std::uint32_t generation = 0;     ///< of the state entered; wraps after 2^30
  instant at{};                     ///< by the tree's clock
  std::uint32_t open_children = 0;  ///< when it was judged
  std::uint32_t children = 0;
  /// Transitions of groups dropped just before this one because the listener did not keep up
  std::uint64_t missed = 0;
};

/// A look at a group.
struct circuit_group_snapshot {
  std::string_view name{};
  std::uint32_t level = 0;
  circuit_state state = circuit_state::closed;
  std::uint32_t generation = 0;
  /// Open: until it can be half-open at the earliest; duration::max() = not by time alone
  duration retry_after{};
  std::uint32_t open_children = 0;
  std::uint32_t children = 0;
  std::uint64_t rejected = 0;  ///< calls that this group did not let through
};

/// Where in the tree a call was not let through, and why.
struct circuit_tree_rejection {
  std::string_view name{};  ///< of the group or circuit; valid while the tree lives
  std::uint32_t level = 0;  ///< 0 = the outermost
  circuit_rejection why{};
};

}  // namespace v0
}  // namespace gabion
