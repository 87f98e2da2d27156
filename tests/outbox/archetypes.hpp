// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/outbox/store.hpp>
#include <gabion/outbox/subscription.hpp>
#include <gabion/outbox/transport.hpp>

// Stores, transports and subscriptions in the shape that the demanding back ends have, over small
// C-like stand-ins: they prove that the concepts can be met, before the adapters come.
namespace archetypes {

using namespace gabion;

// ---- (a) libpq: a connection handle that the caller owns, statements by pipeline, leases by the
// database's time

struct pg_row {
  std::uint64_t id = 0;
  // of the transaction that wrote it: it becomes visible at that one's commit, in any order
  std::uint64_t xid = 0;
  message what{};
};

/// What a PGconn is to libpq: a connection with its own transaction and a queue of statements.
struct pg_connection {
  struct pg_server* server = nullptr;
  std::uint64_t xid = 0;
  std::vector<std::string> pipeline{};
};

struct pg_server {
  std::vector<pg_row> rows{};
  std::set<std::uint64_t> open{};
  std::uint64_t next_xid = 1;
  std::uint64_t next_id = 1;
  std::int64_t clock_seconds = 0;  // the database's clock: the only one that counts
  std::uint64_t epoch = 0;
  std::int64_t lease_until = 0;
  std::string lease_owner{};
  std::set<std::uint64_t> delivered{};
  std::map<std::uint64_t, std::string> dead{};
  std::set<std::uint64_t> parked{};
  std::uint64_t cursor = 0;
  std::size_t round_trips = 0;
};

inline void pg_begin(pg_connection& c) { c.server->open.insert(c.xid = c.server->next_xid++); }
inline void pg_commit(pg_connection& c) { c.server->open.erase(std::exchange(c.xid, 0)); }

/// Reads by snapshot difference: each read numbers what has become visible since the last one, and
/// that number is the position. So a row that is committed late simply comes later, and the cursor
/// is the watermark.
class pg_store {
 public:
  using transaction = pg_connection;  // the caller's own, begun and ended by the caller

  explicit pg_store(pg_connection& relay_side) : db_{&relay_side} {}

  std::vector<enqueued> enqueue(pg_connection& tx, std::span<const message> batch) {
    if (tx.xid == 0)
      throw error{errc::invalid_argument, "no transaction is open on this connection"};
    std::vector<enqueued> written;
    for (const message& m : batch) {
      tx.server->rows.push_back({tx.server->next_id++, tx.xid, m});
      written.push_back({position{tx.server->next_id - 1}});
    }
    return written;
  }

  std::vector<outbox_record> fetch(std::uint32_t, position after, std::size_t limit) {
    tick();
    std::vector<outbox_record> found;
    for (auto r = visible_.upper_bound(after); r != visible_.end() && found.size() < limit; ++r)
      if (!settled(r->second.id)) found.push_back({r->first, r->second.what, 0, false});
    return found;
  }

  settle_status settle(const lease& held, std::span<const settlement> done, position watermark) {
    if (held.epoch != db_->server->epoch) return settle_status::fenced;
    for (const settlement& s : done) db_->pipeline.push_back(line(s));
    db_->pipeline.push_back("cursor " + std::to_string(to_number(watermark)));
    ++db_->server->round_trips;  // one for all of them
    for (const settlement& s : done) apply(s);
    db_->server->cursor = to_number(watermark);
    for (auto r = visible_.begin(); r != visible_.end() && r->first <= watermark;)
      r = visible_.erase(r);
    db_->pipeline.clear();
    return settle_status::applied;
  }

  std::optional<lease> acquire_lease(std::string_view name, std::string_view owner, duration ttl) {
    pg_server& s = *db_->server;
    if (s.lease_until > s.clock_seconds && s.lease_owner != owner) return std::nullopt;
    s.lease_owner = owner;
    s.lease_until = s.clock_seconds + ttl / std::chrono::seconds{1};
    return lease{std::string{name}, std::string{owner}, ++s.epoch};
  }
  bool renew_lease(const lease& held, duration ttl) {
    if (held.epoch != db_->server->epoch) return false;
    db_->server->lease_until = db_->server->clock_seconds + ttl / std::chrono::seconds{1};
    return true;
  }
  bool release_lease(const lease& held) {
    if (held.epoch != db_->server->epoch) return false;
    db_->server->lease_until = 0;
    return true;
  }

