// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/log/driver.hpp>
#include <gabion/log/pump.hpp>
#include <gabion/log/waker.hpp>
#include <gabion/outbox/events.hpp>
#include <gabion/outbox/record.hpp>
#include <gabion/outbox/store.hpp>
#include <gabion/outbox/transport.hpp>

namespace gabion {
inline namespace v0 {

/// Which lane a relay serves, and how. Later members are only ever added at the end.
struct relay_options {
  std::uint32_t lane = 0;  ///< the lane of the store; default 0
  std::string owner{};  ///< names this relay in the lease, unique among all; default: a random name
  pump_options pump{};  ///< batches, retries, lease
  /// How long run() waits for what is in flight once asked to stop; default 10 s
  duration stop_grace = std::chrono::seconds{10};
  /// How long to wait in the transport before looking for wake-ups; 1 ms up; default 5 ms
  duration poll_slice = std::chrono::milliseconds{5};
};

/// Names everything that S lacks to be relayed from, in words.
template <class S>
consteval bool explain_relay_store() {
  static_assert(fetches_outbox<S>,
                "relay_store: `std::vector<outbox_record> fetch(std::uint32_t lane, position "
                "after, std::size_t limit)` is missing");
  static_assert(settles_outbox<S>,
                "relay_store: `settle_status settle(const lease&, std::span<const settlement>, "
                "position watermark)` is missing");
  static_assert(lease_store<S>,
                "relay_store: `acquire_lease`, `renew_lease` or `release_lease` is missing (see "
                "gabion/log/lease.hpp)");
  return relay_store<S>;
}

/// Publishes what is in an outbox: at least once, in order within a key.
///
/// Any number of relays may run; per lane the one that holds the lease works and the others stand
/// by. A failure of the store or the transport is reported to the observer and tried again after a
/// while. The store, the transport and whatever the observer refers to must outlive the relay.
/// wake(), rescan() and resume() are safe from any thread, everything else belongs to one thread at
/// a time.
template <class Store, class Transport, clock Clock = steady_clock, class Observer = no_observer,
          env Env = native_env, wall_clock WallClock = system_clock,
          random_source Random = xoshiro256>
class basic_relay {
  static_assert(explain_relay_store<Store>() && explain_transport<Transport>());
  static_assert(observes_any<Observer, message_published, message_retried, message_in_doubt,
                             message_dead, message_parked, pump_paused, lease_gained, lease_lost,
                             store_failed, transport_failed>,
                "relay: the observer cannot be called with const gabion::message_published& or "
                "another event of a relay (see gabion/outbox/events.hpp)");

 public:
  /// Throws error(invalid_argument) if an option is out of range.
  explicit basic_relay(Store& store, Transport& transport, relay_options options = {},
                       Clock time = Clock{}, Observer observer = Observer{},
                       WallClock wall = WallClock{}, Random random = Random{})
      : store_{&store},
        transport_{&transport},
        options_{checked(std::move(options), store, random)},
        lease_name_{"outbox/" + std::to_string(options_.lane)},
        time_{std::move(time)},
        wall_{std::move(wall)},
        observer_{std::forward<Observer>(observer)},
        pump_{options_.pump, {.keeps_key_order = Transport::keeps_key_order}, std::move(random)} {}
  basic_relay(const basic_relay&) = delete;
  basic_relay& operator=(const basic_relay&) = delete;

  /// Does everything that can be done without waiting, and returns how many messages were
  /// published.
  std::size_t run_once() {
    const std::uint64_t before = published_;
    if (bell_.take()) wake_up();
    while (take_turn().worked) {}
    return static_cast<std::size_t>(published_ - before);
  }

  /// Works until a stop is requested; then waits for what is in flight, settles it and releases the
  /// lease, for at most stop_grace. Blocks the calling thread.
  void run(const std::stop_token& stop) {
    pump_.resume(time_.now());
    gabion::run_blocking(*this, bell_, time_, stop, options_.stop_grace, options_.poll_slice);
  }

  /// There are new messages. The store's transactions call it on commit if the outbox was given
  /// this relay.
  void wake() noexcept { bell_.wake(); }

  /// Dead letters were redriven: looks from the beginning, so that they go before newer messages of
  /// their key.
  void rescan() noexcept {
    rescan_.store(true, std::memory_order_release);
    bell_.wake();
  }

  /// Goes on after a pause at a poisonous message, which gets one more attempt.
  void resume() noexcept {
    resume_.store(true, std::memory_order_release);
    bell_.wake();
  }

  [[nodiscard]] const relay_options& options() const noexcept { return options_; }
  /// Messages that the transport has accepted from this relay.
  [[nodiscard]] std::uint64_t published() const noexcept { return published_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return pump_.in_flight(); }
  [[nodiscard]] bool has_lease() const noexcept { return pump_.has_lease(); }

  // ---- for a driver (see gabion/log/driver.hpp)

  /// Takes in what was delivered, or does the next step.
  turn take_turn() {
    if (collect(duration::zero())) return {.worked = true};
    const auto step = pump_.next(time_.now());
    switch (step.step) {
      case pump_step::acquire: acquire(); break;
      case pump_step::renew: renew(); break;
      case pump_step::release: release(); break;
      case pump_step::fetch: fetch(step.after, step.limit); break;
      case pump_step::submit: submit(step.batch); break;
      case pump_step::settle: settle(step.settlements, step.watermark); break;
      case pump_step::wait: return {.until = step.until};
      case pump_step::stopped: return stopped(step.why);
    }
    return {.worked = true};
  }

  /// Waits for deliveries at most that long; false if none are awaited.
  bool await(duration most) {
    if (pump_.in_flight() == 0 || time_.now() < poll_due_) return false;
    collect(most);
    return true;
  }

  void wake_up() {
    if (rescan_.exchange(false, std::memory_order_acq_rel)) pump_.rescan();
    if (resume_.exchange(false, std::memory_order_acq_rel)) {
      paused_ = false;
      pump_.resume(time_.now());
    }
    pump_.wake();
  }

  void begin_stop() noexcept { pump_.stop(); }

 private:
  static relay_options checked(relay_options options, const Store& store, Random& random) {
    if constexpr (requires { std::uint32_t{store.lanes()}; })
      detail::check_range("relay_options.lane", options.lane, 0, store.lanes() - 1);
    gabion::validate(options.pump, "relay_options.pump");
    detail::check_at_least("relay_options.stop_grace", options.stop_grace, duration::zero());
    detail::check_at_least("relay_options.poll_slice", options.poll_slice,
                           std::chrono::milliseconds{1});
    if (options.owner.empty())
      options.owner = "relay-" + std::to_string(random()) + "-" + std::to_string(random());
    return options;
  }

  /// Calls the store; true if it answered, otherwise tells the pump.
  template <class Call>
  bool asked(std::string_view operation, Call&& call) {
    const detail::failure failed = detail::guarded(std::forward<Call>(call));
    if (!failed) return true;
    pump_.store_failed(time_.now());
    gabion::notify(observer_, store_failed{operation, failed.code, failed.what});
    return false;
  }

  void acquire() {
    const instant asked_at = time_.now();
    std::optional<lease> given;
    if (!asked("acquire", [&] {
          given = store_->acquire_lease(lease_name_, options_.owner, options_.pump.lease_ttl);
        }))
      return;
    const bool gained = given.has_value();
    pump_.leased(std::move(given), asked_at);
    if (gained) gabion::notify(observer_, lease_gained{pump_.held_lease()});
  }

  void renew() {
    const instant asked_at = time_.now();
    const lease mine = pump_.held_lease();
    bool still = false;
    if (!asked("renew", [&] { still = store_->renew_lease(mine, options_.pump.lease_ttl); }))
      return;
    pump_.renewed(still, asked_at);
    if (!still) gabion::notify(observer_, lease_lost{mine});
  }

  void release() {
    const lease mine = pump_.held_lease();
    if (!asked("release", [&] { (void)store_->release_lease(mine); })) return;
    pump_.released();
    gabion::notify(observer_, lease_lost{mine});
  }

  void fetch(position after, std::size_t limit) {
    std::vector<outbox_record> records;
    if (!asked("fetch", [&] { records = store_->fetch(options_.lane, after, limit); })) return;
    Env::failpoint("relay.fetched");
    pump_.fetched(std::move(records), time_.now());
  }

  void submit(std::span<const submission<outbox_record>> batch) {
    outgoing_.clear();
    for (const submission<outbox_record>& s : batch)
      outgoing_.push_back({s.at, &s.record->what, s.attempt});
    std::size_t taken = 0;
    const detail::failure failed = detail::guarded([&] { taken = transport_->submit(outgoing_); });
    Env::failpoint("relay.submitted");
    if (!failed) return pump_.submitted(taken, time_.now());
    pump_.submit_failed(time_.now());
    gabion::notify(observer_, transport_failed{"submit", failed.code, failed.what});
  }

  void settle(std::span<const settlement> settlements, position watermark) {
    const lease mine = pump_.held_lease();
    settle_status status{};
    if (!asked("settle", [&] { status = store_->settle(mine, settlements, watermark); })) return;
    Env::failpoint("relay.settled");
    if (status == settle_status::applied)
      for (const settlement& s : settlements) report(s);
    pump_.settled(status);
    if (status == settle_status::fenced) gabion::notify(observer_, lease_lost{mine});
  }

  /// Takes in the deliveries that are known, waiting at most that long for the first; true if there
  /// were any.
  bool collect(duration most) {
    if (pump_.in_flight() == 0 || time_.now() < poll_due_) return false;
    deliveries_.clear();
    const detail::failure failed = detail::guarded([&] { transport_->poll(deliveries_, most); });
    if (failed) {
      poll_due_ = gabion::saturating_add(time_.now(), options_.pump.poll_every);
      gabion::notify(observer_, transport_failed{"poll", failed.code, failed.what});
    }
    if (deliveries_.empty()) return false;
    Env::failpoint("relay.acknowledged");
    for (const delivery& d : deliveries_) report(d);
    pump_.resolved(deliveries_, time_.now());
    return true;
  }

  void report(const delivery& d) {
    if (d.result == outcome::delivered) ++published_;
    if constexpr (observes<Observer, message_published> || observes<Observer, message_in_doubt>) {
      const outbox_record* record = pump_.find(d.at);
      if (record == nullptr) return;
      if (d.result == outcome::delivered)
        gabion::notify(observer_,
                       message_published{record->what, d.at,
                                         detail::lag_since(record->what.time, wall_.now())});
      if (d.result == outcome::in_doubt)
        gabion::notify(observer_, message_in_doubt{record->what, d.at, d.reason});
    }
  }

  void report(const settlement& s) {
    const outbox_record* record = pump_.find(s.at);
    if (record == nullptr) return;
    if (s.as == disposition::deferred)
      gabion::notify(observer_, message_retried{record->what, s.at, s.attempts, s.reason});
    if (s.as == disposition::dead)
      gabion::notify(observer_, message_dead{record->what, s.at, s.attempts, s.reason});
    if (s.as == disposition::parked) gabion::notify(observer_, message_parked{record->what, s.at});
  }

  turn stopped(stop_reason why) {
    if (why == stop_reason::poisoned && !std::exchange(paused_, true)) {
      const poisoned_record& at = *pump_.poison();
      gabion::notify(observer_, pump_paused{at.at, at.attempts, at.reason});
    }
    return {.stopped = true, .until = (instant::max)()};
  }

  Store* store_;
  Transport* transport_;
  relay_options options_;
  std::string lease_name_;
  [[no_unique_address]] Clock time_;
  [[no_unique_address]] WallClock wall_;
  [[no_unique_address]] Observer observer_;
  pump<outbox_record, Random> pump_;
  waker bell_{};
  std::vector<outgoing> outgoing_{};
  std::vector<delivery> deliveries_{};
  instant poll_due_ = (instant::min)();
  std::uint64_t published_ = 0;
  bool paused_ = false;
  typename Env::template atomic<bool> rescan_{false};
  typename Env::template atomic<bool> resume_{false};
};

/// A relay with the system's clocks and nobody listening: `relay r{store, transport, {.lane = 0,
/// .owner = "host-1"}};`
template <class Store, class Transport>
class relay : public basic_relay<Store, Transport> {
 public:
  explicit relay(Store& store, Transport& transport, relay_options options = {})
      : basic_relay<Store, Transport>{store, transport, std::move(options)} {}
};

}  // namespace v0
}  // namespace gabion
