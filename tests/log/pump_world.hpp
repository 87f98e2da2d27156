// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gabion/log/pump.hpp>

// A store, a sink and a driver around a pump, in which every answer is a choice; and the rules that
// must hold whatever is chosen.
namespace pump_world {

using namespace gabion;
using namespace std::chrono_literals;

struct record {
  position at{};
  std::string key{};
  std::uint32_t attempts = 0;
  bool blocked = false;
};

}  // namespace pump_world

template <>
struct gabion::pump_traits<pump_world::record> {
  static position at(const pump_world::record& r) { return r.at; }
  static std::string_view key(const pump_world::record& r) { return r.key; }
  static std::uint32_t attempts(const pump_world::record& r) { return r.attempts; }
  static bool blocked(const pump_world::record& r) { return r.blocked; }
  static std::size_t bytes(const pump_world::record&) { return 100; }
};

namespace pump_world {

/// All sequences of choices, depth first: run a scenario again and again until next() says there is
/// no other.
class choices {
 public:
  std::size_t choose(std::size_t n) {
    if (n < 2) return 0;
    if (depth_ == path_.size()) path_.push_back({0, n});
    if (path_[depth_].of != n) throw std::logic_error("the scenario is not deterministic");
    return path_[depth_++].taken;
  }
  bool next() {
    depth_ = 0;
    while (!path_.empty() && path_.back().taken + 1 == path_.back().of) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().taken;
    return true;
  }
  [[nodiscard]] std::string str() const {
    std::string s;
    for (const auto& c : path_) s += std::to_string(c.taken) + "/" + std::to_string(c.of) + " ";
    return s;
  }

 private:
  struct choice {
    std::size_t taken;
    std::size_t of;
  };
  std::vector<choice> path_{};
  std::size_t depth_ = 0;
};

struct row {
  std::string key{};
  disposition as = disposition::deferred;  // deferred = pending
  std::uint32_t attempts = 0;
  int visible_from = 0;  // the number of fetches before it shows
};

struct config {
  std::string name{};
  std::vector<row> rows{};
  pump_options options{};
  pump_shape shape{};
  int faults = 2;        // how many answers may be bad
  bool overlap = false;  // answers come in any order, not at once
  bool may_stop = false;
};

/// One run. Throws std::logic_error naming the rule that was broken.
class world {
 public:
  world(const config& c, choices& by)
      : config_{c}, by_{by}, pump_{c.options, c.shape, xoshiro256{1}}, faults_{c.faults} {
    for (std::size_t i = 0; i < c.rows.size(); ++i) rows_[position{i + 1}] = c.rows[i];
  }

  std::size_t run() {
    for (steps_ = 0; !finished(); ++steps_) {
      if (steps_ > 2000) fail("it does not come to an end");
      if (config_.may_stop && !stopped_ && faults_ > 0 && by_.choose(2) == 1) {
        --faults_;
        stopped_ = true;
        pump_.stop();
      }
      turn();
    }
    at_the_end();
    return steps_;
  }

 private:
  using action = pump<record>::action;

  struct flight {
    std::string key{};
    bool failed = false;
    bool abandoned = false;
  };

  [[noreturn]] void fail(const std::string& rule) const {
    throw std::logic_error(config_.name + ": " + rule + " (choices: " + by_.str() + ")\n" + trace_);
  }
  void require(bool holds, const char* rule) const {
    if (!holds) fail(rule);
  }
  void note(const std::string& what) {
    trace_ += std::to_string((now_ - instant{}) / 1ms) + "ms " + what + "\n";
  }

  /// One of the good answers, or one of the bad ones while faults are left.
  std::size_t answer(std::size_t good, std::size_t bad) {
    const std::size_t chosen = by_.choose(faults_ > 0 ? good + bad : good);
    if (chosen >= good) --faults_;
    return chosen;
  }

