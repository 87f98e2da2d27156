// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/database.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/message_limits.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/cqrs/detail/append_rules.hpp>
#include <gabion/cqrs/event_store.hpp>
#include <gabion/log/wake_group.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// Options of an event store in memory.
struct event_store_options {
  message_limits limits{};  ///< limits on an event, checked at append; the same as an outbox's
};

/// An event store in a memory database. Positions are 1, 2, 3 ... without a hole, because
/// transactions are serial.
///
/// Functions that take a transaction throw error(invalid_argument) for one of another database.
/// Safe to use from several threads. Appending costs amortised constant time for each event.
template <wall_clock WallClock = system_clock, env Env = native_env,
          random_source Random = xoshiro256>
class basic_event_store final : private participant {
 public:
  using database_type = basic_database<Env>;
  using transaction = typename database_type::transaction;

  /// The database must outlive the store.
  explicit basic_event_store(database_type& in, WallClock time = WallClock{},
                             Random random = Random{})
      : basic_event_store{in, event_store_options{}, std::move(time), std::move(random)} {}
  /// Throws error(invalid_argument) if an option is out of range.
  explicit basic_event_store(database_type& in, const event_store_options& options,
                             WallClock time = WallClock{}, Random random = Random{})
      : database_{&in},
        limits_{options.limits},
        time_{time},
        new_id_{std::move(time), std::move(random)} {
    gabion::detail::require_limits(limits_);
  }
  basic_event_store(const basic_event_store&) = delete;
  basic_event_store& operator=(const basic_event_store&) = delete;

  append_result append(transaction& tx, std::string_view stream, expected_version expected,
                       std::span<const message> events) {
    database_->require_own(tx, "event_store.append");
    gabion::detail::check_append(stream, events, limits_);
    const std::uint64_t actual = version_of(stream);
    auto find = [&](std::string_view id) { return place_of(id, stream); };
    if (auto decided = gabion::detail::decide_append(actual, expected, events, find))
      return *std::move(decided);
    tx.join(*this);
    const wall_time now = time_.now();
    for (const message& m : events) write(stream, m, now);
    Env::failpoint("events.appended");
    tx.wake_on_commit(wake_ref{appended_});
    return {.version = actual + events.size(),
            .actual = actual + events.size(),
            .first = position{log_.size() - events.size() + 1},
            .last = position{log_.size()}};
  }

  [[nodiscard]] stream_page read(std::string_view stream, std::uint64_t from, std::size_t limit,
                                 read_direction direction) const {
    gabion::detail::check_limit(limit);
    const auto guard = database_->lock();
    return page(stream, from, limit, direction);
  }

  [[nodiscard]] stream_page read(transaction& tx, std::string_view stream, std::uint64_t from,
                                 std::size_t limit, read_direction direction) const {
    database_->require_own(tx, "event_store.read");
    gabion::detail::check_limit(limit);
    return page(stream, from, limit, direction);
  }

  [[nodiscard]] std::vector<recorded_event> read_all(position from, std::size_t limit,
                                                     read_direction direction) const {
    gabion::detail::check_limit(limit);
    const auto guard = database_->lock();
    const std::uint64_t start = to_number(from);
    const std::uint64_t size = log_.size();
    if (direction == read_direction::forward) {
      const std::uint64_t begin = (std::min)(start, size);
      const std::uint64_t count = (std::min)(size - begin, std::uint64_t{limit});
      return {iterator(begin), iterator(begin + count)};
    }
    const std::uint64_t end = start == 0 ? 0 : (std::min)(start - 1, size);
    const std::uint64_t begin = end - (std::min)(end, std::uint64_t{limit});
    return {std::make_reverse_iterator(iterator(end)), std::make_reverse_iterator(iterator(begin))};
  }

  [[nodiscard]] position head() const {
    const auto guard = database_->lock();
    return position{log_.size()};
  }

  [[nodiscard]] const message_limits& limits() const noexcept { return limits_; }

  /// Woken after each commit that appended.
  [[nodiscard]] basic_wake_group<Env>& appended() noexcept { return appended_; }

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  template <class Value>
  using text_map = std::unordered_map<std::string, Value, text_hash, std::equal_to<>>;

  [[nodiscard]] auto iterator(std::uint64_t at) const {
    return log_.begin() + static_cast<std::ptrdiff_t>(at);
  }

  [[nodiscard]] std::uint64_t version_of(std::string_view stream) const {
    const auto found = streams_.find(stream);
    return found == streams_.end() ? 0 : found->second.size();
  }

  [[nodiscard]] std::optional<gabion::detail::event_place> place_of(std::string_view id,
                                                                    std::string_view stream) const {
    const auto found = ids_.find(id);
    if (found == ids_.end()) return std::nullopt;
    const recorded_event& event = log_[found->second];
    return gabion::detail::event_place{
        .here = event.stream == stream, .version = event.version, .at = event.at};
  }

  void write(std::string_view stream, const message& m, wall_time now) {
    recorded_event event{.at = position{log_.size() + 1},
                         .stream = std::string{stream},
                         .recorded_at = now,
                         .what = m};
    if (event.what.id.empty()) event.what.id = to_string(new_id_());
    if (event.what.time == wall_time{}) event.what.time = event.recorded_at;
    auto& versions = streams_.try_emplace(event.stream).first->second;
    event.version = versions.size() + 1;
    log_.push_back(std::move(event));
    versions.push_back(log_.size() - 1);
    ids_.emplace(log_.back().what.id, log_.size() - 1);
  }

  [[nodiscard]] stream_page page(std::string_view stream, std::uint64_t from, std::size_t limit,
                                 read_direction direction) const {
    stream_page result{.version = version_of(stream)};
    if (result.version != 0) {
      const std::vector<std::size_t>& versions = streams_.find(stream)->second;
      const bool forward = direction == read_direction::forward;
      std::uint64_t v =
          forward ? (std::max)(from, std::uint64_t{1}) : (std::min)(from, result.version);
      for (; v >= 1 && v <= result.version && result.events.size() < limit;
           v = forward ? v + 1 : v - 1)
        result.events.push_back(log_[versions[v - 1]]);
    }
    gabion::detail::finish_page(result, from, direction);
    return result;
  }

  void commit() noexcept override { committed_ = log_.size(); }
  void rollback() noexcept override {
    for (; log_.size() > committed_; log_.pop_back()) {
      const recorded_event& last = log_.back();
      const auto stream = streams_.find(last.stream);
      if (stream->second.size() == last.version) stream->second.pop_back();
      if (stream->second.empty()) streams_.erase(stream);
      if (const auto id = ids_.find(last.what.id);
          id != ids_.end() && id->second == log_.size() - 1)
        ids_.erase(id);
    }
  }

  database_type* database_;
  message_limits limits_;
  WallClock time_;
  basic_shared_uuid_v7_generator<WallClock, Random, Env> new_id_;
  std::deque<recorded_event> log_{};
  std::size_t committed_ = 0;
  text_map<std::vector<std::size_t>> streams_{};
  // views of the ids in log_, which does not move them
  std::unordered_map<std::string_view, std::size_t> ids_{};
  basic_wake_group<Env> appended_{};
};

using event_store = basic_event_store<>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
