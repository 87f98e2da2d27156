// SPDX-License-Identifier: MIT
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/cqrs/aggregate_store.hpp>
#include <gabion/cqrs/append.hpp>
#include <gabion/cqrs/event_subscription.hpp>
#include <gabion/cqrs/projector.hpp>
#include <gabion/cqrs/promote.hpp>
#include <gabion/testing/checkpoint_suite.hpp>
#include <gabion/testing/event_store_suite.hpp>

#include "cqrs/account.hpp"
#include "support/catch.hpp"

// The least that each concept asks for. Everything that takes a concept is instantiated with it and
// nothing more.

using namespace gabion;

namespace {

struct least_transaction {
  least_transaction() = default;
  least_transaction(const least_transaction&) = delete;
  least_transaction& operator=(const least_transaction&) = delete;
};

struct least_database {
  using transaction = least_transaction;
  template <class Body>
  auto transact(Body&& body) {
    least_transaction tx;
    return body(tx);
  }
};

struct least_event_store {
  append_result append(least_transaction&, std::string_view, expected_version,
                       std::span<const message>) {
    return {};
  }
  stream_page read(std::string_view, std::uint64_t, std::size_t, read_direction) { return {}; }
  stream_page read(least_transaction&, std::string_view, std::uint64_t, std::size_t,
                   read_direction) {
    return {};
  }
  std::vector<recorded_event> read_all(position, std::size_t, read_direction) { return {}; }
  position head() { return {}; }
};

struct least_checkpoint_store {
  std::optional<lease> acquire_lease(std::string_view name, std::string_view owner, duration) {
    return lease{std::string{name}, std::string{owner}, 1};
  }
  bool renew_lease(const lease&, duration) { return true; }
  bool release_lease(const lease&) { return true; }
  std::optional<checkpoint> read_checkpoint(std::string_view) { return {}; }
  std::optional<checkpoint> read_checkpoint(least_transaction&, std::string_view) { return {}; }
  settle_status move_checkpoint(least_transaction&, const lease&, position, const checkpoint&) {
    return settle_status::applied;
  }
  void keep_letter(least_transaction&, std::string_view, const projection_letter&) {}
  bool remove_letter(least_transaction&, std::string_view, position) { return false; }
  std::vector<projection_letter> letters(std::string_view, position, std::size_t) { return {}; }
  std::optional<std::uint32_t> serving(std::string_view) { return {}; }
  std::optional<std::uint32_t> serving(least_transaction&, std::string_view) { return {}; }
  void serve(least_transaction&, std::string_view, std::uint32_t) {}
};

struct least_projection {
  static constexpr std::string_view name = "least";
  static constexpr std::uint32_t version = 1;
  void apply(least_transaction&, const recorded_event&) {}
};

struct typed_least_projection {
  static constexpr std::string_view name = "typed";
  static constexpr std::uint32_t version = 1;
  using event_list = events<gabion_test::opened>;
  void apply(least_transaction&, const gabion_test::opened&) {}
};

struct least_world {
  least_database& database() { return database_; }
  least_event_store& store() { return store_; }
  least_checkpoint_store& checkpoints() { return checkpoints_; }
  void reopen() {}

 private:
  least_database database_{};
  least_event_store store_{};
  least_checkpoint_store checkpoints_{};
};

static_assert(explain_event_store<least_event_store, least_transaction>());
static_assert(explain_checkpoint_store<least_checkpoint_store, least_transaction>());
static_assert(explain_projection<least_projection, least_transaction>());
static_assert(explain_projection<typed_least_projection, least_transaction>());
static_assert(!resettable<least_projection, least_transaction>);

// The same with libpq in mind: the transaction is the caller's own connection, appends are sent
// into his pipeline and answered when he synchronises, and the log is read up to a fence.

struct pg_connection;  // stands for PGconn

/// A view of the caller's connection between his BEGIN and COMMIT, in pipeline mode or not.
class pg_transaction {
 public:
  explicit pg_transaction(pg_connection* open) noexcept : connection_{open} {}
  [[nodiscard]] pg_connection* native() const noexcept { return connection_; }

