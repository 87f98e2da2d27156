// SPDX-License-Identifier: MIT
#include "outsider.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include <gabion/adapters/sqlite/connection.hpp>

#include "journal.hpp"
#include "support/history.hpp"

namespace gabion_test::crash {

namespace {

using namespace gabion;

struct event_row {
  std::string id{};
  std::string stream{};
  std::uint64_t version = 0;
  std::uint64_t at = 0;
  std::int64_t amount = 0;
};

/// The files as an outsider reads them, with nothing but SQL.
class outsider {
 public:
  outsider(const std::string& directory, bool at_rest)
      : service_{directory + "/service.db"},
        broker_{directory + "/broker.db"},
        journal_{read_journal(directory + "/journal")},
        at_rest_{at_rest} {}

  std::vector<std::string> look() {
    integrity(service_, "service.db");
    integrity(broker_, "broker.db");
    // killed while the tables were made: the next life goes on with that
    if (!journal_.ready) return std::move(found_);
    read_events();
    read_outbox();
    acknowledged_is_there();
    events_and_messages_are_one();
    read_broker();
    read_effects();
    inbox_and_effects_are_one();
    offsets_follow_the_inbox();
    read_model_is_its_checkpoint();
    if (at_rest_) nothing_is_left();
    for (std::string& v : history_checker{history_}.violations(at_rest_))
      found_.push_back(std::move(v));
    return std::move(found_);
  }

 private:
  void fail(const std::string& rule, const std::string& what) {
    found_.push_back(rule + ": " + what);
  }

  void integrity(sqlite::connection& of, const std::string& name) {
    sqlite::rows r = of.query("PRAGMA integrity_check");
    if (!r.next() || r->view(0) != "ok") fail("integrity", name + " is damaged");
  }

  void read_events() {
    std::map<std::string, std::uint64_t> versions;
    sqlite::rows r = service_.query(
        "SELECT event_id, stream, version, position, payload FROM gabion_event ORDER BY position");
    while (r.next()) {
      event_row e{r->text(0), r->text(1), static_cast<std::uint64_t>(r->number(2)),
                  static_cast<std::uint64_t>(r->number(3)), std::stoll(r->text(4))};
      if (e.at != events_.size() + 1)
        fail("positions", e.id + " is at " + std::to_string(e.at) + ", behind " +
                              std::to_string(events_.size()) + " events");
      if (e.version != ++versions[e.stream])
        fail("versions", e.id + " has version " + std::to_string(e.version) + " in " + e.stream);
      events_.push_back(std::move(e));
    }
  }

  void read_outbox() {
    sqlite::rows r =
        service_.query("SELECT event_id, subject, state FROM gabion_outbox ORDER BY id");
    while (r.next()) {
      history_.committed.push_back({r->text(0), r->text(1)});
      if (r->number(2) == 1)
        published_.push_back(r->text(0));
      else if (at_rest_)
        fail("rest", r->text(0) + " is not published");
    }
  }

  void acknowledged_is_there() {
    std::map<std::string, const event_row*> stored;
    for (const event_row& e : events_)
      if (!stored.emplace(e.id, &e).second) fail("twice", e.id + " is stored twice");
    for (const std::uint64_t number : journal_.begun) {
      const command c{number};
      const auto found = stored.find(c.id());
      if (found == stored.end()) {
        if (journal_.acknowledged.contains(number))
          fail("acknowledged", c.id() + " was acknowledged and is lost");
        history_.rolled_back.insert(c.id());
        continue;
      }
      if (found->second->stream != c.account() || found->second->amount != c.amount())
        fail("altered", c.id() + " is not what was written");
      stored.erase(found);
    }
    for (const auto& [id, e] : stored) fail("invented", id + " was never begun");
  }

  void events_and_messages_are_one() {
    if (events_.size() != history_.committed.size())
      fail("atomic", std::to_string(events_.size()) + " events and " +
                         std::to_string(history_.committed.size()) + " messages are stored");
    for (std::size_t i = 0; i < events_.size() && i < history_.committed.size(); ++i)
      if (events_[i].id != history_.committed[i].id ||
          events_[i].stream != history_.committed[i].key)
        return fail("atomic", "event " + events_[i].id + " stands where the outbox has " +
                                  history_.committed[i].id);
  }

