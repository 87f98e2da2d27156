// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/random.hpp>

// A server with so many workers and a queue without end, and its callers, in virtual time.
namespace adaptive_tests {

using gabion::duration;
using gabion::instant;

/// Things that happen at a moment, in order of time; those of one moment in the order in which they
/// were planned.
class timeline {
 public:
  using action = std::function<void()>;

  void at(instant when, action what) { planned_.push({when, next_++, std::move(what)}); }
  void after(duration d, action what) { at(now_ + d, std::move(what)); }

  void run_until(instant end) {
    while (!planned_.empty() && planned_.top().when <= end) {
      const planned p = planned_.top();
      planned_.pop();
      now_ = p.when;
      p.what();
    }
    now_ = end;
  }

  [[nodiscard]] instant now() const { return now_; }

 private:
  struct planned {
    instant when;
    std::uint64_t number;
    action what;
    friend bool operator<(const planned& a, const planned& b) {
      return a.when != b.when ? a.when > b.when : a.number > b.number;
    }
  };
  std::priority_queue<planned> planned_{};
  std::uint64_t next_ = 0;
  instant now_{std::chrono::hours{1}};
};

/// Takes each call for a service time that is spread evenly over +-20 %, `workers` of them at a
/// time, in the order of arrival.
class simulated_server {
 public:
  simulated_server(timeline& time, std::uint32_t workers, duration service)
      : time_{time}, workers_{workers}, service_{service} {}

  void call(timeline::action done) {
    waiting_.push(std::move(done));
    begin();
  }

  void set(std::uint32_t workers, duration service) {
    workers_ = workers;
    service_ = service;
    begin();
  }

  [[nodiscard]] std::uint64_t served() const { return served_; }
  [[nodiscard]] std::size_t queued() const { return waiting_.size(); }

 private:
  void begin() {
    while (busy_ < workers_ && !waiting_.empty()) {
      ++busy_;
      time_.after(spread(), [this, done = std::move(waiting_.front())] {
        --busy_;
        ++served_;
        done();
        begin();
      });
      waiting_.pop();
    }
  }

  [[nodiscard]] duration spread() {
    const auto whole = static_cast<std::uint64_t>(service_.count());
    return duration{
        static_cast<duration::rep>(gabion::uniform(random_, whole * 4 / 5, whole * 6 / 5))};
  }

  timeline& time_;
  std::uint32_t workers_;
  duration service_;
  std::uint32_t busy_ = 0;
  std::uint64_t served_ = 0;
  std::queue<timeline::action> waiting_{};
  gabion::xoshiro256 random_{7};
};

/// Calls `what` about `per_second` times a second, by chance, until the end of the run.
class arrivals {
 public:
  arrivals(timeline& time, std::uint32_t per_second, std::function<void()> what)
      : time_{time},
        mean_{std::chrono::nanoseconds{std::chrono::seconds{1}} / per_second},
        what_{std::move(what)} {
    next();
  }
  void set(std::uint32_t per_second) {
    mean_ = std::chrono::nanoseconds{std::chrono::seconds{1}} / per_second;
  }

 private:
  void next() {
    const auto gap = static_cast<duration::rep>(
        gabion::uniform(random_, 0, static_cast<std::uint64_t>(mean_.count()) * 2));
    time_.after(duration{gap}, [this] {
      what_();
      next();
    });
  }

  timeline& time_;
  duration mean_;
  std::function<void()> what_;
  gabion::xoshiro256 random_{11};
};

}  // namespace adaptive_tests