 private:
  void tick() {
    for (const pg_row& r : db_->server->rows)
      if (!db_->server->open.contains(r.xid) && numbered_.insert(r.id).second)
        visible_[position{++last_}] = r;
  }
  [[nodiscard]] bool settled(std::uint64_t id) const {
    return db_->server->delivered.contains(id) || db_->server->dead.contains(id) ||
           db_->server->parked.contains(id);
  }
  static std::string line(const settlement& s) { return "mark " + std::to_string(to_number(s.at)); }
  void apply(const settlement& s) {
    const std::uint64_t id = visible_.at(s.at).id;
    if (s.as == disposition::delivered) db_->server->delivered.insert(id);
    if (s.as == disposition::dead) db_->server->dead[id] = s.reason;
    if (s.as == disposition::parked) db_->server->parked.insert(id);
  }

  pg_connection* db_;
  std::map<position, pg_row> visible_{};
  std::set<std::uint64_t> numbered_{};
  std::uint64_t last_ = 0;
};

// ---- (b) logical replication: the message is only in the log; the position is its LSN, and what
// is settled is confirmed

struct wal {
  std::map<std::uint64_t, message> log{};
  std::uint64_t lsn = 100;
  std::uint64_t confirmed = 0;  // the slot's confirmed_flush_lsn
};
struct wal_transaction {
  std::vector<message> emitted{};
  void commit(wal& to) {
    for (message& m : emitted) to.log[to.lsn += 8] = std::move(m);
  }
};

class wal_store {
 public:
  using transaction = wal_transaction;
  explicit wal_store(wal& of) : wal_{&of} {}

  std::vector<enqueued> enqueue(wal_transaction& tx, std::span<const message> batch) {
    tx.emitted.insert(tx.emitted.end(), batch.begin(), batch.end());
    return std::vector<enqueued>(batch.size());
  }
  std::vector<outbox_record> fetch(std::uint32_t, position after, std::size_t limit) {
    std::vector<outbox_record> found;
    const std::uint64_t from = std::max(to_number(after), wal_->confirmed);
    for (auto m = wal_->log.upper_bound(from); m != wal_->log.end() && found.size() < limit; ++m) {
      if (beyond_.contains(m->first)) continue;
      found.push_back({position{m->first}, m->second, 0, dead_keys_.contains(m->second.subject)});
    }
    return found;
  }
  settle_status settle(const lease&, std::span<const settlement> done, position watermark) {
    for (const settlement& s : done) {
      if (s.as == disposition::deferred) continue;
      beyond_.insert(to_number(s.at));
      const message& m = wal_->log.at(to_number(s.at));
      if (s.as != disposition::delivered) side_table[to_number(s.at)] = m;
      if (s.as == disposition::dead) dead_keys_.insert(m.subject);
    }
    wal_->confirmed = to_number(watermark);
    beyond_.erase(beyond_.begin(), beyond_.upper_bound(wal_->confirmed));
    return settle_status::applied;
  }
  // A slot has one reader: being connected is the lease.
  std::optional<lease> acquire_lease(std::string_view name, std::string_view owner, duration) {
    return lease{std::string{name}, std::string{owner}, ++epoch_};
  }
  bool renew_lease(const lease& held, duration) { return held.epoch == epoch_; }
  bool release_lease(const lease&) { return true; }

  std::map<std::uint64_t, message> side_table{};  // dead and parked, outside the log

 private:
  wal* wal_;
  std::set<std::uint64_t> beyond_{};  // settled above the watermark
  std::set<std::string> dead_keys_{};
  std::uint64_t epoch_ = 0;
};

// ---- (c) librdkafka: a bounded queue, delivery reports by polling, "possibly persisted", and
// fatal errors

enum class rk_error { none, not_persisted, possibly_persisted, too_large, queue_full, fatal };
struct rk_report {
  void* opaque;
  rk_error err;
};
/// A producer: it takes messages by reference until its queue is full, and reports later.
struct rk_producer {
  std::size_t room = 3;
  bool broken = false;
  std::deque<std::pair<const message*, void*>> queue{};
  std::map<std::string, rk_error> script{};
};
inline rk_error rk_produce(rk_producer& p, const message& m, void* opaque) {
  if (p.broken) return rk_error::fatal;
  if (p.queue.size() >= p.room) return rk_error::queue_full;
  p.queue.emplace_back(&m, opaque);
  return rk_error::none;
}
inline std::vector<rk_report> rk_poll(rk_producer& p, std::vector<std::string>& topic) {
  std::vector<rk_report> reports;
  std::set<std::string> failed;
  while (!p.queue.empty()) {
    const auto [m, opaque] = p.queue.front();
    p.queue.pop_front();
    rk_error err =
        p.script.contains(m->id) ? std::exchange(p.script[m->id], rk_error::none) : rk_error::none;
    // the idempotent producer's promise
    if (err == rk_error::none && failed.contains(m->subject)) err = rk_error::not_persisted;
    if (err != rk_error::none) failed.insert(m->subject);
    if (err == rk_error::none || err == rk_error::possibly_persisted) topic.push_back(m->id);
    if (err == rk_error::fatal) {
      p.broken = true;
      p.queue.clear();  // rd_kafka_destroy: nothing more will be reported
      return reports;
    }
    reports.push_back({opaque, err});
  }
  return reports;
}

class rk_transport {
 public:
  static constexpr bool keeps_key_order = true;

