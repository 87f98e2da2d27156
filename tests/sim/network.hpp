// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gabion/outbox/transport.hpp>

#include "sim/world.hpp"

namespace gabion_sim {

/// What is on its way from the relays to the broker. It outlives the process that sent it, as
/// packets do.
///
/// Per sender and key it keeps the transport's promise: first in, first out, and once a message is
/// not delivered, nothing of its key that is under way behind it is delivered either.
class network {
 public:
  struct packet {
    gabion::instant due{};
    std::uint64_t sender = 0;
    gabion::position at{};
    gabion::message what{};
    gabion::outcome report = gabion::outcome::delivered;
    bool arrives = true;
    bool twice = false;
  };

  explicit network(world& w) : world_{w} {}

  void send(std::uint64_t sender, const gabion::outgoing& out) {
    packet p{.sender = sender, .at = out.at, .what = *out.what};
    decide(p);
    auto& last = last_due_[{sender, p.what.subject}];
    const gabion::duration under_way{static_cast<gabion::duration::rep>(gabion::uniform(
        world_.random, 0, static_cast<std::uint64_t>(world_.options.latency.count())))};
    p.due = last = (std::max)(last, world_.time.now() + under_way);
    world_.trace("sent " + p.what.id + " " + p.what.subject + (p.arrives ? "" : " in vain"),
                 sender);
    packets_.push_back(std::move(p));
  }

  /// Lets everything arrive that is due.
  void deliver() {
    for (bool more = true; std::exchange(more, false);) {
      const auto next =
          std::min_element(packets_.begin(), packets_.end(),
                           [](const packet& a, const packet& b) { return a.due < b.due; });
      if (next == packets_.end() || next->due > world_.time.now()) return;
      arrive(*next);
      packets_.erase(next);
      more = true;
    }
  }

  [[nodiscard]] gabion::instant next_due() const {
    gabion::instant next = (gabion::instant::max)();
    for (const packet& p : packets_) next = (std::min)(next, p.due);
    return next;
  }

  void collect(std::uint64_t sender, std::vector<gabion::delivery>& out) {
    auto& known = known_[sender];
    out.insert(out.end(), known.begin(), known.end());
    known.clear();
  }

 private:
  void decide(packet& p) {
    const swarm& o = world_.options;
    if (!p.what.subject.empty() && under_way_failed(p)) {
      p.report = gabion::outcome::retry;
    } else if (world_.poison.contains(p.what.id)) {
      p.report = gabion::outcome::rejected;
      world_.count(fault::rejected);
    } else if (world_.roll(o.retry, fault::retry)) {
      p.report = gabion::outcome::retry;
    } else if (world_.roll(o.send_lost, fault::send_lost)) {
      p.report = gabion::outcome::in_doubt;
      p.arrives = false;
    } else if (world_.roll(o.ack_lost, fault::ack_lost)) {
      p.report = gabion::outcome::in_doubt;
    } else {
      p.twice = world_.roll(o.duplicate, fault::duplicate);
    }
    if (p.report == gabion::outcome::retry || p.report == gabion::outcome::rejected)
      p.arrives = false;
  }

  [[nodiscard]] bool under_way_failed(const packet& p) const {
    return std::any_of(packets_.begin(), packets_.end(),
                       [&](const packet& q) {
                         return q.sender == p.sender && q.what.subject == p.what.subject &&
                                !q.arrives;
                       }) ||
           reported_failure(p);
  }

  // A failure that the sender has not polled yet still stands in front of what it sends.
  [[nodiscard]] bool reported_failure(const packet& p) const {
    const auto known = known_.find(p.sender);
    if (known == known_.end()) return false;
    return std::any_of(known->second.begin(), known->second.end(), [&](const gabion::delivery& d) {
      const auto failed = failed_keys_.find({p.sender, d.at});
      return failed != failed_keys_.end() && failed->second == p.what.subject;
    });
  }

  void arrive(const packet& p) {
    if (p.arrives) {
      append(p);
      if (p.twice) append(p);
    } else {
      failed_keys_[{p.sender, p.at}] = p.what.subject;
    }
    known_[p.sender].push_back({.at = p.at, .result = p.report, .reason = "simulated"});
  }

  void append(const packet& p) {
    const gabion::outgoing out{.at = p.at, .what = &p.what};
    std::vector<gabion::delivery> ignored;
    into_.submit({&out, 1});
    into_.poll(ignored, gabion::duration::zero());
    world_.history.log.push_back({p.what.id, p.what.subject});
    world_.trace("log " + p.what.id);
  }

  world& world_;
  gabion::memory::broker::transport into_{world_.broker};
  std::vector<packet> packets_{};
  std::map<std::pair<std::uint64_t, std::string>, gabion::instant> last_due_{};
  std::map<std::uint64_t, std::vector<gabion::delivery>> known_{};
  std::map<std::pair<std::uint64_t, gabion::position>, std::string> failed_keys_{};
};

}  // namespace gabion_sim