  void turn() {
    const action a = pump_.next(now_);
    require(pump_.held() <= config_.options.window, "it holds more than its window");
    require(pump_.strays() == 0, "it calls a delivery a stray");
    switch (a.step) {
      case pump_step::wait: return wait(a.until);
      case pump_step::stopped: return stop(a.why);
      case pump_step::submit: start_submit(a); break;
      default: start_store(a); break;
    }
    if (config_.overlap) return;
    if (store_) answer_store();
    if (submit_) answer_submit();
  }

  // ---- what the pump asks

  void start_store(const action& a) {
    require(!store_, "it asks the store twice at a time");
    note("store step " + std::to_string(static_cast<int>(a.step)) + " after " +
         std::to_string(to_number(a.after)) + " limit " + std::to_string(a.limit));
    require(config_.shape.leased || (a.step != pump_step::acquire && a.step != pump_step::renew &&
                                     a.step != pump_step::release),
            "it asks for a lease that it does not need");
    if (a.step == pump_step::acquire)
      require(now_ > lost_at_, "it asks for a lease at the moment it lost one");
    if (a.step == pump_step::acquire)
      require(flights_.empty(), "it acquires while something of an old lease is in flight");
    if (a.step == pump_step::release)
      require(flights_.empty() && !submit_, "it releases while something is in flight");
    if (a.step == pump_step::fetch)
      require(a.limit >= 1 && !stopped_, "it fetches nothing, or after stop()");
    if (a.step == pump_step::settle) check_settlement(a);
    store_ = a;
    asked_at_ = now_;
    settlements_.assign(a.settlements.begin(), a.settlements.end());
  }

  void start_submit(const action& a) {
    require(!submit_ && !a.batch.empty() && a.batch.size() <= config_.options.batch,
            "a batch is empty or too large");
    require(!stopped_, "it submits after stop()");
    if (config_.shape.leased)
      require(epoch_ != 0 &&
                  now_ < trusted_from_ + config_.options.lease_ttl - config_.options.lease_margin,
              "it submits without a lease, or in its margin");
    for (const auto& [at, f] : flights_)
      require(!f.abandoned, "it submits while something of an old lease is in flight");
    for (const auto& s : a.batch) {
      check_submission(s);
      flights_[s.at] = {s.record->key, false, false};
      submitted_at_[s.at] = now_;
      note("submit " + std::to_string(to_number(s.at)));
    }
    submit_ = a;
  }

  void check_submission(const submission<record>& s) {
    const row& r = rows_.at(s.at);
    require(s.record->at == s.at && s.attempt >= 1, "the submission does not describe its record");
    require(r.as == disposition::deferred, "it submits what the store has as final");
    require(!flights_.contains(s.at), "it submits what is in flight");
    require(!known_.contains(s.at), "it submits what is delivered or given up");
    if (const auto failed = failed_at_.find(s.at); failed != failed_at_.end())
      require(now_ > failed->second, "it retries without a pause");
    if (now_ == outage_at_ && !pressed_) fail("it submits in an outage without a pause");
    if (r.key.empty()) return;
    for (const auto& [at, other] : rows_) {
      if (other.key != r.key || at == s.at) continue;
      const auto f = flights_.find(at);
      require(f == flights_.end() || !f->second.failed,
              "it submits of a key of which something failed and something flies");
      if (f == flights_.end() && failing_.contains(r.key))
        fail("it submits of a failing key while something of it flies");
      if (at > s.at || !seen_.contains(at)) continue;
      const bool done = other.as == disposition::delivered || known_delivered(at);
      const bool dead = other.as == disposition::dead;
      const bool skipped = dead && config_.options.on_poison == poison_policy::skip;
      const bool in_front = config_.shape.keeps_key_order && f != flights_.end();
      if (!done && !skipped && !in_front && other.visible_from == 0)
        fail("it submits " + std::to_string(to_number(s.at)) + " while the earlier " +
             std::to_string(to_number(at)) + " is unresolved");
    }
  }

  [[nodiscard]] bool known_delivered(position at) const {
    const auto k = known_.find(at);
    return k != known_.end() && k->second == disposition::delivered;
  }

