// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/log/driver.hpp>
#include <gabion/log/pump.hpp>
#include <gabion/log/transactor.hpp>
#include <gabion/log/waker.hpp>
#include <gabion/outbox/detail/message_handler.hpp>
#include <gabion/outbox/events.hpp>
#include <gabion/outbox/inbox_store.hpp>
#include <gabion/outbox/record.hpp>
#include <gabion/outbox/subscription.hpp>

namespace gabion {
inline namespace v0 {

/// Who consumes, and how. Later members are only ever added at the end.
struct consumer_options {
  /// Names the consumer in the inbox and in its event log; 1 to 255 bytes; required
  std::string name{};
  std::size_t batch = 1;  ///< messages handled in one transaction at most; 1 to 10,000; default 1
  pump_options pump{};    ///< window over all partitions, retries, poison policy; `batch` and the
                          ///< lease have no effect
  /// How often to look for redriven letters unless told; 1 ms up; default 1 s
  duration letters_every = std::chrono::seconds{1};
  /// How long run() settles what is handled once asked to stop; default 10 s
  duration stop_grace = std::chrono::seconds{10};
  /// How long to wait for messages before looking for wake-ups; 1 ms up; default 20 ms
  duration poll_slice = std::chrono::milliseconds{20};
};

/// Handles each message of a subscription once: message, dedup entry and effect are one
/// transaction.
///
/// `handler(tx, message)` gives back nothing, an `outcome` or a std::error_code. If it throws or
/// gives back anything but success, the transaction rolls back and the message is tried again after
/// a while, its key waiting; other keys go on. An error of code unavailable, busy, full, timeout,
/// cancelled or circuit_open counts as no attempt; rejected, unknown_type, corrupt, too_large or
/// invalid_argument gives up at once. What is given up becomes a letter in the inbox before the
/// group's offset passes it; later messages of its key are parked behind it (poison_policy::park).
/// Redriven letters are handled in the same way, in the order of their key.
///
/// With `batch` above 1 several messages share one transaction; if one fails, all are rolled back
/// and done one by one. A message without an id gets one from its topic, partition and position.
/// The referenced objects must outlive the consumer. wake(), rescan() and resume() are safe from
/// any thread, everything else belongs to one thread at a time.
template <class Subscription, class Inbox, class Database, class Handler,
          clock Clock = steady_clock, class Observer = no_observer, env Env = native_env,
          wall_clock WallClock = system_clock, random_source Random = xoshiro256>
class basic_consumer {
  static_assert(transactor<Database>,
                "consumer: the database is no transactor (see gabion/log/transactor.hpp)");
  using transaction = typename Database::transaction;
  static_assert(explain_subscription<Subscription>() && explain_inbox_store<Inbox, transaction>());
  static_assert(std::invocable<Handler&, transaction&, const message&>,
                "consumer: the handler cannot be called as handler(Database::transaction&, const "
                "gabion::message&)");
  static_assert(
      detail::handler_result<std::invoke_result_t<Handler&, transaction&, const message&>>,
      "consumer: the handler must give back nothing, a gabion::outcome or a std::error_code");
  static_assert(
      observes_any<Observer, message_handled, message_repeated, message_retried, message_dead,
                   message_parked, pump_paused, store_failed, transport_failed>,
      "consumer: the observer cannot be called with const gabion::message_handled& or "
      "another event of a consumer (see gabion/outbox/events.hpp)");

 public:
  /// Throws error(invalid_argument) if an option is out of range.
  basic_consumer(Subscription& from, Inbox& inbox, Database& database, Handler handler,
                 consumer_options options, Clock time = Clock{}, Observer observer = Observer{},
                 WallClock wall = WallClock{}, Random random = Random{})
      : from_{&from},
        inbox_{&inbox},
        options_{checked(std::move(options))},
        time_{std::move(time)},
        observer_{std::forward<Observer>(observer)},
        random_{std::move(random)},
        handler_{inbox,
                 database,
                 std::forward<Handler>(handler),
                 options_.name,
                 options_.pump.on_poison,
                 observer_,
                 std::move(wall)},
        letters_{letter_pump(options_), {.leased = false, .keeps_key_order = true}, random_},
        assignment_{from.assignment()} {}
  basic_consumer(const basic_consumer&) = delete;
  basic_consumer& operator=(const basic_consumer&) = delete;

  /// Does everything that can be done without waiting, and returns how many messages took effect.
  std::size_t run_once() {
    const std::uint64_t before = handled();
    if (bell_.take()) wake_up();
    while (take_turn().worked) {}
    return static_cast<std::size_t>(handled() - before);
  }

  /// Works until a stop is requested; then settles what is handled, for at most stop_grace. Blocks
  /// the calling thread.
  void run(const std::stop_token& stop) {
    stopping_ = false;
    resume_all();
    gabion::run_blocking(*this, bell_, time_, stop, options_.stop_grace, options_.poll_slice);
  }

  /// Looks for messages and redriven letters at once.
  void wake() noexcept { bell_.wake(); }
  /// Letters were redriven: the same as wake().
  void rescan() noexcept { bell_.wake(); }
  /// Goes on after a pause at a poisonous message, which gets one more attempt.
  void resume() noexcept {
    resume_.store(true, std::memory_order_release);
    bell_.wake();
  }

  [[nodiscard]] const consumer_options& options() const noexcept { return options_; }
  /// Messages and letters that took effect through this consumer.
  [[nodiscard]] std::uint64_t handled() const noexcept { return handler_.handled(); }
  /// Messages that it had seen before.
  [[nodiscard]] std::uint64_t repeated() const noexcept { return handler_.repeated(); }

  // ---- for a driver (see gabion/log/driver.hpp)

  /// One step of each partition and of the letters; messages are received when there is nothing
  /// else to do.
  turn take_turn() {
    drop_lost_partitions();
    turn all{.stopped = true, .until = (instant::max)()};
    merge(all, step(letters_));
    for (auto p = partitions_.begin(); p != partitions_.end();) {
      const auto next = std::next(p);
      merge(all, step(p->first, p->second));
      if (p->second.lost) partitions_.erase(p);
      p = next;
    }
    if (stopping_) return all;
    all.stopped = false;
    if (!all.worked && receive(duration::zero())) all.worked = true;
    return all;
  }

  /// Waits for messages at most that long; false if there is no room for them, or the subscription
  /// has failed a moment ago.
  bool await(duration most) {
    if (stopping_ || room() == 0 || time_.now() < receive_due_) return false;
    receive(most);
    return true;
  }

  void wake_up() {
    letters_.rescan();
    receive_due_ = (instant::min)();
    if (resume_.exchange(false, std::memory_order_acq_rel)) resume_all();
  }

  void begin_stop() noexcept {
    stopping_ = true;
    letters_.stop();
    for (auto& [number, p] : partitions_) p.pump.stop();
  }

 private:
  struct partition {
    gabion::pump<received, Random> pump;
    position committed = beginning;
    bool paused = false;
    bool lost = false;
  };

  static consumer_options checked(consumer_options options) {
    gabion::validate(options.pump, "consumer_options.pump");
    if (options.name.empty() || options.name.size() > 255)
      detail::fail(errc::invalid_argument, "consumer_options.name has " +
                                               std::to_string(options.name.size()) +
                                               " bytes; allowed: 1 to 255. Name the consumer");
    detail::check_range("consumer_options.batch", options.batch, 1, 10'000);
    detail::check_at_least("consumer_options.letters_every", options.letters_every,
                           std::chrono::milliseconds{1});
    detail::check_at_least("consumer_options.stop_grace", options.stop_grace, duration::zero());
    detail::check_at_least("consumer_options.poll_slice", options.poll_slice,
                           std::chrono::milliseconds{1});
    return options;
  }

  static pump_options letter_pump(const consumer_options& options) {
    pump_options o = options.pump;
    o.batch = options.batch;
    o.poll_every = o.rescan_every = options.letters_every;
    return o;
  }

  /// The inbox parks, inside the transaction that would handle: the pump of a partition just goes
  /// on.
  static pump_options partition_pump(const consumer_options& options) {
    pump_options o = options.pump;
    o.batch = options.batch;
    if (o.on_poison == poison_policy::park) o.on_poison = poison_policy::skip;
    return o;
  }

  static void merge(turn& all, const turn& one) noexcept {
    all.worked = all.worked || one.worked;
    all.stopped = all.stopped && one.stopped;
    if (!one.stopped) all.until = detail::min_of(all.until, one.until);
  }

  void resume_all() {
    const instant now = time_.now();
    letters_.resume(now);
    letters_paused_ = false;
    for (auto& [number, p] : partitions_) {
      p.pump.resume(now);
      p.paused = false;
    }
  }

  /// After a change of assignment everything uncommitted may come again: what is held is forgotten.
  void drop_lost_partitions() {
    const std::uint64_t now = from_->assignment();
    if (std::exchange(assignment_, now) != now) partitions_.clear();
  }

  [[nodiscard]] std::size_t room() const noexcept {
    std::size_t held = 0;
    for (const auto& [number, p] : partitions_) {
      if (p.pump.room() == 0) return 0;
      held += p.pump.held();
    }
    return held < options_.pump.window ? options_.pump.window - held : 0;
  }

  bool receive(duration most) {
    const std::size_t limit = room();
    if (limit == 0 || time_.now() < receive_due_) return false;
    std::vector<received> got;
    const detail::failure failed = detail::guarded([&] { got = from_->receive(limit, most); });
    if (failed) {
      receive_due_ = gabion::saturating_add(time_.now(), options_.pump.poll_every);
      gabion::notify(observer_, transport_failed{"receive", failed.code, failed.what});
      return false;
    }
    drop_lost_partitions();
    if (got.empty()) return false;
    Env::failpoint("consumer.received");
    std::map<std::uint32_t, std::vector<received>> sorted;
    for (received& r : got) {
      if (r.what.id.empty()) r.what.id = name_of(r);
      sorted[r.partition].push_back(std::move(r));
    }
    for (auto& [number, records] : sorted) pump_of(number).offer(std::move(records));
    return true;
  }

  /// Partitions are numbered within a subscription: without the topic, one that is added later
  /// would be taken for another.
  static std::string name_of(const received& r) {
    return "@" + r.what.topic + "/" + std::to_string(r.partition) + "/" +
           std::to_string(to_number(r.at));
  }

  gabion::pump<received, Random>& pump_of(std::uint32_t number) {
    const auto found = partitions_.find(number);
    if (found != partitions_.end()) return found->second.pump;
    const pump_shape shape{.leased = false, .fetches = false, .keeps_key_order = true};
    return partitions_
        .try_emplace(number,
                     partition{.pump = gabion::pump<received, Random>{partition_pump(options_),
                                                                      shape, random_}})
        .first->second.pump;
  }

  turn step(std::uint32_t number, partition& p) {
    const auto todo = p.pump.next(time_.now());
    switch (todo.step) {
      case pump_step::submit: handle(p.pump, todo.batch); break;
      case pump_step::settle: settle(number, p, todo.settlements, todo.watermark); break;
      case pump_step::stopped: return stopped(p, todo.why);
      default: return {.until = todo.until};
    }
    return {.worked = true};
  }

  turn stopped(partition& p, stop_reason why) {
    p.lost = why == stop_reason::fenced;
    if (why == stop_reason::poisoned && !std::exchange(p.paused, true)) paused(*p.pump.poison());
    return {.stopped = true, .until = (instant::max)()};
  }

  turn step(gabion::pump<inbox_letter, Random>& p) {
    const auto todo = p.next(time_.now());
    switch (todo.step) {
      case pump_step::fetch: fetch_letters(todo.after, todo.limit); break;
      case pump_step::submit: handle(p, todo.batch); break;
      case pump_step::settle: settle_letters(todo.settlements); break;
      case pump_step::stopped:
        if (todo.why == stop_reason::poisoned && !std::exchange(letters_paused_, true))
          paused(*p.poison());
        return {.stopped = true, .until = (instant::max)()};
      default: return {.until = todo.until};
    }
    return {.worked = true};
  }

  void paused(const poisoned_record& at) {
    gabion::notify(observer_, pump_paused{at.at, at.attempts, at.reason});
  }

  template <class Record>
  void handle(gabion::pump<Record, Random>& of, std::span<const submission<Record>> batch) {
    const std::span<const delivery> deliveries = handler_.handle(batch);
    of.submitted(batch.size(), time_.now());
    of.resolved(deliveries, time_.now());
  }

  /// Calls a store or the subscription; true if it answered, otherwise tells the pump.
  template <class Pump, class Call>
  bool asked(Pump& of, std::string_view operation, Call&& call) {
    const detail::failure failed = detail::guarded(std::forward<Call>(call));
    if (!failed) return true;
    of.store_failed(time_.now());
    gabion::notify(observer_, store_failed{operation, failed.code, failed.what});
    return false;
  }

  /// Dead letters first, then the group's offset: a crash in between repeats, and forgets nothing.
  void settle(std::uint32_t number, partition& p, std::span<const settlement> settlements,
              position watermark) {
    settle_status status = settle_status::applied;
    const bool answered = asked(p.pump, "settle", [&] {
      for (const settlement& s : settlements)
        if (s.as == disposition::dead) handler_.keep_dead(p.pump.find(s.at)->what, s);
      if (watermark > p.committed) status = from_->commit(number, watermark);
    });
    if (!answered) return;
    if (watermark > p.committed) Env::failpoint("consumer.acknowledged");
    p.committed = detail::max_of(p.committed, watermark);
    for (const settlement& s : settlements) report(p.pump.find(s.at)->what, s);
    p.pump.settled(status);
  }

  void report(const message& m, const settlement& s) {
    if (s.as == disposition::dead)
      gabion::notify(observer_, message_dead{m, s.at, s.attempts, s.reason});
    if (s.as == disposition::deferred)
      gabion::notify(observer_, message_retried{m, s.at, s.attempts, s.reason});
  }

  void fetch_letters(position after, std::size_t limit) {
    std::vector<inbox_letter> letters;
    if (asked(letters_, "redriven",
              [&] { letters = inbox_->redriven(options_.name, after, limit); }))
      letters_.fetched(std::move(letters), time_.now());
  }

  void settle_letters(std::span<const settlement> settlements) {
    const bool answered = asked(letters_, "settle", [&] {
      for (const settlement& s : settlements)
        if (s.as == disposition::dead || s.as == disposition::parked)
          handler_.keep_again(*letters_.find(s.at), s);
    });
    if (!answered) return;
    for (const settlement& s : settlements) report(letters_.find(s.at)->what, s);
    letters_.settled(settle_status::applied);
  }

  Subscription* from_;
  Inbox* inbox_;
  consumer_options options_;
  [[no_unique_address]] Clock time_;
  [[no_unique_address]] Observer observer_;
  Random random_;
  detail::message_handler<Inbox, Database, Handler, Observer, Env, WallClock> handler_;
  std::map<std::uint32_t, partition> partitions_{};
  gabion::pump<inbox_letter, Random> letters_;
  waker bell_{};
  instant receive_due_ = (instant::min)();
  std::uint64_t assignment_;
  bool stopping_ = false;
  bool letters_paused_ = false;
  typename Env::template atomic<bool> resume_{false};
};

/// A consumer with the system's clocks and nobody listening:
/// `consumer c{subscription, inbox, database, handler, {.name = "email"}};`
template <class Subscription, class Inbox, class Database, class Handler>
class consumer : public basic_consumer<Subscription, Inbox, Database, Handler> {
 public:
  consumer(Subscription& from, Inbox& inbox, Database& database, Handler handler,
           consumer_options options)
      : basic_consumer<Subscription, Inbox, Database, Handler>{
            from, inbox, database, std::move(handler), std::move(options)} {}
};

}  // namespace v0
}  // namespace gabion
