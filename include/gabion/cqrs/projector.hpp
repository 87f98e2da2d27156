// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/random.hpp>
#include <gabion/cqrs/detail/projection_engine.hpp>
#include <gabion/cqrs/projection_events.hpp>
#include <gabion/cqrs/projection_progress.hpp>
#include <gabion/cqrs/projector_options.hpp>
#include <gabion/log/driver.hpp>
#include <gabion/log/pump.hpp>
#include <gabion/log/transactor.hpp>
#include <gabion/log/wake.hpp>
#include <gabion/log/waker.hpp>

namespace gabion {
inline namespace v0 {

/// Feeds the event log to one projection: each event once, in order, with the checkpoint in the
/// transaction of the read model.
///
/// Any number of projectors of a projection may run; the one that holds the lease works and the
/// others stand by. A failing event is tried again, then it pauses the projection or becomes a
/// letter. All that is passed in must outlive the projector. wait_for, progress, lag, wake, resume,
/// rebuild and replay_letter are safe from any thread, the rest belongs to one thread at a time.
/// Failpoints: "projection.applied" before the commit, "projection.committed" after it.
template <class Projection, transactor Database, reads_log Events, class Checkpoints, class Codec,
          clock Clock = steady_clock, class Observer = no_observer, env Env = native_env,
          random_source Random = xoshiro256>
class basic_projector {
  using transaction = typename Database::transaction;
  static_assert(explain_projection<Projection, transaction>() &&
                explain_checkpoint_store<Checkpoints, transaction>());
  static_assert(observes_any<Observer, projection_advanced, projection_faulted,
                             projection_passed_by, projection_store_failed>,
                "projector: the observer cannot be called with const gabion::projection_advanced& "
                "or another event of a projector (see gabion/cqrs/projection_events.hpp)");

 public:
  /// Throws error(invalid_argument) if an option is out of range.
  basic_projector(Projection& into, Database& database, Events& events, Checkpoints& checkpoints,
                  Codec codec = Codec{}, projector_options options = {}, Clock time = Clock{},
                  Observer observer = Observer{}, Random random = Random{})
      : options_{named(std::move(options), random)},
        engine_{into, database, events, checkpoints, std::move(codec)},
        events_{&events},
        checkpoints_{&checkpoints},
        time_{std::move(time)},
        observer_{std::forward<Observer>(observer)},
        pump_{detail::pump_of(options_), {.keeps_key_order = true}, std::move(random)} {}
  basic_projector(const basic_projector&) = delete;
  basic_projector& operator=(const basic_projector&) = delete;

  /// Does everything that can be done without waiting, and returns how many events were applied.
  std::uint64_t run_once() {
    const std::uint64_t before = applied_;
    if (bell_.take()) wake_up();
    while (take_turn().worked) {}
    return applied_ - before;
  }

  /// Works until a stop is requested; then settles what is applied and releases the lease, for at
  /// most stop_grace. Blocks the calling thread. Commits of the event store wake it if the store
  /// announces them, otherwise it looks every `poll_every`.
  void run(const std::stop_token& stop) {
    pump_.resume(time_.now());
    if constexpr (requires { events_->appended().join(wake_ref{bell_}); }) {
      const auto member = events_->appended().join(wake_ref{bell_});
      gabion::run_blocking(*this, bell_, time_, stop, options_.stop_grace, options_.poll_every);
    } else {
      gabion::run_blocking(*this, bell_, time_, stop, options_.stop_grace, options_.poll_every);
    }
  }

  /// Blocks until the read model holds everything up to the position: read your own writes. Fails
  /// at once while the projection is faulted. A projector that stands by looks at the checkpoint
  /// every `acquire_every`.
  [[nodiscard]] wait_result wait_for(position target, deadline until) {
    bell_.wake();
    return progress_.wait_for(target, until, time_);
  }

  /// How far it is, and why it stands.
  [[nodiscard]] const basic_projection_progress<Env>& progress() const noexcept {
    return progress_;
  }

  /// How many positions it is behind the log. Asks the event store.
  [[nodiscard]] std::uint64_t lag() const {
    const std::uint64_t head = to_number(events_->head());
    const std::uint64_t at = to_number(progress_.at());
    return head > at ? head - at : 0;
  }

  /// There are new events.
  void wake() noexcept { bell_.wake(); }

  /// Goes on after a pause; the event gets one more attempt. Does nothing if it is not faulted.
  void resume() noexcept {
    resume_.store(true, std::memory_order_release);
    bell_.wake();
  }

  /// Asks for the read model to be built again from the first event: with its next step it empties
  /// it, and the checkpoint with it, in one transaction, and replays in batches, with the status
  /// `rebuilding` until it is where it was. Readers see that status; for a rebuild that they do not
  /// see at all run a new version beside the old one, and promote() it. Ask the projector that
  /// works: one that stands by does it when it takes over.
  void rebuild() noexcept
    requires resettable<Projection, transaction>
  {
    rebuild_.store(true, std::memory_order_release);
    resume();
  }

  /// Applies an event that was given up, now, behind what came after it. False if there is no such
  /// letter (any more). Throws what the projection throws; the letter stays then.
  bool replay_letter(position at) { return engine_.replay(at); }

  /// The events that were given up, above a position.
  [[nodiscard]] std::vector<projection_letter> letters(position after, std::size_t limit) {
    return checkpoints_->letters(key(), after, limit);
  }

  /// The key of its checkpoint and its lease.
  [[nodiscard]] const std::string& key() const noexcept { return engine_.key(); }
  [[nodiscard]] bool has_lease() const noexcept { return pump_.has_lease(); }
  [[nodiscard]] const projector_options& options() const noexcept { return options_; }

  // ---- for a driver (see gabion/log/driver.hpp)

  turn take_turn() {
    if (rebuild_.load(std::memory_order_acquire) && pump_.has_lease() && pump_.in_flight() == 0)
      restart();
    const auto step = pump_.next(time_.now());
    switch (step.step) {
      case pump_step::acquire: acquire(); break;
      case pump_step::renew: renew(); break;
      case pump_step::release: release(); break;
      case pump_step::fetch: fetch(); break;
      case pump_step::submit: submit(step.batch.front()); break;
      case pump_step::settle: settle(step.settlements.front()); break;
      case pump_step::wait: return {.until = step.until};
      case pump_step::stopped: return {.stopped = true, .until = (instant::max)()};
    }
    return {.worked = true};
  }

  static constexpr bool await(duration /*most*/) noexcept { return false; }

  void wake_up() {
    if (resume_.exchange(false, std::memory_order_acq_rel) && pump_.poison())
      pump_.resume(time_.now());
    pump_.wake();
  }

  void begin_stop() noexcept { pump_.stop(); }

 private:
  using page = detail::event_page;

  static projector_options named(projector_options options, Random& random) {
    if (options.owner.empty())
      options.owner = "projector-" + std::to_string(random()) + "-" + std::to_string(random());
    return options;
  }

  void publish() {
    const checkpoint& at = engine_.at();
    progress_.publish(at.status == projection_status::rebuilding ? at.at : engine_.through(),
                      at.status, at.reason);
  }

  void report(std::string_view operation, const detail::failure& why) {
    gabion::notify(observer_, projection_store_failed{key(), operation, why.code, why.what});
  }

  template <class Call>
  bool asked(std::string_view operation, Call&& call) {
    const detail::failure failed = detail::guarded(std::forward<Call>(call));
    if (!failed) return true;
    engine_.forget();
    pump_.store_failed(time_.now());
    report(operation, failed);
    return false;
  }

  void acquire() {
    const instant asked_at = time_.now();
    std::optional<lease> given;
    if (!asked("acquire", [&] {
          given = checkpoints_->acquire_lease(key(), options_.owner, options_.lease_ttl);
        }))
      return;
    engine_.forget();
    pump_.leased(std::move(given), asked_at);
    if (!pump_.has_lease()) watch();
  }

  /// Standing by: lets those who wait here know how far the one is that works.
  void watch() {
    if (!detail::guarded([&] { engine_.recall(); })) publish();
    engine_.forget();
  }

  void renew() {
    const instant asked_at = time_.now();
    bool still = false;
    if (asked("renew",
              [&] { still = checkpoints_->renew_lease(pump_.held_lease(), options_.lease_ttl); }))
      pump_.renewed(still, asked_at);
  }

  void release() {
    if (asked("release", [&] { (void)checkpoints_->release_lease(pump_.held_lease()); }))
      pump_.released();
  }

  void fetch() {
    std::vector<page> pages;
    if (!asked("fetch", [&] {
          if (auto next = engine_.fetch(options_.batch)) pages.push_back(*std::move(next));
        }))
      return;
    publish();
    pump_.fetched(std::move(pages), time_.now());
  }

  void submit(const submission<page>& next) {
    const position before = engine_.at().at;
    fenced_ = false;
    const delivery result = engine_.apply(*next.record, pump_.held_lease(), fenced_);
    if (result.result == outcome::unavailable)
      report("apply", {make_error_code(errc::unavailable), result.reason});
    advanced(before, *next.record);
    pump_.submitted(1, time_.now());
    pump_.resolved(std::span{&result, 1}, time_.now());
  }

  void advanced(position before, const page& from) {
    const position now = engine_.at().at;
    if (now <= before || fenced_) return;
    std::size_t count = 0;
    while (count < from.events.size() && from.events[count].at <= now) ++count;
    applied_ += count;
    publish();
    gabion::notify(observer_, projection_advanced{key(), before, now, count});
  }

  void settle(const settlement& what) {
    if (std::exchange(fenced_, false)) return pump_.settled(settle_status::fenced);
    const page* const about = pump_.find(what.at);
    if (what.as == disposition::delivered || about == nullptr)
      return pump_.settled(settle_status::applied);
    const position at = about->events.front().at;
    const bool faulted = pump_.poison().has_value();
    settle_status status{};
    if (!asked("settle", [&] {
          status = what.as == disposition::dead
                       ? engine_.bury(*about, what, pump_.held_lease())
                       : engine_.note(*about, what, pump_.held_lease(), faulted);
        }))
      return;
    pump_.settled(status);
    if (status == settle_status::fenced) return;
    publish();
    if (what.as == disposition::dead)
      gabion::notify(observer_, projection_passed_by{key(), at, what.attempts, what.reason});
    if (faulted)
      gabion::notify(observer_, projection_faulted{key(), at, what.attempts, what.reason});
  }

  void restart() {
    if constexpr (resettable<Projection, transaction>) {
      settle_status status{};
      const detail::failure failed =
          detail::guarded([&] { status = engine_.restart(pump_.held_lease()); });
      if (failed) {
        engine_.forget();
        return report("restart", failed);
      }
      if (status == settle_status::applied) rebuild_.store(false, std::memory_order_release);
      publish();
      pump_.wake();
    }
  }

  projector_options options_;
  detail::projection_engine<Projection, Database, Events, Checkpoints, Codec, Env> engine_;
  Events* events_;
  Checkpoints* checkpoints_;
  [[no_unique_address]] Clock time_;
  [[no_unique_address]] Observer observer_;
  pump<page, Random> pump_;
  basic_projection_progress<Env> progress_{};
  waker bell_{};
  std::uint64_t applied_ = 0;
  bool fenced_ = false;
  typename Env::template atomic<bool> resume_{false};
  typename Env::template atomic<bool> rebuild_{false};
};

/// A projector with the system's clock and nobody listening: `projector p{totals, database, events,
/// checkpoints, json_codec{}};`
template <class Projection, class Database, class Events, class Checkpoints, class Codec>
class projector : public basic_projector<Projection, Database, Events, Checkpoints, Codec> {
 public:
  projector(Projection& into, Database& database, Events& events, Checkpoints& checkpoints,
            Codec codec = Codec{}, projector_options options = {})
      : basic_projector<Projection, Database, Events, Checkpoints, Codec>{
            into, database, events, checkpoints, std::move(codec), std::move(options)} {}
};

}  // namespace v0
}  // namespace gabion
