// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/memory/database.hpp>
#include <gabion/adapters/memory/detail/inbox_table.hpp>
#include <gabion/adapters/memory/detail/journal.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/error.hpp>
#include <gabion/outbox/inbox_store.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// The inbox and event log of any number of consumers in memory; satisfies gabion::inbox_store for
/// memory::database::transaction.
///
/// It does what the SQLite one does, call for call; nothing survives the process. Safe to use from
/// several threads. A thread that has a transaction open must call only what takes that
/// transaction. It keeps a reference to the database, which must not be in a transaction when the
/// store is destroyed. Functions that take a transaction throw error(invalid_argument) for one of
/// another database. Operations are logarithmic in what is kept.
template <wall_clock WallClock = system_clock, env Env = native_env>
class basic_inbox_store {
 public:
  using transaction = typename basic_database<Env>::transaction;

  explicit basic_inbox_store(basic_database<Env>& in, WallClock time = WallClock{})
      : database_{in}, time_{std::move(time)} {}
  basic_inbox_store(const basic_inbox_store&) = delete;
  basic_inbox_store& operator=(const basic_inbox_store&) = delete;

  /// Throws error(invalid_argument) if the consumer's name or the message's id is empty.
  [[nodiscard]] bool begin_message(transaction& tx, std::string_view consumer, const message& m) {
    const detail::inbox_key key = enter(tx, consumer, m);
    if (table_.entries.contains(key)) return false;
    note(key, {.status = inbox_status::processed, .processed_at = time_.now()});
    return true;
  }

  void keep_dead(transaction& tx, std::string_view consumer, const message& m,
                 std::uint32_t attempts, std::string_view reason) {
    const detail::inbox_key key = enter(tx, consumer, m);
    const std::uint64_t at =
        put_letter(key, m, inbox_status::dead, attempts, std::string{reason.substr(0, 2048)});
    for (const std::uint64_t behind : table_.of_key(consumer, m.subject, at))
      if (table_.letters.at(behind).status == inbox_status::redriven)
        move(behind, inbox_status::parked);
  }

  [[nodiscard]] bool keep_parked(transaction& tx, std::string_view consumer, const message& m) {
    const detail::inbox_key key = enter(tx, consumer, m);
    if (!blocked(tx, consumer, m.subject)) return false;
    const std::optional<std::uint64_t> there = table_.find(key);
    if (there && table_.letters.at(*there).status == inbox_status::dead) return true;
    bool behind_dead = false;
    for (const std::uint64_t at : table_.of_key(consumer, m.subject, 0))
      behind_dead = behind_dead ||
                    ((!there || at < *there) && table_.letters.at(at).status == inbox_status::dead);
    put_letter(key, m, behind_dead ? inbox_status::parked : inbox_status::redriven, 0, {});
    return true;
  }

  [[nodiscard]] bool blocked(transaction& tx, std::string_view consumer, std::string_view key) {
    database_.require_own(tx, "inbox_store.blocked");
    return !table_.of_key(consumer, key, 0).empty();
  }

  [[nodiscard]] std::vector<inbox_letter> letters(std::string_view consumer, position after,
                                                  std::size_t limit) {
    return list(consumer, after, limit, [](const detail::kept_letter&) { return true; });
  }
  [[nodiscard]] std::vector<inbox_letter> redriven(std::string_view consumer, position after,
                                                   std::size_t limit) {
    return list(consumer, after, limit,
                [](const detail::kept_letter& l) { return l.status == inbox_status::redriven; });
  }

  [[nodiscard]] bool redrive(std::string_view consumer, position at) {
    return database_.transact([&](transaction& tx) {
      const detail::kept_letter* found = table_.letter(consumer, to_number(at), inbox_status::dead);
      if (found == nullptr) return false;
      const detail::kept_letter letter = *found;
      tx.join(journal_);
      for (const std::uint64_t behind :
           table_.of_key(consumer, letter.what.subject, to_number(at))) {
        if (table_.letters.at(behind).status == inbox_status::dead) break;
        move(behind, inbox_status::redriven);
      }
      put_letter(letter.key, letter.what, inbox_status::redriven, 0, letter.reason);
      return true;
    });
  }

  [[nodiscard]] bool still_redriven(transaction& tx, std::string_view consumer, position at) {
    database_.require_own(tx, "inbox_store.still_redriven");
    return table_.letter(consumer, to_number(at), inbox_status::redriven) != nullptr;
  }