  std::size_t submit(std::span<const outgoing> batch) {
    std::size_t taken = 0;
    for (const outgoing& o : batch) {
      if (rk_produce(producer, *o.what, reinterpret_cast<void*>(to_number(o.at))) != rk_error::none)
        break;
      outstanding_.insert(o.at);
      ++taken;
    }
    return taken;
  }

  void poll(std::vector<delivery>& out, duration) {
    for (const rk_report& r : rk_poll(producer, topic)) {
      const position at{reinterpret_cast<std::uint64_t>(r.opaque)};
      outstanding_.erase(at);
      out.push_back({at, meaning(r.err), r.err == rk_error::none ? "" : "reported"});
    }
    if (!producer.broken) return;
    // After a fatal error nobody knows what became of the rest. A new producer has a new id; the
    // same records come again.
    for (const position at : outstanding_)
      out.push_back({at, outcome::in_doubt, "the producer failed for good and was made anew"});
    outstanding_.clear();
    producer = rk_producer{.room = producer.room};
    ++rebuilt;
  }

  rk_producer producer{};
  std::vector<std::string> topic{};
  int rebuilt = 0;

 private:
  static outcome meaning(rk_error e) {
    switch (e) {
      case rk_error::none: return outcome::delivered;
      case rk_error::possibly_persisted: return outcome::in_doubt;
      case rk_error::too_large: return outcome::rejected;
      default: return outcome::retry;
    }
  }
  std::set<position> outstanding_{};
};

// ---- (d) Redis streams: XADD gives "milliseconds-sequence" ids; XREADGROUP and XACK

struct redis {
  struct entry {
    std::uint64_t ms = 0;
    std::uint64_t seq = 0;
    message what{};
  };
  std::map<std::string, std::vector<entry>> streams{};
  std::map<std::string, std::set<std::uint64_t>> pending{};
  std::uint64_t ms = 1'700'000'000'000;
};

/// 44 bits of milliseconds and 20 of sequence: in order as the ids are, until the year 2527.
inline position place_of(const redis::entry& e) { return position{(e.ms << 20U) | e.seq}; }

class redis_transport {
 public:
  // one connection, commands in order, a failed one ends the batch
  static constexpr bool keeps_key_order = true;
  explicit redis_transport(redis& to) : to_{&to} {}

  std::size_t submit(std::span<const outgoing> batch) {
    for (const outgoing& o : batch) {
      auto& stream = to_->streams[o.what->topic];
      const bool same_ms = !stream.empty() && stream.back().ms == to_->ms;
      stream.push_back({to_->ms, same_ms ? stream.back().seq + 1 : 0, *o.what});
      replies_.push_back({.at = o.at});
    }
    return batch.size();
  }
  void poll(std::vector<delivery>& out, duration) {
    out.insert(out.end(), replies_.begin(), replies_.end());
    replies_.clear();
  }

 private:
  redis* to_;
  std::vector<delivery> replies_{};
};

class redis_subscription {
 public:
  redis_subscription(redis& from, std::string stream) : from_{&from}, stream_{std::move(stream)} {}

  std::vector<received> receive(std::size_t limit, duration) {
    std::vector<received> got;
    for (const redis::entry& e : from_->streams[stream_]) {
      if (place_of(e) <= read_to_ || got.size() == limit) continue;
      from_->pending[stream_].insert(to_number(place_of(e)));
      got.push_back({0, read_to_ = place_of(e), e.what});
    }
    return got;
  }
  settle_status commit(std::uint32_t, position up_to) {
    auto& pending = from_->pending[stream_];
    pending.erase(pending.begin(), pending.upper_bound(to_number(up_to)));
    return settle_status::applied;
  }
  [[nodiscard]] std::uint64_t assignment() const { return 1; }

 private:
  redis* from_;
  std::string stream_;
  position read_to_ = beginning;
};

}  // namespace archetypes
