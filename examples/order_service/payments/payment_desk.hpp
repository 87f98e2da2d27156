// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/circuit_breaker.hpp>
#include <gabion/core/saturating.hpp>

#include "app/log.hpp"
#include "domain/commands.hpp"
#include "payments/payment_desk_options.hpp"
#include "payments/payment_schedule.hpp"
#include "payments/provider_client.hpp"

namespace shop {

/// Asks the provider for the payments that are due, through a circuit breaker. If the provider is
/// out of reach, the order says so (payment_queued) and the payment is asked for again later, under
/// the same key. No transaction is open while it waits.
///
/// A crash between the provider's answer and the command that records it repeats the call: the
/// provider knows the key.
template <class Backend, class Commands>
class payment_desk {
 public:
  payment_desk(Backend& backend, const payment_desk_options& options)
      : backend_{&backend},
        options_{options},
        breaker_{options.breaker, breaker_log{&backend}},
        schedule_{options.held} {
    breaker_log{&backend}.write("", "closed", "the service started");
  }
  payment_desk(const payment_desk&) = delete;
  payment_desk& operator=(const payment_desk&) = delete;

  /// There is a new payment. Safe from any thread.
  void wake() noexcept {
    {
      const std::lock_guard guard{mutex_};
      look_ = true;
    }
    changed_.notify_one();
  }

  /// `commands` must outlive stop().
  void start(Commands& commands) {
    for (std::size_t i = 0; i < options_.workers; ++i)
      workers_.emplace_back(
          [this, &commands](const std::stop_token& stop) { work(commands, stop); });
  }

  /// Lets every worker finish the payment it is at.
  void stop() {
    for (std::jthread& w : workers_) w.request_stop();
    workers_.clear();
  }

  [[nodiscard]] gabion::circuit_snapshot breaker() const noexcept { return breaker_.snapshot(); }

 private:
  /// Keeps the breaker's history in the database.
  struct breaker_log {
    Backend* backend;
    void operator()(const gabion::circuit_transition& t) const {
      write(to_string(t.from), to_string(t.to), to_string(t.cause));
    }
    void write(std::string_view from, std::string_view to, std::string_view why) const {
      log_line("payment breaker", {{"from", from}, {"to", to}, {"why", why}});
      const breaker_change change{gabion::system_clock::now(), std::string{from}, std::string{to},
                                  std::string{why}};
      backend->transactor.transact(
          [&](typename Backend::transaction& tx) { backend->tables.log_breaker(tx, change); });
    }
  };

  void work(Commands& commands, const std::stop_token& stop) {
    provider_client provider{options_.provider};
    while (!stop.stop_requested()) {
      const std::optional<due_payment> due = next(stop);
      if (due) settle(*due, provider, commands);
    }
  }

  void settle(const due_payment& due, provider_client& provider, Commands& commands) {
    gabion::duration pause = options_.retry_after;
    const charge_answer answer =
        breaker_.call([&] { return provider.charge(due); },
                      [&](const gabion::circuit_rejection& why) {
                        pause = std::max<gabion::duration>(pause, why.retry_after);
                        return charge_answer{.reason = "the circuit to the provider is open"};
                      });
    const bool recorded = record(due, answer, commands);
    const std::lock_guard guard{mutex_};
    if (recorded && answer.what != charge_answer::kind::unreachable) return schedule_.finished(due);
    due_payment again = due;
    again.queued = due.queued || recorded;
    schedule_.postpone(again, gabion::saturating_add(gabion::steady_clock::now(), pause));
  }

  /// Writes down what came of it; false if the database would not take it. Then the payment is
  /// asked for again, which is safe.
  bool record(const due_payment& due, const charge_answer& answer, Commands& commands) {
    try {
      switch (answer.what) {
        case charge_answer::kind::charged:
          commands.send(record_payment{due.order_id, due.number}, {});
          break;
        case charge_answer::kind::declined:
          commands.send(decline_payment{due.order_id, due.number, answer.reason}, {});
          break;
        case charge_answer::kind::unreachable:
          if (!due.queued)
            commands.send(queue_payment{due.order_id, due.number, due.amount, answer.reason}, {});
      }
      return true;
    } catch (const gabion::error&) {
      return false;  // the bus has counted and logged it
    }
  }

  /// The next payment to ask for; waits for one, but not for ever.
  std::optional<due_payment> next(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    refill(lock);
    const gabion::instant now = gabion::steady_clock::now();
    if (auto due = schedule_.take(now)) return due;
    const auto until = std::min(schedule_.next_ready().value_or(now + options_.look_every),
                                now + options_.look_every);
    changed_.wait_until(lock, stop, until, [this] { return look_; });
    return std::nullopt;
  }

  /// Reads more due payments from the table: behind the newest one when woken, for ids rise; and
  /// every now and then all of them.
  void refill(std::unique_lock<std::mutex>& lock) {
    const gabion::instant now = gabion::steady_clock::now();
    const bool scan = now >= scan_at_;
    if (reading_ || !schedule_.has_room() || (!look_ && !scan)) return;
    look_ = false;
    reading_ = true;
    const std::string from = scan ? scanned_ : newest_;
    lock.unlock();
    const std::vector<due_payment> found = read_due(from);
    lock.lock();
    reading_ = false;
    const bool full = found.size() == page;
    if (scan) {
      scanned_ = full ? found.back().order_id : std::string{};
      scan_at_ = full ? now : now + options_.look_every;
    }
    if (!found.empty()) newest_ = std::max(newest_, found.back().order_id);
    for (const due_payment& due : found) schedule_.add(due);
    changed_.notify_all();
  }

  std::vector<due_payment> read_due(const std::string& from) {
    try {
      return backend_->tables.due_payments(from, page);
    } catch (const gabion::error& e) {
      log_line("due payments can't be read", {{"reason", e.what()}});
      return {};
    }
  }

  static constexpr std::size_t page = 256;

  Backend* backend_;
  payment_desk_options options_;
  gabion::basic_circuit_breaker<gabion::steady_clock, breaker_log> breaker_;
  std::mutex mutex_{};
  std::condition_variable_any changed_{};
  payment_schedule schedule_;
  std::string newest_{};
  std::string scanned_{};
  gabion::instant scan_at_{};
  bool look_ = true;
  bool reading_ = false;
  std::vector<std::jthread> workers_{};
};

}  // namespace shop
