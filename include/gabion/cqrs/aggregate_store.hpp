// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/cqrs/aggregate.hpp>
#include <gabion/cqrs/append.hpp>
#include <gabion/cqrs/detail/append_rules.hpp>
#include <gabion/cqrs/event_store.hpp>

namespace gabion {
inline namespace v0 {

/// How an aggregate_store reads and what it writes on every event. Later members are only ever
/// added at the end.
struct aggregate_options {
  /// The events' `source`, a URI reference; default: a slash and the category
  std::string source{};
  /// The events' topic, for an outbox; default: empty, the transport's default
  std::string topic{};
  std::size_t page = 512;  ///< how many events are read at once; 1 and up; default 512
};

/// What one command may bring along.
struct execute_options {
  expected_version expected = expected_version::any();  ///< where the caller saw the stream, for
                                                        ///< example by If-Match; default: anywhere
  /// Put on every event, such as `traceparent`, `correlationid`; default: none
  std::span<const header> headers{};
};

/// An aggregate's state, and where its stream stood.
template <class State>
struct loaded {
  State state{};
  std::uint64_t version = 0;  ///< 0: nothing has happened yet
  position at{};              ///< of its last event; `beginning` if there is none
};

/// What a command led to.
struct executed {
  std::uint64_t version = 0;  ///< of the stream now
  position at{};  ///< of the stream's last event: wait for a projection to get there to read your
                  ///< own write
  /// As they were written, with their ids; hand them to an outbox in the same transaction
  std::vector<message> events{};
};

/// Loads aggregates from an event store and lets them decide. One for each type of aggregate.
///
/// Safe to use from several threads if the store and the codec are. Loading is linear in the number
/// of events of the stream.
template <class Aggregate, class Store, class Codec, wall_clock WallClock, env Env,
          random_source Random>
class basic_aggregate_store {
  static_assert(explain_aggregate<Aggregate>());

 public:
  using state_type = typename Aggregate::state_type;
  using event_list = typename Aggregate::event_list;
  static_assert(event_types<event_list>::valid());

  /// Throws error(invalid_argument) if an option is out of range. The store must outlive this
  /// object.
  explicit basic_aggregate_store(Store& store, Codec codec = Codec{},
                                 aggregate_options options = {}, WallClock time = WallClock{},
                                 Random random = Random{})
      : store_{&store},
        codec_{std::move(codec)},
        options_{std::move(options)},
        time_{time},
        new_id_{std::move(time), std::move(random)} {
    detail::check_positive("aggregate_options.page", options_.page);
    if (options_.source.empty()) options_.source = "/" + std::string{Aggregate::category};
  }

  /// The stream of the aggregate with this id. Throws error(invalid_argument) if the id is empty.
  [[nodiscard]] std::string stream_of(std::string_view id) const {
    if (id.empty())
      detail::fail(errc::invalid_argument,
                   "the id of the " + std::string{Aggregate::category} + " is empty");
    return std::string{Aggregate::category} + "-" + std::string{id};
  }

  /// The state as the transaction sees it; version 0 if nothing has happened yet.
  /// Throws error(unknown_type) for an event that is not in the list, and what the codec throws.
  template <class Transaction>
    requires reads_streams_in<Store, Transaction>
  [[nodiscard]] loaded<state_type> load(Transaction& tx, std::string_view id) {
    return read(stream_of(id), [&](const std::string& stream, std::uint64_t from) {
      return store_->read(tx, stream, from, options_.page, read_direction::forward);
    });
  }

  /// The state as it is committed, for queries.
  [[nodiscard]] loaded<state_type> load(std::string_view id)
    requires reads_streams<Store>
  {
    return read(stream_of(id), [&](const std::string& stream, std::uint64_t from) {
      return store_->read(stream, from, options_.page, read_direction::forward);
    });
  }

  /// Loads, decides and appends, in the caller's transaction. No events: success, and nothing is
  /// written.
  ///
  /// Throws what `decide` throws; error(conflict) if the stream is not where `options.expected`
  /// says, or was written in between. Let an exception leave the transaction, so that it rolls
  /// back.
  template <class Transaction, class Command>
    requires(reads_streams_in<Store, Transaction> && appends_events_in<Store, Transaction> &&
             decides<Aggregate, Command>)
  executed execute(Transaction& tx, std::string_view id, const Command& command,
                   const execute_options& options = {}) {
    const loaded<state_type> now = load(tx, id);
    const std::string stream = stream_of(id);
    if (!options.expected.admits(now.version))
      (void)gabion::require_appended(detail::refused(append_status::wrong_version, now.version),
                                     stream, options.expected);
    executed result{.version = now.version,
                    .at = now.at,
                    .events = encode(Aggregate::decide(now.state, command), id, options.headers)};
    if (result.events.empty()) return result;
    const append_result written =
        gabion::append_or_throw(*store_, tx, stream, expected_version::exact(now.version),
                                std::span<const message>{result.events});
    result.version = written.version;
    result.at = written.last;
    return result;
  }

  [[nodiscard]] const aggregate_options& options() const noexcept { return options_; }

 private:
  template <class ReadPage>
  loaded<state_type> read(const std::string& stream, ReadPage read_page) {
    loaded<state_type> result;
    std::uint64_t from = 1;
    for (bool end = false; !end;) {
      const stream_page page = read_page(stream, from);
      for (const recorded_event& event : page.events) take(result, event);
      from = page.next;
      end = page.end;
    }
    return result;
  }

  void take(loaded<state_type>& into, const recorded_event& event) const {
    auto see = [&](const auto& e) { into.state = Aggregate::evolve(std::move(into.state), e); };
    if (!event_types<event_list>::visit(codec_, event.what, see))
      detail::fail(errc::unknown_type, "stream '" + event.stream + "', version " +
                                           std::to_string(event.version) + ": the " +
                                           std::string{Aggregate::category} +
                                           " lists no event type '" + event.what.type + "'");
    into.version = event.version;
    into.at = event.at;
  }

  template <class Decision>
  std::vector<message> encode(const Decision& decision, std::string_view id,
                              std::span<const header> headers) {
    std::vector<message> messages;
    auto see = [&](const auto& event) {
      message& m = messages.emplace_back(gabion::encode_event(codec_, event));
      m.id = to_string(new_id_());
      m.source = options_.source;
      m.subject = std::string{id};
      m.time = time_.now();
      m.topic = options_.topic;
      m.headers.assign(headers.begin(), headers.end());
    };
    detail::each_event<event_list>(decision, see);
    return messages;
  }

  Store* store_;
  Codec codec_;
  aggregate_options options_;
  WallClock time_;
  basic_shared_uuid_v7_generator<WallClock, Random, Env> new_id_;
};

/// With the system's wall clock and a generator that seeds itself.
template <class Aggregate, class Store, class Codec>
using aggregate_store =
    basic_aggregate_store<Aggregate, Store, Codec, system_clock, native_env, xoshiro256>;

}  // namespace v0
}  // namespace gabion
