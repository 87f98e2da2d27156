// SPDX-License-Identifier: MIT
// Your own store: an outbox over a type of your own, checked by the same suite as gabion's stores.
//
// The "database" is a vector behind a mutex. A transaction works on a copy, and its commit is a
// swap.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/message_limits.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/testing/outbox_store_suite.hpp>

namespace {

using namespace gabion;

enum class state { pending, published, dead, parked };

struct row {
  position at{};
  message what{};
  state is = state::pending;
  // pending, but a reader may be past it: nothing newer of its key may go first
  bool passed_over = false;
  std::uint32_t attempts = 0;
  std::string reason{};
  wall_time created{};
  wall_time changed{};
};

struct claim {
  std::string owner{};
  std::uint64_t epoch = 0;
  wall_time until{};
};

struct contents {
  std::vector<row> rows{};  // by position
  std::map<std::string, claim, std::less<>> leases{};
  std::uint64_t last = 0;
};

class shelf {
 public:
  class transaction {
   public:
    explicit transaction(contents& copy) : data{copy} {}
    contents& data;
  };

  template <class Body>
  auto transact(Body&& body) {
    const std::lock_guard guard{mutex_};
    contents copy = committed_;
    transaction tx{copy};
    auto result = body(tx);  // an exception leaves what is committed as it was
    committed_ = std::move(copy);
    return result;
  }
  [[nodiscard]] contents read() {
    const std::lock_guard guard{mutex_};
    return committed_;
  }

 private:
  std::mutex mutex_{};
  contents committed_{};
};

/// What the concept gabion::outbox_store asks for, and nothing else.
template <wall_clock WallClock>
class shelf_outbox {
 public:
  using transaction = shelf::transaction;

  shelf_outbox(shelf& on, WallClock time) : shelf_{on}, time_{time}, ids_{time} {}

  std::vector<enqueued> enqueue(transaction& tx, std::span<const message> batch) {
    require_valid(batch, message_limits{});
    std::vector<enqueued> written;
    for (message m : batch) {
      if (m.id.empty()) m.id = to_string(ids_());
      if (m.time == wall_time{}) m.time = time_.now();
      const auto same =
          std::ranges::find(tx.data.rows, m.id, [](const row& r) { return r.what.id; });
      if (same != tx.data.rows.end()) {
        written.push_back({same->at, true});
        continue;
      }
      tx.data.rows.push_back(
          {.at = position{++tx.data.last}, .what = std::move(m), .created = time_.now()});
      written.push_back({tx.data.rows.back().at, false});
    }
    return written;
  }

  std::vector<outbox_record> fetch(std::uint32_t lane, position after, std::size_t limit) {
    const contents now = shelf_.read();
    std::vector<outbox_record> found;
    for (const row& r : now.rows) {
      if (lane != 0 || found.size() == limit) break;
      if (r.is != state::pending || r.at <= after) continue;
      const bool behind_one_passed =
          r.passed_over && std::ranges::any_of(now.rows, [&](const row& o) {
            return o.passed_over && same_key(o, r) && o.at <= after;
          });
      if (!behind_one_passed) found.push_back({r.at, r.what, r.attempts, must_wait(now, r)});
    }
    return found;
  }

  settle_status settle(const lease& held, std::span<const settlement> done, position) {
    return shelf_.transact([&](transaction& tx) {
      const claim& current = tx.data.leases[held.name];
      if (current.epoch != held.epoch || current.owner != held.owner) return settle_status::fenced;
      for (const settlement& s : done)
        if (s.as != disposition::parked) settle_one(tx.data, s);
      for (const settlement& s : done)
        if (s.as == disposition::parked) settle_one(tx.data, s);
      return settle_status::applied;
    });
  }

  std::vector<dead_letter> dead_letters(position after, std::size_t limit) {
    std::vector<dead_letter> found;
    for (const row& r : shelf_.read().rows)
      if (r.is == state::dead && r.at > after && found.size() < limit)
        found.push_back({r.at, r.what, r.attempts, r.reason, r.changed});
    return found;
  }

  bool redrive(position at) {
    return shelf_.transact([&](transaction& tx) {
      row* const first = find(tx.data, at);
      if (first == nullptr || first->is != state::dead) return false;
      for (row& r : tx.data.rows) {
        if (&r != first && (r.at < at || !same_key(r, *first))) continue;
        if (&r != first && r.is == state::dead) break;
        if (&r == first || r.is == state::parked) {
          r.is = state::pending;
          r.passed_over = !r.what.subject.empty();
          r.attempts = 0;
        }
      }
      return true;
    });
  }

