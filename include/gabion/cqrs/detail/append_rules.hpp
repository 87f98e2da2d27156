// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/heap.hpp>
#include <gabion/core/message_limits.hpp>
#include <gabion/cqrs/event_store.hpp>

// What every event store does in the same way, so that all of them answer alike.
namespace gabion {
inline namespace v0 {
namespace detail {

/// Where an id was found.
struct event_place {
  bool here = false;  ///< in the stream that is appended to
  std::uint64_t version = 0;
  position at{};
};

inline void refuse_repeated_ids(std::span<const message> events) {
  std::vector<std::string_view> ids;
  ids.reserve(events.size());
  for (const message& m : events)
    if (!m.id.empty()) ids.emplace_back(m.id);
  detail::heap_sort(ids, [](std::string_view a, std::string_view b) { return a < b; });
  for (std::size_t i = 1; i < ids.size(); ++i)
    if (ids[i - 1] == ids[i])
      detail::fail(errc::invalid_argument,
                   "event id '" + std::string{ids[i]} +
                       "' is twice in the batch; each event needs its own id");
}

/// Throws error(invalid_argument | too_large) for events that no store accepts. The limit on
/// attributes also applies to the name of the stream.
inline void check_append(std::string_view stream, std::span<const message> events,
                         const message_limits& limits = {}) {
  if (stream.empty())
    detail::fail(errc::invalid_argument, "the stream name is empty; name the stream to append to");
  if (stream.size() > limits.attributes)
    detail::fail(errc::too_large, "the stream name has " + std::to_string(stream.size()) +
                                      " bytes; allowed: " + std::to_string(limits.attributes) +
                                      " (message_limits.attributes)");
  for (const message& m : events)
    if (m.type.empty())
      detail::fail(errc::invalid_argument,
                   "an event for stream '" + std::string{stream} + "' has no type");
  gabion::require_valid(events, limits);
  if (events.size() > 1) detail::refuse_repeated_ids(events);
}

[[nodiscard]] inline append_result refused(append_status why, std::uint64_t actual,
                                           std::string id = {}) {
  return {.status = why, .actual = actual, .id = std::move(id)};
}

/// The part of a batch that is stored already. `fits`: it is the whole batch, and a run of this
/// stream in the same order.
struct stored_part {
  std::size_t count = 0;
  bool fits = true;
  event_place first{};
  event_place last{};
  std::string id{};  ///< the first stored id
};

template <class Find>
[[nodiscard]] stored_part find_stored(std::span<const message> events, Find& find) {
  stored_part part;
  for (const message& event : events) {
    const std::optional<event_place> place = event.id.empty() ? std::nullopt : find(event.id);
    if (!place) continue;
    part.fits =
        part.fits && place->here && (part.count == 0 || place->version == part.last.version + 1);
    if (part.count++ == 0) {
      part.first = *place;
      part.id = event.id;
    }
    part.last = *place;
  }
  part.fits = part.fits && part.count == events.size();
  return part;
}

/// The result if it is decided without writing; nothing if the batch is to be written. `find(id)`
/// answers where an id is.
template <class Find>
[[nodiscard]] std::optional<append_result> decide_append(std::uint64_t actual,
                                                         expected_version expected,
                                                         std::span<const message> events,
                                                         Find find) {
  const stored_part part = detail::find_stored(events, find);
  if (part.count == 0) {
    if (!expected.admits(actual)) return detail::refused(append_status::wrong_version, actual);
    if (events.empty()) return append_result{.version = actual, .actual = actual};
    return std::nullopt;
  }
  if (!part.fits) return detail::refused(append_status::duplicate_id, actual, part.id);
  // The stream exists by now, so a repeated exists() is judged like any().
  const bool same_place =
      expected == expected_version::exists() || expected.admits(part.first.version - 1);
  if (!same_place) return detail::refused(append_status::wrong_version, actual);
  return append_result{.status = append_status::idempotent,
                       .version = part.last.version,
                       .actual = actual,
                       .first = part.first.at,
                       .last = part.last.at};
}

inline void check_limit(std::size_t limit) { detail::check_positive("the limit of a read", limit); }

/// Fills in how a page goes on, from its events and the version of the stream.
inline void finish_page(stream_page& page, std::uint64_t from, read_direction direction) {
  if (direction == read_direction::forward) {
    page.next = page.events.empty() ? (from == 0 ? 1 : from) : page.events.back().version + 1;
    page.end = page.next > page.version;
  } else {
    page.next = page.events.empty() ? 0 : page.events.back().version - 1;
    page.end = page.next == 0;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
