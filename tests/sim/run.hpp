// SPDX-License-Identifier: MIT
#pragma once

#include <iterator>
#include <list>
#include <string>
#include <vector>

#include "sim/consumer_process.hpp"

namespace gabion_sim {

/// One seed: a phase in which anything may fail, then one in which everything heals and must come
/// to rest.
class run {
 public:
  run(std::uint64_t seed, bool verbose) : world_{seed} {
    world_.verbose = verbose;
    for (std::uint32_t i = 0; i < world_.options.relays; ++i)
      relays_.emplace_back(world_, network_, "relay-" + std::to_string(i), lives_);
    for (std::uint32_t i = 0; i < world_.options.members; ++i)
      consumers_.emplace_back(world_, network_, "email/" + std::to_string(i), lives_);
    consumers_.emplace_back(world_, network_, "inventory/0", lives_);
    world_.history.consumers = {"email", "inventory"};
  }

  std::vector<std::string> violations() {
    suffer();
    if (auto found = gabion_test::history_checker{world_.history}.violations(false); !found.empty())
      return found;
    const bool rests = heal();
    auto found = gabion_test::history_checker{world_.history}.violations(true);
    if (found.empty() && !rests)
      found.push_back("stuck: not at rest a long time after all faults have ended");
    return found;
  }

  [[nodiscard]] const world& seen() const { return world_; }

 private:
  static constexpr int longest = 200'000;

  void suffer() {
    std::uint32_t written = 0;
    for (int step = 0; step < 40'000 && (written < world_.options.messages || step < 2'000);
         ++step) {
      if (written < world_.options.messages && chance(world_.random, 60)) written += write();
      if (world_.roll(world_.options.wall_jump, fault::wall_jump)) jump();
      if (chance(world_.random, 20)) redrive();
      act();
      pass_time();
    }
  }

  bool heal() {
    world_.faults_on = false;
    world_.poison.clear();
    world_.unhandled.clear();
    for (int step = 0; step < longest; ++step) {
      if (step % 50 == 0) redrive();
      act();
      if (step % 16 == 0 && at_rest()) return true;
      pass_time();
    }
    return false;
  }

  /// A business transaction that enqueues a few messages; some roll back.
  std::uint32_t write() {
    std::vector<gabion::message> batch(
        static_cast<std::size_t>(gabion::uniform(world_.random, 1, 4)));
    for (gabion::message& m : batch) {
      m.id = "m" + std::to_string(++ids_);
      m.source = "/sim";
      m.type = "t";
      m.subject = "k" + std::to_string(gabion::uniform(world_.random, world_.options.keys));
      if (chance(world_.random, 50)) m.subject.clear();
      m.topic = "orders";
      m.data = m.id;
    }
    auto tx = world_.database.begin();
    const auto places = world_.store.enqueue(tx, batch);
    if (world_.roll(world_.options.rollback, fault::rollback)) {
      for (const gabion::message& m : batch) world_.history.rolled_back.insert(m.id);
      return 0;
    }
    tx.commit();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      world_.history.committed.push_back({batch[i].id, batch[i].subject});
      world_.id_at[places[i].at] = batch[i].id;
      if (world_.roll(world_.options.poison)) world_.poison.insert(batch[i].id);
      for (const std::string& consumer : world_.history.consumers)
        if (world_.roll(world_.options.handler_poison))
          world_.unhandled.insert({consumer, batch[i].id});
    }
    world_.trace("wrote", batch.size());
    return static_cast<std::uint32_t>(batch.size());
  }

  void act() {
    network_.deliver();
    const auto chosen = static_cast<std::size_t>(
        gabion::uniform(world_.random, relays_.size() + consumers_.size()));
    if (chosen < relays_.size())
      std::next(relays_.begin(), static_cast<std::ptrdiff_t>(chosen))->act();
    else
      std::next(consumers_.begin(), static_cast<std::ptrdiff_t>(chosen - relays_.size()))->act();
  }

  /// Time stands still for a while, creeps, or leaps to the next thing that is due.
  void pass_time() {
    if (chance(world_.random, 700)) return;
    if (chance(world_.random, 500))
      return world_.time.advance(std::chrono::microseconds{gabion::uniform(world_.random, 2000)});
    gabion::instant next = network_.next_due();
    for (const relay_process& r : relays_) next = (std::min)(next, r.wake_at());
    for (const consumer_process& c : consumers_) next = (std::min)(next, c.wake_at());
    world_.time.advance_to((std::min)(next, world_.time.now() + std::chrono::seconds{1}));
  }

  void jump() {
    const auto hours = static_cast<int>(gabion::uniform(world_.random, 3)) - 1;
    world_.time.step_wall(std::chrono::hours{hours});
  }

  /// The operator looks at the dead letters. He mends what was wrong with one, sometimes, and sends
  /// it again.
  void redrive() {
    for (const gabion::dead_letter& letter : world_.store.dead_letters(gabion::beginning, 100)) {
      if (world_.faults_on && !chance(world_.random, 300)) continue;
      if (chance(world_.random, 500)) world_.poison.erase(letter.what.id);
      if (!world_.store.redrive(letter.at)) continue;
      world_.count(fault::redriven);
      world_.trace("redrive " + letter.what.id);
    }
    for (const std::string& consumer : world_.history.consumers)
      for (const gabion::inbox_letter& letter :
           world_.inbox.letters(consumer, gabion::beginning, 100))
        redrive(consumer, letter);
  }

  void redrive(const std::string& consumer, const gabion::inbox_letter& letter) {
    if (letter.status != gabion::inbox_status::dead ||
        (world_.faults_on && !chance(world_.random, 300)))
      return;
    if (chance(world_.random, 500)) world_.unhandled.erase({consumer, letter.what.id});
    if (!world_.inbox.redrive(consumer, letter.at)) return;
    world_.count(fault::redriven);
    world_.trace("redrive at " + consumer + " " + letter.what.id + " (" + letter.reason + ")",
                 letter.attempts);
  }

  [[nodiscard]] bool at_rest() {
    const gabion::outbox_stats left = world_.store.stats();
    if (left.pending + left.dead + left.parked != 0 ||
        network_.next_due() != (gabion::instant::max)())
      return false;
    if (world_.history.effects.size() <
        world_.history.consumers.size() * world_.history.committed.size())
      return false;
    return std::all_of(relays_.begin(), relays_.end(), [](const relay_process& r) {
      return r.running() != nullptr && r.running()->engine.in_flight() == 0;
    });
  }

  world world_;
  network network_{world_};
  std::uint64_t lives_ = 0;
  std::uint64_t ids_ = 0;
  std::list<relay_process> relays_{};
  std::list<consumer_process> consumers_{};
};

}  // namespace gabion_sim
