// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

// What happened in a run, as an outsider saw it, and whether that keeps the promises:
// atomic with the transaction, delivered at least once, in order per key, effect once through the
// inbox.
namespace gabion_test {

/// One message in the history: its id and its key.
struct mention {
  std::string id{};
  std::string key{};
};

/// A settlement that a store accepted: which message, under which epoch, and how long the broker's
/// log was then.
struct accepted_mark {
  std::string id{};
  std::uint64_t epoch = 0;
  std::size_t log_size = 0;
};

/// A committed effect of a consumer.
struct effect {
  std::string consumer{};
  mention what{};
};

/// Everything recorded in one run.
struct history {
  std::vector<mention> committed{};  ///< enqueued messages in commit order
  std::set<std::string> rolled_back{};
  std::vector<mention> log{};  ///< the broker's log, in the order of appending
  std::vector<accepted_mark> marks{};
  std::vector<effect> effects{};
  std::vector<std::string> consumers{};
};

/// The checks, linear in the history. Each violation starts with the rule's name.
class history_checker {
 public:
  explicit history_checker(const history& h) : history_{h} {
    for (const mention& m : h.committed) place_[m.id] = place_.size();
  }

  /// `at_rest`: everything has had its time, so what is missing is lost.
  [[nodiscard]] std::vector<std::string> violations(bool at_rest) {
    log_holds_only_committed();
    first_appearances_keep_key_order();
    marks_follow_the_log();
    epochs_never_go_back();
    for (const std::string& consumer : history_.consumers)
      effects_once_and_in_order(consumer, at_rest);
    if (at_rest) nothing_is_lost();
    return std::move(found_);
  }

 private:
  void fail(const std::string& rule, const std::string& what) {
    found_.push_back(rule + ": " + what);
  }

  void log_holds_only_committed() {
    for (const mention& m : history_.log) {
      if (history_.rolled_back.contains(m.id))
        fail("atomic", m.id + " was rolled back, and sent");
      else if (!place_.contains(m.id))
        fail("invented", m.id + " was never enqueued");
      else if (history_.committed[place_[m.id]].key != m.key)
        fail("altered", m.id + " came with another key");
    }
  }

  void first_appearances_keep_key_order() {
    std::set<std::string> seen;
    std::map<std::string, std::size_t> last;
    for (const mention& m : history_.log)
      if (seen.insert(m.id).second) in_order("order", m, last);
  }

  void in_order(const std::string& rule, const mention& m,
                std::map<std::string, std::size_t>& last) {
    const auto place = place_.find(m.id);
    if (place == place_.end() || m.key.empty()) return;
    const auto before = last.find(m.key);
    if (before != last.end() && place->second < before->second)
      fail(rule, m.id + " came after a later message of key " + m.key);
    last[m.key] = place->second;
  }

  void marks_follow_the_log() {
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < history_.log.size(); ++i) first.try_emplace(history_.log[i].id, i);
    for (const accepted_mark& mark : history_.marks) {
      const auto appended = first.find(mark.id);
      if (appended == first.end() || appended->second >= mark.log_size)
        fail("mark", mark.id + " was marked as sent before it was in the log");
    }
  }

  void epochs_never_go_back() {
    std::uint64_t highest = 0;
    for (const accepted_mark& mark : history_.marks) {
      if (mark.epoch < highest)
        fail("epoch", mark.id + " was marked under epoch " + std::to_string(mark.epoch) +
                          " after " + std::to_string(highest));
      highest = (std::max)(highest, mark.epoch);
    }
  }

  void effects_once_and_in_order(const std::string& consumer, bool at_rest) {
    std::set<std::string> done;
    std::map<std::string, std::size_t> last;
    for (const effect& e : history_.effects) {
      if (e.consumer != consumer) continue;
      if (!place_.contains(e.what.id))
        fail("invented", e.what.id + " had an effect at " + consumer + " and was never enqueued");
      if (!done.insert(e.what.id).second)
        fail("once", e.what.id + " had its effect at " + consumer + " twice");
      in_order("effect order at " + consumer, e.what, last);
    }
    if (!at_rest) return;
    for (const mention& m : history_.committed)
      if (!done.contains(m.id)) fail("effect", m.id + " never had its effect at " + consumer);
  }

  void nothing_is_lost() {
    std::set<std::string> sent;
    for (const mention& m : history_.log) sent.insert(m.id);
    for (const mention& m : history_.committed)
      if (!sent.contains(m.id)) fail("lost", m.id + " was committed and never sent");
  }

  const history& history_;
  std::map<std::string, std::size_t> place_{};
  std::vector<std::string> found_{};
};

/// Copies of a message after its first in the log.
[[nodiscard]] inline std::size_t duplicates(const history& h) {
  std::set<std::string> seen;
  std::size_t n = 0;
  for (const mention& m : h.log) n += seen.insert(m.id).second ? 0U : 1U;
  return n;
}

}  // namespace gabion_test
