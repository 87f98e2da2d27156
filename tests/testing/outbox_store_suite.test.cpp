// SPDX-License-Identifier: MIT
#include <gabion/testing/outbox_store_suite.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/outbox_store.hpp>

#include "support/catch.hpp"

namespace {

using namespace gabion;

/// What a store may do wrong. Each is a fault that a real store has had or could have.
enum class bug {
  none,
  keeps_what_is_rolled_back,
  hides_duplicates,
  takes_messages_without_a_type,
  leaves_ids_empty,
  fetches_backwards,
  fetches_from_the_position_itself,
  ignores_the_fetch_limit,
  forgets_blocked,
  ignores_the_epoch,
  marks_everything_below,
  forgets_attempts,
  deletes_the_dead,
  treats_parked_as_dead,
  forgets_headers,
  makes_no_payload_an_empty_one,
  cuts_keys_at_a_nul,
  rounds_times_to_milliseconds,
  cuts_large_payloads,
  redrives_what_is_not_dead,
  frees_the_newer_after_a_redrive,
  purges_the_dead,
  purges_the_boundary,
  ignores_the_purge_limit,
  gives_the_lease_to_everybody,
  leases_too_long,
  repeats_epochs,
  renews_anything,
  never_releases,
  tells_no_age,
  tells_the_age_of_the_message,
  takes_any_transaction,
};

using good_store = memory::basic_outbox_store<testing::manual_wall_clock>;

class broken_store : public good_store {
 public:
  broken_store(memory::database& db, testing::manual_wall_clock time, bug b)
      : good_store{db, {}, time}, bug_{b} {}

  std::vector<enqueued> enqueue(transaction& tx, std::span<const message> batch) {
    std::vector<message> changed{batch.begin(), batch.end()};
    for (message& m : changed) {
      if (bug_ == bug::takes_messages_without_a_type && m.type.empty()) m.type = "unknown";
      if (bug_ == bug::leaves_ids_empty && m.id.empty()) m.id = "0";
      if (bug_ == bug::forgets_headers) m.headers.clear();
      if (bug_ == bug::makes_no_payload_an_empty_one && !m.data) m.data = "";
      if (bug_ == bug::cuts_keys_at_a_nul) m.subject = m.subject.c_str();
      if (bug_ == bug::rounds_times_to_milliseconds)
        m.time = std::chrono::floor<std::chrono::milliseconds>(m.time);
      if (bug_ == bug::cuts_large_payloads && m.data && m.data->size() > 1'000'000)
        m.data->resize(1'000'000);
    }
    std::vector<enqueued> got;
    try {
      got = good_store::enqueue(tx, changed);
    } catch (const error&) {
      if (bug_ != bug::takes_any_transaction) throw;
      got.resize(changed.size());
    }
    if (bug_ == bug::hides_duplicates)
      for (enqueued& e : got) e.deduplicated = false;
    return got;
  }

  std::vector<outbox_record> fetch(std::uint32_t lane, position after, std::size_t limit) {
    if (bug_ == bug::fetches_from_the_position_itself && after > beginning)
      after = position{to_number(after) - 1};
    if (bug_ == bug::ignores_the_fetch_limit) limit = 1'000'000;
    std::vector<outbox_record> got = good_store::fetch(lane, after, limit);
    if (bug_ == bug::fetches_backwards) std::reverse(got.begin(), got.end());
    for (outbox_record& r : got) {
      if (bug_ == bug::forgets_blocked) r.blocked = false;
      if (bug_ == bug::frees_the_newer_after_a_redrive && good_store::stats().dead == 0)
        r.blocked = false;
      if (bug_ == bug::forgets_attempts) r.attempts = 0;
    }
    return got;
  }

  settle_status settle(const lease& held, std::span<const settlement> done, position watermark) {
    std::vector<settlement> changed{done.begin(), done.end()};
    for (settlement& s : changed) {
      if (bug_ == bug::deletes_the_dead && s.as == disposition::dead) s.as = disposition::delivered;
      if (bug_ == bug::treats_parked_as_dead && s.as == disposition::parked)
        s.as = disposition::dead;
    }
    if (bug_ == bug::marks_everything_below && !changed.empty())
      for (const outbox_record& r : good_store::fetch(0, beginning, 1000))
        if (r.at < done.back().at) changed.push_back({.at = r.at});
    return good_store::settle(bug_ == bug::ignores_the_epoch ? current_ : held, changed, watermark);
  }

  std::optional<lease> acquire_lease(std::string_view name, std::string_view owner, duration ttl) {
    if (bug_ == bug::leases_too_long) ttl += std::chrono::seconds{1};
    if (bug_ == bug::gives_the_lease_to_everybody && current_.name == name)
      (void)good_store::release_lease(current_);
    std::optional<lease> got = good_store::acquire_lease(name, owner, ttl);
    if (got) current_ = *got;
    if (got && bug_ == bug::repeats_epochs) got->epoch = 1;
    return got;
  }
  bool renew_lease(const lease& held, duration ttl) {
    return good_store::renew_lease(held, ttl) || bug_ == bug::renews_anything;
  }
  bool release_lease(const lease& held) {
    return bug_ == bug::never_releases || good_store::release_lease(held);
  }

  bool redrive(position at) {
    return good_store::redrive(at) || bug_ == bug::redrives_what_is_not_dead;
  }