  void check_settlement(const action& a) {
    require(!a.settlements.empty() && a.settlements.size() <= config_.options.settle_batch,
            "a settlement is empty or too large");
    for (const settlement& s : a.settlements) {
      const auto known = known_.find(s.at);
      note("  settle " + std::to_string(to_number(s.at)) + " as " +
           std::to_string(static_cast<int>(s.as)));
      if (s.as == disposition::delivered)
        require(known_delivered(s.at), "it settles as delivered what was not");
      if (s.as == disposition::dead)
        require(rejected_.contains(s.at) ||
                    retries_[s.at] + config_.rows[to_number(s.at) - 1].attempts >=
                        config_.options.max_attempts,
                "it gives up what was neither rejected nor tried often enough");
      if (s.as == disposition::dead)
        require(config_.options.on_poison != poison_policy::pause,
                "it gives up under the policy pause");
      if (s.as == disposition::parked)
        require(config_.options.on_poison == poison_policy::park, "it parks without being told");
      if (s.as == disposition::deferred)
        require(known == known_.end() || known->second != disposition::dead,
                "it defers what is dead");
      require(s.attempts <=
                  retries_[s.at] + config_.rows[to_number(s.at) - 1].attempts + rejected_[s.at],
              "it counts more attempts than there were");
    }
    for (const auto& [at, r] : rows_) {
      if (at > a.watermark || !seen_.contains(at) || r.as != disposition::deferred) continue;
      const bool covered = std::any_of(
          a.settlements.begin(), a.settlements.end(),
          [&, p = at](const settlement& s) { return s.at == p && s.as != disposition::deferred; });
      require(covered, "the watermark passes what is not settled");
    }
  }

  // ---- how it is answered

  void wait(instant until) {
    require(until > now_, "it waits for a moment that has passed");
    std::vector<std::size_t> events;  // 0 store, 1 submit, 2 delivery, 3 time
    if (store_) events.push_back(0);
    if (submit_) events.push_back(1);
    if (any_landing()) events.push_back(2);
    const bool nothing_else = events.empty();
    require(!nothing_else || until < (instant::max)(), "it waits for nothing");
    if (until < (instant::max)() && (nothing_else || faults_ > 0)) events.push_back(3);
    const std::size_t event = events[by_.choose(events.size())];
    if (event == 3 && !nothing_else) --faults_;
    if (event == 0) return answer_store();
    if (event == 1) return answer_submit();
    if (event == 2) return deliver();
    now_ = until;
    note("time");
  }

  void answer_store() {
    const action a = *std::exchange(store_, std::nullopt);
    switch (a.step) {
      case pump_step::acquire: return answer_acquire();
      case pump_step::renew: return answer_renew();
      case pump_step::release: return answer_release();
      case pump_step::fetch: return answer_fetch(a);
      default: return answer_settle();
    }
  }

  void answer_acquire() {
    switch (answer(1, 2)) {
      case 0:
        epoch_ = ++epochs_;
        trusted_from_ = asked_at_;
        return pump_.leased(lease{"l", "o", epoch_}, asked_at_);
      case 1: return pump_.leased(std::nullopt, asked_at_);
      default: return pump_.store_failed(now_);
    }
  }

  void answer_renew() {
    switch (answer(1, 2)) {
      case 0: trusted_from_ = asked_at_; return pump_.renewed(true, asked_at_);
      case 1: lose(); return pump_.renewed(false, asked_at_);
      default: return pump_.store_failed(now_);
    }
  }

  void answer_release() {
    epoch_ = 0;
    if (answer(1, 1) == 0) return pump_.released();
    pump_.store_failed(now_);
  }