  [[nodiscard]] bool finish_letter(transaction& tx, std::string_view consumer, position at) {
    database_.require_own(tx, "inbox_store.finish_letter");
    const detail::kept_letter* found =
        table_.letter(consumer, to_number(at), inbox_status::redriven);
    if (found == nullptr) return false;
    const detail::kept_letter letter = *found;
    for (const std::uint64_t earlier : table_.of_key(consumer, letter.what.subject, 0))
      if (earlier < to_number(at) && table_.letters.at(earlier).status == inbox_status::redriven)
        return false;
    tx.join(journal_);
    inbox_entry done = table_.entries.at(letter.key);
    done.status = inbox_status::processed;
    done.processed_at = time_.now();
    note(letter.key, std::move(done));
    journal_.on_rollback([this, at, former = letter] { table_.put(to_number(at), former); });
    table_.remove(to_number(at));
    return true;
  }

  [[nodiscard]] std::optional<inbox_entry> entry(std::string_view consumer, std::string_view source,
                                                 std::string_view message_id) {
    const auto guard = database_.lock();
    const auto found =
        table_.entries.find({std::string{consumer}, std::string{source}, std::string{message_id}});
    return found == table_.entries.end() ? std::nullopt : std::optional{found->second};
  }

  /// At most `limit` entries at once: call it again while it answers `limit`. A message whose entry
  /// is purged is new again. Linear in the entries kept.
  [[nodiscard]] std::size_t purge_processed(wall_time before, std::size_t limit) {
    const auto guard = database_.lock();
    std::size_t purged = 0;
    for (auto e = table_.entries.begin(); e != table_.entries.end() && purged < limit;) {
      const bool old =
          e->second.status == inbox_status::processed && e->second.processed_at < before;
      e = old ? table_.entries.erase(e) : std::next(e);
      purged += old ? 1 : 0;
    }
    return purged;
  }

 private:
  detail::inbox_key enter(transaction& tx, std::string_view consumer, const message& m) {
    database_.require_own(tx, "inbox_store");
    if (consumer.empty())
      gabion::detail::fail(errc::invalid_argument, "inbox_store: the consumer's name is empty");
    if (m.id.empty())
      gabion::detail::fail(
          errc::invalid_argument,
          "inbox_store: message.id is empty; without it a repetition can not be told");
    tx.join(journal_);
    return {std::string{consumer}, m.source, m.id};
  }

  std::uint64_t put_letter(const detail::inbox_key& key, const message& m, inbox_status as,
                           std::uint32_t attempts, std::string reason) {
    const wall_time now = time_.now();
    note(key, {.status = as, .processed_at = now, .attempts = attempts, .reason = reason});
    detail::kept_letter letter{key, m, as, attempts, std::move(reason), now};
    const std::optional<std::uint64_t> there = table_.find(key);
    const std::uint64_t at = there ? *there : table_.next_letter();
    if (there)
      replace(at, std::move(letter));
    else {
      table_.put(at, std::move(letter));
      journal_.on_rollback([this, at] { table_.remove(at); });
    }
    return at;
  }

  /// Gives a letter and its entry another status and leaves the rest as it is.
  void move(std::uint64_t at, inbox_status to) {
    detail::kept_letter letter = table_.letters.at(at);
    inbox_entry e = table_.entries.at(letter.key);
    letter.status = e.status = to;
    note(letter.key, std::move(e));
    replace(at, std::move(letter));
  }

  void replace(std::uint64_t at, detail::kept_letter by) {
    journal_.on_rollback([this, at, former = table_.letters.at(at)] { table_.put(at, former); });
    table_.put(at, std::move(by));
  }

  void note(const detail::inbox_key& key, inbox_entry e) {
    const auto found = table_.entries.find(key);
    if (found == table_.entries.end())
      journal_.on_rollback([this, key] { table_.entries.erase(key); });
    else
      journal_.on_rollback(
          [this, key, former = found->second] { table_.entries.insert_or_assign(key, former); });
    table_.entries.insert_or_assign(key, std::move(e));
  }

  template <class Predicate>
  [[nodiscard]] std::vector<inbox_letter> list(std::string_view consumer, position after,
                                               std::size_t limit, Predicate wanted) {
    const auto guard = database_.lock();
    std::vector<inbox_letter> found;
    for (auto l = table_.letters.upper_bound(to_number(after));
         l != table_.letters.end() && found.size() < limit; ++l)
      if (l->second.key.consumer == consumer && wanted(l->second))
        found.push_back({position{l->first}, l->second.what, l->second.status, l->second.attempts,
                         l->second.reason, l->second.kept_at});
    return found;
  }

  basic_database<Env>& database_;
  WallClock time_;
  detail::inbox_table table_{};
  detail::journal journal_{};
};

using inbox_store = basic_inbox_store<>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