  std::size_t purge_published(wall_time before, std::size_t limit) {
    if (bug_ == bug::purges_the_boundary) before += std::chrono::microseconds{1};
    if (bug_ == bug::ignores_the_purge_limit) limit = 1'000'000;
    if (bug_ == bug::purges_the_dead)
      for (const dead_letter& d : good_store::dead_letters(beginning, 1000)) {
        (void)good_store::redrive(d.at);
        const std::vector<settlement> done{{.at = d.at}};
        (void)good_store::settle(current_, done, beginning);
      }
    return good_store::purge_published(before, limit);
  }

  outbox_stats stats() {
    outbox_stats s = good_store::stats();
    if (bug_ == bug::tells_no_age) s.oldest_pending.reset();
    if (bug_ == bug::tells_the_age_of_the_message && s.oldest_pending)
      s.oldest_pending = good_store::fetch(0, beginning, 1).front().what.time;
    return s;
  }

 private:
  bug bug_;
  lease current_{};
};

/// A database that commits what it should roll back, if that is the bug.
class broken_database {
 public:
  using transaction = memory::database::transaction;
  explicit broken_database(bug b) : bug_{b} {}

  template <class Body>
  auto transact(Body&& body) {
    if (bug_ != bug::keeps_what_is_rolled_back) return inner.transact(std::forward<Body>(body));
    transaction tx = inner.begin();
    try {
      auto result = body(tx);
      tx.commit();
      return result;
    } catch (...) {
      tx.commit();
      throw;
    }
  }

  memory::database inner{};

 private:
  bug bug_;
};

struct world {
  world(testing::manual_time& time, bug b) : db{b}, outbox{db.inner, time.wall(), b} {}
  broken_store& store() { return outbox; }
  broken_database& database() { return db; }
  memory::database& other_database() { return other; }

  memory::database other{};
  broken_database db;
  broken_store outbox;
};

/// The names of the cases that do not pass.
std::vector<std::string> failing(bug b) {
  std::vector<std::string> names;
  for (const auto& c : testing::outbox_store_suite<world>()) {
    if (c.name.find("100 MiB") != c.name.npos) continue;  // costs more than all others together
    const auto found =
        testing::run_case(c, [b](testing::manual_time& time) { return world{time, b}; });
    if (!found.failures().empty()) names.emplace_back(c.name);
  }
  return names;
}

}  // namespace

TEST_CASE("the outbox suite finds nothing wrong with a good store", "[outbox][conformance]") {
  CHECK(failing(bug::none).empty());
}

// Some of the planted faults are data races.
#ifndef __SANITIZE_THREAD__
TEST_CASE("the outbox suite catches every fault that is planted in a store",
          "[outbox][conformance]") {
  const auto [planted, expected] = GENERATE(table<bug, std::string>({
      {bug::keeps_what_is_rolled_back, "a rollback leaves nothing behind"},
      {bug::hides_duplicates, "the same id again writes nothing"},
      {bug::takes_messages_without_a_type, "one bad message and nothing of its batch is written"},
      {bug::leaves_ids_empty, "an empty id and an epoch time are filled"},
      {bug::fetches_backwards, "a committed batch is pending in the order of its enqueue"},
      {bug::fetches_from_the_position_itself, "fetch reads in pages"},
      {bug::ignores_the_fetch_limit, "fetch reads in pages"},
      {bug::forgets_blocked, "a dead message is kept and blocks its key"},
      {bug::ignores_the_epoch, "a newer epoch fences the former owner"},
      {bug::marks_everything_below, "what is delivered is done"},
      {bug::forgets_attempts, "a deferred message remembers its attempts"},
      {bug::deletes_the_dead, "a dead letter keeps everything"},
      {bug::treats_parked_as_dead, "a parked message waits behind the dead one"},
      {bug::treats_parked_as_dead, "only a blocked key is parked"},
      {bug::forgets_headers, "messages come back exactly"},
      {bug::makes_no_payload_an_empty_one, "messages come back exactly"},
      {bug::cuts_keys_at_a_nul, "keys are compared byte by byte"},
      {bug::rounds_times_to_milliseconds, "messages come back exactly"},
      {bug::cuts_large_payloads, "a payload of 1 MiB is kept or refused"},
      {bug::redrives_what_is_not_dead, "a redrive takes dead letters only"},
      {bug::redrives_what_is_not_dead, "a redrive works once"},
      {bug::frees_the_newer_after_a_redrive, "nothing overtakes what was redriven"},
      {bug::purges_the_dead, "a purge takes the old and delivered only"},
      {bug::purges_the_boundary, "a purge takes the old and delivered only"},
      {bug::ignores_the_purge_limit, "a purge is bounded"},
      {bug::gives_the_lease_to_everybody, "a lease has one owner"},
      {bug::leases_too_long, "a lease expires by the clock of the store"},
      {bug::repeats_epochs, "a lease has one owner"},
      {bug::renews_anything, "a lease is released"},
      {bug::never_releases, "a lease is released"},
      {bug::tells_no_age, "the counts follow"},
      {bug::tells_the_age_of_the_message, "the counts follow"},
      {bug::takes_any_transaction, "a transaction of another database is refused"},
  }));
  const std::vector<std::string> names = failing(planted);
  CAPTURE(expected, names);
  CHECK(std::find(names.begin(), names.end(), expected) != names.end());
}
#endif