  void answer_fetch(const action& a) {
    if (answer(1, 1) == 1) return pump_.store_failed(now_);
    std::vector<record> found;
    std::map<std::string, bool> dead;
    for (auto& [at, r] : rows_) {
      if (r.visible_from > fetches_) continue;
      const bool blocked = dead[r.key];
      if (r.as == disposition::dead && !r.key.empty()) dead[r.key] = true;
      if (r.as != disposition::deferred || at <= a.after || found.size() == a.limit) continue;
      found.push_back({at, r.key, r.attempts, blocked});
      seen_.insert({at, true});
      r.visible_from = r.visible_from == 0 ? 0 : -1;  // was late: no promise about order against it
    }
    ++fetches_;
    note("  fetched " + std::to_string(found.size()));
    pump_.fetched(std::move(found), now_);
  }

  void answer_settle() {
    const std::size_t chosen = answer(1, 3);
    note("  settle answer " + std::to_string(chosen));
    if (chosen == 0 || chosen == 3) {
      for (const settlement& s : settlements_) {
        row& r = rows_.at(s.at);
        r.attempts = s.attempts;
        if (r.as == disposition::deferred) r.as = s.as;
      }
    }
    if (chosen == 0) return pump_.settled(settle_status::applied);
    if (chosen == 1) {
      lose();
      return pump_.settled(settle_status::fenced);
    }
    pump_.store_failed(now_);  // 2: it was not applied; 3: it was, but nobody knows
  }

  void lose() {
    epoch_ = 0;
    lost_at_ = now_;
    known_.clear();
    failed_at_.clear();
    for (auto& [at, f] : flights_) f.abandoned = true;
    failing_.clear();
    seen_.clear();
    if (!config_.shape.leased) fenced_ = true;
  }

  void answer_submit() {
    const std::size_t n = submit_->batch.size();
    std::vector<position> batch;
    for (const auto& s : submit_->batch) batch.push_back(s.at);
    submit_.reset();
    const std::size_t chosen = answer(1, n + 1);  // all, or 0 to n-1 of them, or an exception
    const std::size_t taken = chosen == 0 ? n : chosen <= n ? chosen - 1 : 0;
    note("  took " + std::to_string(taken));
    for (std::size_t i = taken; i < n; ++i) flights_.erase(batch[i]);
    clear_calm_keys();
    pressed_ = chosen != 0 && chosen <= n;
    if (chosen == n + 1) {
      outage_at_ = now_;
      return pump_.submit_failed(now_);
    }
    pump_.submitted(taken, now_);
  }

  [[nodiscard]] bool any_landing() const {
    // What is in a submission that is not answered yet may be delivered already, but not all of its
    // batch can be untaken then; to keep the model simple nothing of it lands before the answer.
    return std::any_of(flights_.begin(), flights_.end(),
                       [this](const auto& f) { return lands(f.first); });
  }
  [[nodiscard]] bool lands(position at) const {
    return !submit_ || std::none_of(submit_->batch.begin(), submit_->batch.end(),
                                    [&](const auto& s) { return s.at == at; });
  }

  void deliver() {
    std::vector<position> can;
    for (const auto& [at, f] : flights_)
      if (lands(at)) can.push_back(at);
    const position at = can[by_.choose(can.size())];
    const flight f = flights_.at(at);
    static constexpr outcome all[] = {outcome::delivered, outcome::retry, outcome::rejected,
                                      outcome::in_doubt, outcome::unavailable};
    outcome what = all[answer(1, 4)];
    // A sink that keeps order delivers nothing behind what failed.
    if (what == outcome::delivered && broken_behind(at, f)) what = outcome::retry;
    note("  delivery of " + std::to_string(to_number(at)) + " as " +
         std::to_string(static_cast<int>(what)));
    flights_.erase(at);
    if (!f.abandoned) remember(at, f, what);
    const delivery d{at, what, "because"};
    pump_.resolved({&d, 1}, now_);
  }

  [[nodiscard]] bool broken_behind(position at, const flight& f) const {
    if (!config_.shape.keeps_key_order || f.key.empty()) return false;
    const auto broken = failing_.find(f.key);
    return broken != failing_.end() && broken->second < at;
  }

