// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gabion/core/backoff.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/log/detail/key_line.hpp>
#include <gabion/log/detail/ready_queue.hpp>
#include <gabion/log/detail/settle_list.hpp>
#include <gabion/log/pump_action.hpp>
#include <gabion/log/pump_options.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// No wait after a failure is shorter, whatever the backoff says: a loop without a pause helps
/// nobody.
inline constexpr duration least_delay = std::chrono::milliseconds{1};

/// The records that a pump holds: which may be submitted now, which wait for others of their key,
/// what became of them.
///
/// Records keep their addresses until they are forgotten and their delivery is known. Taking,
/// submitting and resolving a record costs O(log held); the failure of a record is linear in the
/// held records of its key.
template <class Record, class Random>
class pump_window {
  using slot = pump_slot<Record>;
  using line = key_line<slot>;
  using traits = pump_traits<Record>;

 public:
  pump_window(const pump_options& options, pump_shape shape, Random random)
      : options_{options},
        shape_{shape},
        share_{detail::max_of(std::size_t{1}, options.window / 8)},
        random_{std::move(random)} {}

  [[nodiscard]] std::size_t held() const noexcept { return slots_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t flying() const noexcept { return flying_; }
  [[nodiscard]] std::size_t abandoned() const noexcept { return abandoned_.size(); }
  [[nodiscard]] std::size_t composed() const noexcept { return batch_.size(); }
  [[nodiscard]] position highest() const noexcept { return highest_; }
  [[nodiscard]] std::size_t unsettled() const noexcept { return list_.size(); }
  [[nodiscard]] bool full() const noexcept {
    return slots_.size() >= options_.window || (bytes_ >= options_.window_bytes && !slots_.empty());
  }
  [[nodiscard]] const std::optional<poisoned_record>& poison() const noexcept { return poison_; }
  [[nodiscard]] bool wants_rescan() const noexcept { return wants_rescan_; }
  [[nodiscard]] instant next_due() const noexcept {
    return delayed_.empty() ? (instant::max)() : delayed_.begin()->first;
  }

  [[nodiscard]] const Record* find(position at) const {
    const auto found = slots_.find(at);
    return found == slots_.end() ? nullptr : &found->second.record;
  }

  /// A pass over the feed begins; what was left behind so far comes by again.
  void begin_pass() noexcept {
    left_before_ = detail::min_of(left_before_, left_now_);
    left_now_ = beyond;
    wants_rescan_ = false;
  }
  void end_pass() noexcept { left_before_ = beyond; }

  /// Holds the record if it is new and its key has room. False if there is no room at all: then it
  /// and everything after it stay in the store.
  bool take(Record&& record) {
    const position at = traits::at(record);
    const auto next = slots_.lower_bound(at);
    if (next != slots_.end() && next->first == at) return true;
    if (shape_.fetches && full()) return leave(at), false;
    if (!admits(record, at)) return leave(at), true;
    const std::uint32_t attempts = traits::attempts(record);
    const std::size_t size = traits::bytes(record);
    hold(slots_.try_emplace(next, at, std::move(record), at, attempts, size)->second);
    return true;
  }

  /// True if something may be submitted now. Lets go what has waited long enough.
  bool ready(instant now) {
    while (!delayed_.empty() && delayed_.begin()->first <= now) {
      line& of = *delayed_.begin()->second->line;
      delayed_.erase(delayed_.begin());
      of.delayed = false;
      offer(of);
    }
    while (!queue_.empty() && !may_go(queue_.front())) (void)queue_.take();
    return !queue_.empty();
  }

  /// The next records to submit, lowest first; at most `limit`. Each is in flight from now on.
  std::span<const submission<Record>> compose(std::size_t limit) {
    batch_.clear();
    while (batch_.size() < limit && !queue_.empty()) {
      slot& s = queue_.take();
      if (!may_go(s)) continue;
      s.state = progress::flying;
      ++flying_;
      ++s.line->flying;
      batch_.push_back({&s.record, s.at, plus(plus(s.attempts, s.uncounted), 1)});
    }
    return batch_;
  }

  /// The submission took its first `count` records; the others wait again.
  void taken(std::size_t count, instant now) {
    for (std::size_t i = count; i < batch_.size(); ++i) {
      if (abandoned_.erase(batch_[i].at) != 0) continue;
      const auto found = slots_.find(batch_[i].at);
      if (found == slots_.end() || found->second.state != progress::flying) continue;
      line& of = *found->second.line;
      land(found->second);
      queue_.add(found->second);
      if (of.flying == 0) calm(of, now, false);
    }
    batch_.clear();
  }

  /// Takes in one delivery; false if nothing at that position is in flight. `reachable`: the sink
  /// took others, so an unavailable one is a matter of its key.
  bool resolve(const delivery& d, instant now, bool reachable) {
    if (abandoned_.erase(d.at) != 0) return true;
    const auto found = slots_.find(d.at);
    if (found == slots_.end() || found->second.state != progress::flying) return false;
    slot& s = found->second;
    line& of = *s.line;
    land(s);
    if (d.result == outcome::delivered) {
      finish(s, disposition::delivered);
    } else {
      s.reason = d.reason;
      of.failed = true;
      come_back(s, d.result);
    }
    if (of.flying == 0) calm(of, now, reachable);
    return true;
  }

  [[nodiscard]] std::span<const settlement> compose_settlements(std::size_t limit) {
    return list_.compose(limit);
  }

  /// Everything taken up to here is settled once the settlement just composed is.
  [[nodiscard]] position watermark() const {
    const auto below = [](position p) { return position{to_number(p) - 1}; };
    auto open = slots_.begin();
    while (open != slots_.end() && open->second.settling && open->second.state == progress::final)
      ++open;
    const position settled = open == slots_.end() ? highest_ : below(open->first);
    return detail::min_of(settled, below(detail::min_of(left_before_, left_now_)));
  }

  void settled() {
    list_.applied([this](slot& s) { close(s); });
  }
  void settle_failed() { list_.failed(); }

  /// Forgets every record. Those in flight keep their memory until their delivery is known.
  void abandon() {
    for (auto s = slots_.begin(); s != slots_.end();) {
      const auto next = std::next(s);
      if (s->second.state == progress::flying) abandoned_.insert(slots_.extract(s));
      s = next;
    }
    slots_.clear();
    lines_.clear();
    queue_.clear();
    delayed_.clear();
    list_.clear();
    bytes_ = flying_ = 0;
    highest_ = beginning;
    left_now_ = left_before_ = beyond;
    wants_rescan_ = false;
  }

  /// Lets a poisoned record have one more attempt, and everything behind it go on.
  void unpoison(instant now) {
    if (!std::exchange(poison_, std::nullopt)) return;
    for (auto& [at, s] : slots_)
      if (s.state == progress::waiting && s.line->failed && s.line->flying == 0)
        calm(*s.line, now, true);
  }

 private:
  static constexpr std::uint32_t plus(std::uint32_t a, std::uint32_t b) noexcept {
    return a > ~b ? ~std::uint32_t{0} : a + b;
  }

  void leave(position at) noexcept { left_now_ = detail::min_of(left_now_, at); }

  [[nodiscard]] bool blocked(const Record& record) const {
    return options_.on_poison != poison_policy::skip && traits::blocked(record);
  }

  /// A key in trouble, or one that goes one by one, may fill only its share of the window: other
  /// keys need room too.
  [[nodiscard]] bool restrained(const line& of) const noexcept {
    return shape_.fetches && (!shape_.keeps_key_order || of.failed || of.delayed);
  }

  /// False if this record has to stay in the store for now: an earlier one of its key stayed, its
  /// key holds enough, or what is held decides about it: it may not be blocked (redriven records),
  /// or be it only, once that is settled.
  bool admits(const Record& record, position at) {
    const auto found = lines_.find(traits::key(record));  // without a key there is none
    if (found == lines_.end()) return true;
    line& of = found->second;
    if (at > of.left_behind) return false;
    const bool by_held =
        of.first != nullptr && of.first->at < at && of.poison == beyond && of.given_up == 0;
    const bool undecided = blocked(record) ? by_held : shape_.fetches && at > of.poison;
    const bool room = (!restrained(of) || of.size < share_) && !undecided;
    if (!room)
      of.left_behind = at;
    else if (at == of.left_behind)
      of.left_behind = beyond;
    return room;
  }

  void hold(slot& s) {
    bytes_ += s.bytes;
    highest_ = detail::max_of(highest_, s.at);
    const std::string_view key = traits::key(s.record);
    line& of = key.empty() ? s.own : line_of(key);
    of.link(s);
    if (of.key != nullptr && (blocked(s.record) || s.at > of.poison)) {
      // The store may find that it need not park this one any more. Until it has said so, nothing
      // behind it may go.
      of.poison = detail::min_of(of.poison, s.at);
      finish(s, disposition::parked);
      park(of);
    } else if (may_go(s)) {
      queue_.add(s);
    }
  }

  line& line_of(std::string_view key) {
    const auto found = lines_.find(key);
    if (found != lines_.end()) return found->second;
    const auto made = lines_.try_emplace(std::string{key}).first;
    made->second.key = &made->first;
    return made->second;
  }

  [[nodiscard]] bool may_go(const slot& s) const noexcept {
    if (s.state != progress::waiting || !s.line->open()) return false;
    return shape_.keeps_key_order || (s.line->flying == 0 && s.line->first == &s);
  }

  void offer(line& of) {
    for (slot* s = of.first; s != nullptr; s = shape_.keeps_key_order ? s->behind : nullptr)
      if (may_go(*s)) queue_.add(*s);
  }

  void land(slot& s) noexcept {
    s.state = progress::waiting;
    --flying_;
    --s.line->flying;
  }

  void finish(slot& s, disposition as) {
    queue_.remove(s);
    s.line->unlink(s);
    s.state = progress::final;
    s.as = as;
    if (as != disposition::delivered && s.line->key != nullptr) ++s.line->given_up;
    list_.add(s);
  }

  void come_back(slot& s, outcome as) {
    if (as != outcome::rejected) {
      s.came_back = as;
      return;
    }
    s.attempts = plus(s.attempts, 1);
    s.line->refused = detail::min_of(s.line->refused, s.at);
    give_up(s);
  }

  void give_up(slot& s) {
    line& of = *s.line;
    if (options_.on_poison == poison_policy::pause) {
      if (!poison_) poison_ = poisoned_record{s.at, s.attempts, s.reason};
      of.failed = true;
      return list_.add(s);
    }
    finish(s, disposition::dead);
    if (options_.on_poison == poison_policy::park && of.key != nullptr)
      of.poison = detail::min_of(of.poison, s.at);
    park(of);
  }

  void park(line& of) {
    for (slot* s = of.first; s != nullptr;) {
      slot* const behind = s->behind;
      if (s->at > of.poison && s->state == progress::waiting) finish(*s, disposition::parked);
      s = behind;
    }
  }

  /// Nothing of this key flies any more: sees to what failed, and lets the key go on.
  void calm(line& of, instant now, bool reachable) {
    if (poison_ && of.failed) return;
    if (std::exchange(of.failed, false)) {
      park(of);
      if (slot* const first = first_to_blame(of)) set_back(*first, now, reachable);
      offer(of);
    } else if (!shape_.keeps_key_order) {
      offer(of);
    }
    if (of.given_up == 0) of.poison = beyond;
    tidy(of);
  }

  /// The first record that came back, unless it did so behind a refused one; the others came back
  /// because of the first.
  slot* first_to_blame(line& of) noexcept {
    slot* first = nullptr;
    const position refused = std::exchange(of.refused, beyond);
    for (slot* s = of.first; s != nullptr; s = s->behind) {
      if (!s->came_back) continue;
      if (first == nullptr && s->at < refused) {
        first = s;
      } else {
        s->came_back.reset();
        s->uncounted = plus(s->uncounted, 1);
      }
    }
    return first;
  }

  /// The first record of its key that failed: counts it, and makes its key wait.
  void set_back(slot& s, instant now, bool reachable) {
    const outcome why = *std::exchange(s.came_back, std::nullopt);
    if (why == outcome::retry) {
      s.attempts = plus(s.attempts, 1);
      if (s.attempts >= options_.max_attempts) return give_up(s);
      list_.add(s);
    } else {
      s.uncounted = plus(s.uncounted, 1);
      if (why == outcome::unavailable && !reachable) return;  // the pump as a whole waits
    }
    s.setbacks = plus(s.setbacks, 1);
    s.delay = detail::max_of(least_delay,
                             gabion::next_delay(options_.retry, s.setbacks, s.delay, random_));
    s.line->delayed = true;
    delayed_.emplace(gabion::saturating_add(now, s.delay), &s);
    if (shape_.fetches && s.line->key != nullptr) evict(*s.line, s);
  }

  /// Puts the tail of a key in trouble back into the store, down to its share of the window.
  void evict(line& of, const slot& keep) {
    while (of.size > share_ && of.last != &keep && !of.last->listed && !of.last->settling) {
      slot& s = *of.last;
      of.left_behind = detail::min_of(of.left_behind, s.at);
      leave(s.at);
      queue_.remove(s);
      of.unlink(s);
      drop(s);
    }
  }

  void drop(slot& s) {
    bytes_ -= s.bytes;
    slots_.erase(s.at);
  }

  /// The store remembers what became of this record.
  void close(slot& s) {
    if (s.as != disposition::delivered && s.line->key != nullptr) {
      line& of = *s.line;
      if (--of.given_up == 0) {
        if (of.flying == 0) of.poison = beyond;
        offer(of);
        tidy(of);
      }
    }
    drop(s);
  }

  void tidy(line& of) {
    if (of.key == nullptr || !of.empty()) return;
    if (of.left_behind != beyond) wants_rescan_ = true;
    lines_.erase(lines_.find(*of.key));
  }

  pump_options options_;
  pump_shape shape_;
  std::size_t share_;
  Random random_;
  std::map<position, slot> slots_{};
  std::map<position, slot> abandoned_{};
  std::unordered_map<std::string, line, key_hash, same_key> lines_{};
  ready_queue<slot> queue_{};  // records that may be submitted; some may have to wait again
  std::set<std::pair<instant, slot*>, earlier_first> delayed_{};
  settle_list<slot> list_{};
  std::vector<submission<Record>> batch_{};
  std::optional<poisoned_record> poison_{};
  std::size_t bytes_ = 0;
  std::size_t flying_ = 0;
  position highest_ = beginning;
  position left_now_ = beyond;     // the lowest record that this pass left in the store
  position left_before_ = beyond;  // the same of earlier passes
  bool wants_rescan_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