  void read_broker() {
    std::map<std::int64_t, std::int64_t> offsets;
    sqlite::rows r = broker_.query(
        "SELECT event_id, subject, part, offset FROM gabion_broker_message ORDER BY part, offset");
    while (r.next()) {
      history_.log.push_back({r->text(0), r->text(1)});
      log_.emplace_back(r->number(2), r->number(3));
      if (r->number(3) != ++offsets[r->number(2)])
        fail("offsets", r->text(0) + " has offset " + std::to_string(r->number(3)));
    }
    for (const std::string& id : published_)
      history_.marks.push_back({.id = id, .log_size = history_.log.size()});
  }

  void read_effects() {
    history_.consumers = {"email", "stock"};
    sqlite::rows r = service_.query(
        "SELECT f.consumer, f.event_id, f.subject, CAST(f.payload AS TEXT) IS CAST(e.payload AS "
        "TEXT) FROM effect f LEFT JOIN "
        "gabion_event e USING (event_id) ORDER BY f.seq");
    while (r.next()) {
      history_.effects.push_back({r->text(0), {r->text(1), r->text(2)}});
      if (r->number(3) != 1)
        fail("altered", r->text(1) + " reached " + r->text(0) + " with another payload");
    }
  }

  /// An entry says that the message was processed if and only if its effect is there.
  void inbox_and_effects_are_one() {
    std::set<std::pair<std::string, std::string>> effects;
    for (const effect& e : history_.effects) effects.emplace(e.consumer, e.what.id);
    sqlite::rows r = service_.query("SELECT consumer_name, event_id, status FROM gabion_inbox");
    while (r.next()) {
      std::pair<std::string, std::string> which{r->text(0), r->text(1)};
      const bool took_effect = effects.erase(which) != 0;
      if ((r->number(2) == 0) != took_effect)
        fail("inbox", which.second + " is " + (took_effect ? "not " : "") + "processed at " +
                          which.first + ", and its effect is" + (took_effect ? "" : " not") +
                          " there");
      entered_.insert(std::move(which));
    }
    for (const auto& [consumer, id] : effects)
      fail("inbox", id + " had its effect at " + consumer + " without an entry");
  }

  /// What a group's offset has passed, its consumer has handled or kept.
  void offsets_follow_the_inbox() {
    for (const std::string& consumer : history_.consumers) {
      std::map<std::int64_t, std::int64_t> passed;
      sqlite::rows r = broker_.query(
          "SELECT part, offset FROM gabion_broker_offset WHERE group_name = ?", consumer);
      while (r.next()) passed[r->number(0)] = r->number(1);
      for (std::size_t i = 0; i < log_.size(); ++i)
        if (log_[i].second <= passed[log_[i].first] &&
            !entered_.contains({consumer, history_.log[i].id}))
          fail("offset",
               consumer + " has passed " + history_.log[i].id + " and knows nothing of it");
    }
  }

  /// At every moment the read model holds what its checkpoint says: the fold of the events up to
  /// there.
  void read_model_is_its_checkpoint() {
    sqlite::rows at =
        service_.query("SELECT position FROM gabion_checkpoint WHERE name = 'balances@1'");
    const std::uint64_t through = at.next() ? static_cast<std::uint64_t>(at->number(0)) : 0;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> expected;
    for (const event_row& e : events_) {
      if (e.at > through) break;
      auto& [count, fold] = expected[e.stream];
      fold = count++ == 0 ? e.amount : (fold * 31 + e.amount) % 1000003;
    }
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> stored;
    sqlite::rows r = service_.query("SELECT account, events, fold FROM balance");
    while (r.next()) stored[r->text(0)] = {r->number(1), r->number(2)};
    if (stored != expected)
      fail("projection",
           "the read model is not the events up to its checkpoint, " + std::to_string(through));
    if (at_rest_ && through != events_.size())
      fail("projection", "the checkpoint is " + std::to_string(through) + " of " +
                             std::to_string(events_.size()));
  }

  void nothing_is_left() {
    if (service_.query("SELECT 1 FROM gabion_inbox_letter").next())
      fail("rest", "a letter lies in the inbox");
  }

  sqlite::connection service_;
  sqlite::connection broker_;
  journal_content journal_;
  bool at_rest_;
  std::vector<event_row> events_{};
  std::vector<std::string> published_{};
  // partition and offset of each in the log
  std::vector<std::pair<std::int64_t, std::int64_t>> log_{};
  std::set<std::pair<std::string, std::string>> entered_{};  // consumer and message
  history history_{};
  std::vector<std::string> found_{};
};

}  // namespace

std::vector<std::string> broken_promises(const std::string& directory, bool at_rest) {
  return outsider{directory, at_rest}.look();
}

}  // namespace gabion_test::crash
