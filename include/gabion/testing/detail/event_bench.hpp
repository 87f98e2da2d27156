// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/cqrs/append.hpp>
#include <gabion/cqrs/event_store.hpp>
#include <gabion/testing/conformance.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

/// An event that is nothing but its id.
[[nodiscard]] inline message event_of(std::string id) {
  return {.id = std::move(id),
          .source = "/suite",
          .type = "suite.event",
          .subject = "s",
          .content_type = "text/plain",
          .data = "d"};
}

[[nodiscard]] inline std::vector<message> events_of(std::initializer_list<const char*> ids) {
  std::vector<message> events;
  for (const char* id : ids) events.push_back(detail::event_of(id));
  return events;
}

/// Events with the ids prefix1 ... prefixN.
[[nodiscard]] inline std::vector<message> numbered(const std::string& prefix, std::size_t count) {
  std::vector<message> events;
  for (std::size_t i = 1; i <= count; ++i)
    events.push_back(detail::event_of(prefix + std::to_string(i)));
  return events;
}

[[nodiscard]] inline std::vector<std::string> ids_of(std::span<const recorded_event> events) {
  std::vector<std::string> ids;
  for (const recorded_event& e : events) ids.push_back(e.what.id);
  return ids;
}

[[nodiscard]] inline std::vector<std::uint64_t> versions_of(
    std::span<const recorded_event> events) {
  std::vector<std::uint64_t> versions;
  for (const recorded_event& e : events) versions.push_back(e.version);
  return versions;
}

/// Short forms of what the cases do to a world's store.
template <class World>
class event_bench {
 public:
  explicit event_bench(World& world) : world_{&world} {}

  /// Appends in a transaction of its own, which commits whatever the answer.
  append_result append(std::string_view stream, expected_version expected,
                       std::span<const message> events) {
    return world_->database().transact(
        [&](auto& tx) { return world_->store().append(tx, stream, expected, events); });
  }
  append_result append(std::string_view stream, std::span<const message> events) {
    return append(stream, expected_version::any(), events);
  }
  /// Appends and rolls back.
  void append_in_vain(std::string_view stream, std::span<const message> events) {
    struct away {};
    try {
      world_->database().transact([&](auto& tx) {
        (void)world_->store().append(tx, stream, expected_version::any(), events);
        throw away{};
      });
    } catch (const away&) {}
  }

  [[nodiscard]] stream_page forward(std::string_view stream, std::uint64_t from = 1,
                                    std::size_t limit = 1000) {
    return world_->store().read(stream, from, limit, read_direction::forward);
  }
  [[nodiscard]] stream_page backward(std::string_view stream, std::uint64_t from,
                                     std::size_t limit) {
    return world_->store().read(stream, from, limit, read_direction::backward);
  }
  [[nodiscard]] std::vector<recorded_event> all(position after = beginning,
                                                std::size_t limit = 1'000'000) {
    return world_->store().read_all(after, limit, read_direction::forward);
  }
  [[nodiscard]] std::vector<recorded_event> all_backward(position before = end_of_log,
                                                         std::size_t limit = 1'000'000) {
    return world_->store().read_all(before, limit, read_direction::backward);
  }
  [[nodiscard]] std::uint64_t head() { return to_number(world_->store().head()); }

 private:
  World* world_;
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