  void remember(position at, const flight& f, outcome what) {
    pressed_ = false;
    if (what == outcome::delivered) {
      known_[at] = disposition::delivered;
    } else {
      if (what == outcome::retry) ++retries_[at];
      if (what == outcome::rejected) ++rejected_[at];
      if (what == outcome::rejected && config_.options.on_poison != poison_policy::pause)
        known_[at] = disposition::dead;
      if (what == outcome::unavailable) outage_at_ = now_;
      if (what != outcome::rejected) failed_at_[at] = now_;
      if (!f.key.empty()) {
        const position first = failing_[f.key] =
            failing_.contains(f.key) ? (std::min)(failing_[f.key], at) : at;
        // What came back behind it came back because of it, and need not wait on its own account.
        std::erase_if(failed_at_, [&](const auto& other) {
          return other.first > first && rows_.at(other.first).key == f.key;
        });
      }
    }
    clear_calm_keys();
  }

  void clear_calm_keys() {
    for (auto k = failing_.begin(); k != failing_.end();) {
      const bool flies = std::any_of(flights_.begin(), flights_.end(),
                                     [&](const auto& f) { return f.second.key == k->first; });
      k = flies ? std::next(k) : failing_.erase(k);
    }
  }

  // ---- the end

  void stop(stop_reason why) {
    require(flights_.empty() && !submit_ && !store_, "it stops with something on its way");
    if (config_.shape.leased) require(epoch_ == 0, "it stops and keeps the lease");
    if (why == stop_reason::requested) require(stopped_, "it says that it was asked to stop");
    if (why == stop_reason::fenced) require(fenced_, "it says that it was fenced");
    if (why == stop_reason::poisoned)
      require(config_.options.on_poison == poison_policy::pause && pump_.poison(),
              "it says that it was poisoned");
    if (config_.shape.leased || why != stop_reason::fenced)
      for (const auto& [at, as] : known_)
        if (rows_.at(at).as != as) fail("it stops and has not settled what it knew");
    if (why == stop_reason::requested) {
      over_ = true;
    } else {
      known_.clear();
      seen_.clear();
      fenced_ = false;
      pump_.resume(now_);
      now_ += 1ms;
    }
  }

  [[nodiscard]] bool finished() const {
    return over_ || (!stopped_ && flights_.empty() && !store_ && !submit_ &&
                     std::all_of(rows_.begin(), rows_.end(), [](const auto& r) {
                       return r.second.as != disposition::deferred;
                     }));
  }

  void at_the_end() {
    if (over_) return;
    for (const auto& [at, r] : rows_) {
      if (r.as == disposition::delivered) continue;
      if (r.as == disposition::dead) continue;
      require(!r.key.empty(), "it parks what has no key");
      const bool behind_dead =
          std::any_of(rows_.begin(), rows_.end(), [&key = r.key, p = at](const auto& o) {
            return o.second.key == key && o.first < p && o.second.as == disposition::dead;
          });
      require(behind_dead, "it parks what is behind nothing dead");
    }
  }

  const config& config_;
  choices& by_;
  pump<record> pump_;
  int faults_;
  std::size_t steps_ = 0;
  instant now_{1h};
  instant asked_at_{};
  instant trusted_from_{};
  instant outage_at_{};
  instant lost_at_{};
  std::uint64_t epoch_ = 0;
  std::uint64_t epochs_ = 0;
  int fetches_ = 0;
  std::map<position, row> rows_{};
  std::map<position, bool> seen_{};          // fetched under this lease
  std::map<position, disposition> known_{};  // resolved under this lease
  std::map<position, std::uint32_t> rejected_{};
  std::map<position, std::uint32_t> retries_{};
  std::map<position, instant> failed_at_{};
  std::map<position, instant> submitted_at_{};
  std::map<position, flight> flights_{};
  // keys of which something failed while something flies, and the first failed
  std::map<std::string, position> failing_{};
  std::optional<action> store_{};
  std::vector<settlement> settlements_{};
  std::optional<action> submit_{};
  bool pressed_ = false;
  bool stopped_ = false;
  bool fenced_ = false;
  bool over_ = false;
  std::string trace_{};
};

}  // namespace pump_world