  std::size_t purge_published(wall_time before, std::size_t limit) {
    return shelf_.transact([&](transaction& tx) {
      std::size_t left = limit;
      return std::erase_if(tx.data.rows, [&](const row& r) {
        const bool old = r.is == state::published && r.changed < before && left > 0;
        left -= old ? 1 : 0;
        return old;
      });
    });
  }

  outbox_stats stats() {
    outbox_stats s;
    for (const row& r : shelf_.read().rows) {
      if (r.is == state::pending && s.pending++ == 0) s.oldest_pending = r.created;
      s.dead += r.is == state::dead ? 1 : 0;
      s.parked += r.is == state::parked ? 1 : 0;
    }
    return s;
  }

  std::optional<lease> acquire_lease(std::string_view name, std::string_view owner, duration ttl) {
    return shelf_.transact([&](transaction& tx) -> std::optional<lease> {
      claim& c = tx.data.leases[std::string{name}];
      if (!c.owner.empty() && c.owner != owner && time_.now() < c.until) return std::nullopt;
      c = {std::string{owner}, c.epoch + 1,
           time_.now() + std::chrono::ceil<wall_time::duration>(ttl)};
      return lease{std::string{name}, c.owner, c.epoch};
    });
  }
  bool renew_lease(const lease& held, duration ttl) {
    return change_lease(held, [&](claim& c) {
      c.until = time_.now() + std::chrono::ceil<wall_time::duration>(ttl);
    });
  }
  bool release_lease(const lease& held) {
    return change_lease(held, [](claim& c) { c.owner.clear(); });
  }

 private:
  static bool same_key(const row& a, const row& b) {
    return !a.what.subject.empty() && a.what.subject == b.what.subject;
  }
  static bool held(const row& r) { return r.is == state::dead || r.is == state::parked; }
  static bool blocked(const contents& in, const row& r) {
    return std::ranges::any_of(
        in.rows, [&](const row& o) { return o.at < r.at && same_key(o, r) && held(o); });
  }
  static bool must_wait(const contents& in, const row& r) {
    return blocked(in, r) || (!r.passed_over && std::ranges::any_of(in.rows, [&](const row& o) {
             return o.at < r.at && same_key(o, r) && o.is == state::pending && o.passed_over;
           }));
  }
  static row* find(contents& in, position at) {
    const auto found = std::ranges::find(in.rows, at, &row::at);
    return found == in.rows.end() ? nullptr : &*found;
  }

  void settle_one(contents& in, const settlement& s) {
    row* const r = find(in, s.at);
    if (r == nullptr || r->is != state::pending) return;
    if (s.as == disposition::parked) {
      if (blocked(in, *r)) r->is = state::parked;
      r->passed_over = r->is == state::pending && !r->what.subject.empty();
      return;
    }
    if (s.as != disposition::delivered) {
      r->attempts = s.attempts;
      r->reason = s.reason;
    }
    if (s.as == disposition::deferred) return;
    r->is = s.as == disposition::dead ? state::dead : state::published;
    r->passed_over = false;
    r->changed = time_.now();
  }

  template <class Change>
  bool change_lease(const lease& held, Change change) {
    return shelf_.transact([&](transaction& tx) {
      claim& c = tx.data.leases[held.name];
      if (held.owner.empty() || c.owner != held.owner || c.epoch != held.epoch) return false;
      change(c);
      return true;
    });
  }

  shelf& shelf_;
  WallClock time_;
  basic_shared_uuid_v7_generator<WallClock, xoshiro256, native_env> ids_;
};

static_assert(explain_outbox_store<shelf_outbox<system_clock>>());

/// What the suite runs in: a database and a store in it.
struct world {
  explicit world(testing::manual_time& time) : outbox{db, time.wall()} {}
  shelf& database() { return db; }
  auto& store() { return outbox; }

  shelf db{};
  shelf_outbox<testing::manual_wall_clock> outbox;
};

}  // namespace

int main() {
  const bool good = testing::run_suite(
      testing::outbox_store_suite<world>(), [](testing::manual_time& time) { return world{time}; },
      [](std::string_view name, const testing::findings& found) {
        for (const std::string& failure : found.failures())
          std::printf("%.*s: not so: %s\n", static_cast<int>(name.size()), name.data(),
                      failure.c_str());
      });
  std::puts(good ? "the store keeps every promise" : "the store breaks a promise");
  return good ? 0 : 1;
}