 private:
  pg_connection* connection_;
};

/// Calls one server function for each append: it locks the stream's row, compares the version and
/// the ids, and only then takes numbers from the sequence, so that a refusal burns none. One round
/// trip; its row holds the whole append_result.
class pg_event_store {
 public:
  using transaction = pg_transaction;
  append_result append(pg_transaction& tx, std::string_view stream, expected_version expected,
                       std::span<const message> events) {
    (void)tx.native();
    (void)stream;
    return {.version = expected.version() + events.size(),
            .actual = expected.version() + events.size()};
  }
  [[nodiscard]] stream_page read(std::string_view, std::uint64_t, std::size_t,
                                 read_direction) const {
    return {};
  }
  [[nodiscard]] stream_page read(pg_transaction&, std::string_view, std::uint64_t, std::size_t,
                                 read_direction) const {
    return {};
  }
  /// Reads what is above `from` and not above the fence: positions up to there are final, and holes
  /// are rollbacks.
  [[nodiscard]] std::vector<recorded_event> read_all(position from, std::size_t limit,
                                                     read_direction direction) {
    advance_fence();
    (void)from;
    (void)limit;
    (void)direction;
    return {};
  }
  /// The fence. It may be above the last event, when the highest numbers were rolled back.
  [[nodiscard]] position head() {
    advance_fence();
    return fence_;
  }

 private:
  /// Takes the sequence's last value, then a transaction id; the value is final once the oldest
  /// running id is not below that.
  void advance_fence() { fence_ = position{to_number(fence_) + 1}; }
  position fence_{};
};

static_assert(explain_event_store<pg_event_store>());

// What is missing is refused.

struct no_append : least_event_store {
  void append() = delete;
};
struct no_log : least_event_store {
  void read_all() = delete;
};
struct no_read_inside : least_event_store {
  stream_page read(std::string_view, std::uint64_t, std::size_t, read_direction) { return {}; }
};
struct no_serving : least_checkpoint_store {
  void serving() = delete;
};
struct nameless : least_projection {
  int name = 0;
};
struct unapplied {
  static constexpr std::string_view name = "unapplied";
  static constexpr std::uint32_t version = 1;
  using event_list = events<gabion_test::opened, gabion_test::withdrawn>;
  void apply(least_transaction&, const gabion_test::opened&) {}
};

static_assert(!event_store<no_append, least_transaction> &&
              !appends_events_in<no_append, least_transaction>);
static_assert(!event_store<no_log, least_transaction> && !reads_log<no_log>);
static_assert(!event_store<no_read_inside, least_transaction> &&
              !reads_streams_in<no_read_inside, least_transaction>);
static_assert(!event_store<least_event_store, int>);
static_assert(!checkpoint_store<no_serving, least_transaction> &&
              !checkpoint_store<least_checkpoint_store, int>);
static_assert(!projection<nameless, least_transaction> &&
              !projection<unapplied, least_transaction> && !projection<least_projection, int>);
static_assert(!aggregate<least_projection>);

}  // namespace

template class gabion::basic_projector<least_projection, least_database, least_event_store,
                                       least_checkpoint_store, gabion_test::number_codec>;
template class gabion::basic_projector<typed_least_projection, least_database, least_event_store,
                                       least_checkpoint_store, gabion_test::number_codec>;
template class gabion::event_subscription<least_event_store>;
template class gabion::basic_aggregate_store<gabion_test::account, least_event_store,
                                             gabion_test::number_codec, system_clock, native_env,
                                             xoshiro256>;
template class gabion::event_subscription<pg_event_store>;
template class gabion::basic_aggregate_store<gabion_test::account, pg_event_store,
                                             gabion_test::number_codec, system_clock, native_env,
                                             xoshiro256>;

TEST_CASE("what takes a concept needs no more than the concept asks for",
          "[event_store][archetype]") {
  least_world w;
  least_transaction tx;
  CHECK(append_or_throw(w.store(), tx, "s", expected_version::any(), {}).ok());
  aggregate_store<gabion_test::account, least_event_store, gabion_test::number_codec> accounts{
      w.store()};
  CHECK(accounts.execute(tx, "1", gabion_test::open_account{}).events.size() == 1);
  CHECK(promote(w.database(), w.checkpoints(), "least", 1).status == promotion::not_ready);
  least_projection p;
  basic_projector<least_projection, least_database, least_event_store, least_checkpoint_store,
                  gabion_test::number_codec>
      runner{p, w.database(), w.store(), w.checkpoints()};
  CHECK(runner.run_once() == 0);
  CHECK(testing::event_store_suite<least_world>().size() > 20);
  CHECK(testing::checkpoint_suite<least_world>().size() > 4);
}

TEST_CASE("the suites find out a store that does nothing", "[event_store][archetype]") {
  std::size_t bad = 0;
  for (const auto& c : testing::event_store_suite<least_world>()) {
    bad +=
        testing::run_case(c, [](testing::manual_time&) { return least_world{}; }).failures().empty()
            ? 0U
            : 1U;
  }
  CHECK(bad > 20);
}
