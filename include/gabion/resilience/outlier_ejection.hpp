// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/detail/outlier_math.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/outlier_options.hpp>

namespace gabion {
inline namespace v0 {

/// Takes hosts that fail more than the others out of service for a while, and tells whether it is
/// them or everything.
///
/// Tell it how each call went (`record`), call `tick` now and then, and ask `available` or `pick`
/// before a call. Never more hosts are out than `max_ejected_percent` allows at that moment, and
/// one always may be; only adding or removing hosts can change that share. A host comes back when
/// its time is over or `restore` says so, with fresh counts. Results of a host that is out are not
/// counted. Failures count alike, however fast they came. It reads no clock, waits for nothing, and
/// allocates only when made.
///
/// Every member is safe to call from several threads. `record`, `available` and `pick` are
/// lock-free but when a host goes out or comes back. Neither copied nor moved. Source of the rules:
/// the outlier detection of Envoy.
template <random_source Random = xoshiro256, env Env = native_env>
class basic_outlier_ejection {
 public:
  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_outlier_ejection(const outlier_options& options = {}, Random random = Random{})
      : options_{(gabion::validate(options), options)},
        hosts_(options.capacity),
        random_{std::move(random)} {}

  basic_outlier_ejection(const basic_outlier_ejection&) = delete;
  basic_outlier_ejection& operator=(const basic_outlier_ejection&) = delete;

  /// A new host, in service; nothing if there are as many as the capacity. O(capacity).
  [[nodiscard]] std::optional<outlier_host> add() noexcept {
    const std::lock_guard guard{lock_};
    for (std::uint32_t i = 0; i < options_.capacity; ++i) {
      host& h = hosts_[i];
      if (present(h)) continue;
      h.ejections = 0;
      const std::uint32_t life = h.life.load(std::memory_order_relaxed) + 1;
      h.tally.store(detail::outlier_tally::fresh(life).bits(), std::memory_order_relaxed);
      h.life.store(life, std::memory_order_release);
      set_count(known_, +1);
      return outlier_host{i, life};
    }
    return std::nullopt;
  }

  /// Its handle is void from here on. False if it was already.
  bool remove(outlier_host which) noexcept {
    const std::lock_guard guard{lock_};
    host* const h = find(which);
    if (h == nullptr) return false;
    if (out(*h)) put_back(*h);
    h->life.store(which.life + 1, std::memory_order_release);
    set_count(known_, -1);
    return true;
  }

  /// How a call to that host went. Ignored and cancelled calls, and unknown hosts, change nothing.
  /// True if the host was ejected by it.
  bool record(outlier_host which, verdict how, instant now) noexcept {
    host* const h = find(which);
    if (h == nullptr || (how != verdict::success && how != verdict::failure)) return false;
    if (!in_service(*h, which, now)) {
      late_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    std::uint64_t seen = h->tally.load(std::memory_order_relaxed);
    detail::outlier_tally next;
    do {
      const detail::outlier_tally before{seen};
      if (!before.of(which.life)) return false;
      next = before.counted(how == verdict::failure);
    } while (!h->tally.compare_exchange_weak(seen, next.bits(), std::memory_order_relaxed,
                                             std::memory_order_relaxed));
    if (!trips(next)) return false;
    return eject_failing(*h, which, now);
  }

  /// The host is known and in service.
  [[nodiscard]] bool available(outlier_host which, instant now) noexcept {
    host* const h = find(which);
    return h != nullptr && in_service(*h, which, now);
  }

  /// One of the hosts in service, each equally likely if `number` is random; nothing if there is
  /// none. O(capacity).
  [[nodiscard]] std::optional<outlier_host> pick(std::uint64_t number, instant now) noexcept {
    std::uint64_t in = 0;
    for (std::uint32_t i = 0; i < options_.capacity; ++i) in += available(handle(i), now) ? 1 : 0;
    if (in == 0) return std::nullopt;
    std::uint64_t skip = number % in;
    std::optional<outlier_host> last;
    for (std::uint32_t i = 0; i < options_.capacity; ++i) {
      if (!available(handle(i), now)) continue;
      last = handle(i);
      if (skip-- == 0) break;
    }
    return last;
  }

  /// Evaluates the interval if it is over; call it a few times in each. The first call only begins
  /// the first one. O(capacity), and O(capacity) for each host that it ejects.
  outlier_tick tick(instant now) noexcept {
    const std::lock_guard guard{lock_};
    outlier_tick done;
    if (!next_tick_) next_tick_ = gabion::saturating_add(now, options_.interval);
    done.returned = put_back_all(now);
    if (now < *next_tick_) return done;
    next_tick_ = gabion::saturating_add(now, options_.interval);
    close_interval();
    done.evaluated = true;
    done.ejected = eject_outlying(now) + eject_by_percent(now);
    forgive();
    return done;
  }

  /// Takes a host out of service. False if it is unknown, out already, or too many are out.
  bool eject(outlier_host which, instant now) noexcept {
    const std::lock_guard guard{lock_};
    host* const h = find(which);
    if (h == nullptr || out(*h)) return false;
    static_cast<void>(put_back_all(now));
    return take_out(*h, outlier_cause::manual, now);
  }

  /// Puts a host back into service at once, as when an active health check has found it well. False
  /// if it was not out.
  bool restore(outlier_host which) noexcept {
    const std::lock_guard guard{lock_};
    host* const h = find(which);
    if (h == nullptr || !out(*h)) return false;
    put_back(*h);
    return true;
  }

  [[nodiscard]] outlier_fleet fleet() noexcept {
    const std::lock_guard guard{lock_};
    return {load(known_), load(ejected_), allowed(),  scope(),         succeeded_,
            failed_,      mean_,          ejections_, load(overflow_), load(late_)};
  }

  [[nodiscard]] outlier_host_snapshot snapshot(outlier_host which, instant now) noexcept {
    const std::lock_guard guard{lock_};
    const host* const h = find(which);
    if (h == nullptr) return {};
    const detail::outlier_tally t{h->tally.load(std::memory_order_relaxed)};
    const duration left =
        out(*h) ? gabion::elapsed(now, instant{duration{load(h->until)}}) : duration::zero();
    return {true,          left == duration::zero(),
            left,          h->cause,
            h->ejections,  t.in_row(),
            t.succeeded(), t.failed()};
  }

  [[nodiscard]] const outlier_options& options() const noexcept { return options_; }

 private:
  template <class T>
  using atomic = typename Env::template atomic<T>;
  static constexpr duration::rep serving = (std::numeric_limits<duration::rep>::min)();

  struct host {
    atomic<std::uint64_t> tally{0};
    atomic<duration::rep> until{serving};  // the end of its ejection
    atomic<std::uint32_t> life{0};         // odd while the place is taken
    // Under the lock:
    std::uint32_t ejections = 0;
    std::uint32_t requests = 0;  // of the interval that was closed last
    std::uint32_t rate = 0;      // of its successes, in basis points
    std::uint32_t failed = 0;
    bool well = false;  // healthy in the last interval
    outlier_cause cause{};
  };

  template <class T>
  [[nodiscard]] static T load(const atomic<T>& a) noexcept {
    return a.load(std::memory_order_relaxed);
  }
  static void set_count(atomic<std::uint32_t>& count, int change) noexcept {
    count.store(load(count) + static_cast<std::uint32_t>(change), std::memory_order_relaxed);
  }
  [[nodiscard]] static bool present(const host& h) noexcept {
    return h.life.load(std::memory_order_acquire) % 2 == 1;
  }
  [[nodiscard]] static bool out(const host& h) noexcept { return load(h.until) != serving; }

  [[nodiscard]] host* find(outlier_host which) noexcept {
    if (which.index >= options_.capacity || which.life % 2 == 0) return nullptr;
    host& h = hosts_[which.index];
    return h.life.load(std::memory_order_acquire) == which.life ? &h : nullptr;
  }
  [[nodiscard]] outlier_host handle(std::uint32_t index) const noexcept {
    return {index, hosts_[index].life.load(std::memory_order_acquire)};
  }

  /// Puts it back if its time is over; that happens once, under the lock.
  [[nodiscard]] bool in_service(host& h, outlier_host which, instant now) noexcept {
    const duration::rep until = h.until.load(std::memory_order_acquire);
    if (until == serving) return true;
    if (now.time_since_epoch().count() < until) return false;
    const std::lock_guard guard{lock_};
    if (find(which) == nullptr) return false;
    if (out(h) && now.time_since_epoch().count() >= load(h.until)) put_back(h);
    return !out(h);
  }

  [[nodiscard]] bool trips(detail::outlier_tally t) const noexcept {
    return options_.consecutive_failures != 0 && t.in_row() >= options_.consecutive_failures;
  }

  /// While no more hosts may go out, the failing ones that stay do not fight for the lock.
  [[nodiscard]] bool eject_failing(host& h, outlier_host which, instant now) noexcept {
    if (load(ejected_) >= allowed() && now.time_since_epoch().count() < load(next_return_)) {
      overflow_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    const std::lock_guard guard{lock_};
    if (find(which) == nullptr || out(h) || !trips(detail::outlier_tally{load(h.tally)}))
      return false;
    static_cast<void>(put_back_all(now));
    return take_out(h, outlier_cause::consecutive_failures, now);
  }

  [[nodiscard]] std::uint32_t allowed() const noexcept {
    const std::uint32_t hosts = load(known_);
    if (options_.max_ejected_percent == 100) return hosts;
    if (hosts <= 1) return 0;
    return detail::max_of(1U, hosts * options_.max_ejected_percent / 100);
  }

  // From here on: under the lock.

  /// By what failed over all in the last interval, and by how many hosts are out or would be.
  [[nodiscard]] outlier_scope scope() const noexcept {
    const std::uint64_t calls = succeeded_ + failed_;
    std::uint64_t struggling = 0;
    for (const host& h : hosts_)
      if (present(h) && (out(h) || trips(detail::outlier_tally{load(h.tally)}))) ++struggling;
    const bool most_calls = calls >= options_.minimum_requests &&
                            failed_ * 100 >= calls * options_.fleet_failure_percent;
    const bool most_hosts =
        struggling != 0 &&
        struggling * 100 >= std::uint64_t{load(known_)} * options_.fleet_failure_percent;
    if (most_calls || most_hosts) return outlier_scope::fleet;
    return struggling == 0 ? outlier_scope::none : outlier_scope::hosts;
  }

  bool take_out(host& h, outlier_cause cause, instant now) noexcept {
    if (load(ejected_) >= allowed()) {
      overflow_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    h.cause = cause;
    if (h.ejections != (std::numeric_limits<std::uint32_t>::max)()) ++h.ejections;
    const duration::rep until =
        gabion::saturating_add(now, time_out(h.ejections)).time_since_epoch().count();
    h.until.store(detail::max_of(until, serving + 1), std::memory_order_relaxed);
    next_return_.store(detail::min_of(load(next_return_), until), std::memory_order_relaxed);
    set_count(ejected_, +1);
    ++ejections_;
    return true;
  }

  [[nodiscard]] duration time_out(std::uint32_t times) noexcept {
    const duration::rep base = options_.base_time.count();
    const duration::rep most = options_.max_time.count();
    const duration::rep whole =
        base > most / duration::rep{times} ? most : base * duration::rep{times};
    const duration::rep spread = whole / 100 * duration::rep{options_.jitter_percent};
    return duration{whole - static_cast<duration::rep>(
                                gabion::uniform(random_, 0, static_cast<std::uint64_t>(spread)))};
  }

  void put_back(host& h) noexcept {
    h.tally.store(detail::outlier_tally::fresh(load(h.life)).bits(), std::memory_order_relaxed);
    h.until.store(serving, std::memory_order_release);
    set_count(ejected_, -1);
  }

  std::uint32_t put_back_all(instant now) noexcept {
    const duration::rep time = now.time_since_epoch().count();
    if (load(ejected_) == 0 || time < load(next_return_)) return 0;
    std::uint32_t returned = 0;
    duration::rep next = (std::numeric_limits<duration::rep>::max)();
    for (host& h : hosts_) {
      if (!out(h)) continue;
      if (load(h.until) > time) {
        next = detail::min_of(next, load(h.until));
        continue;
      }
      put_back(h);
      ++returned;
    }
    next_return_.store(next, std::memory_order_relaxed);
    return returned;
  }

  /// Takes the counts of the interval. A host is healthy if its last call succeeded, no rule is
  /// met, and it had either enough requests for a rate or no failure at all.
  void close_interval() noexcept {
    succeeded_ = 0;
    failed_ = 0;
    for (host& h : hosts_) {
      h.requests = 0;
      h.well = false;
      if (!present(h) || out(h)) continue;
      std::uint64_t seen = load(h.tally);
      while (
          !h.tally.compare_exchange_weak(seen, detail::outlier_tally{seen}.next_interval().bits(),
                                         std::memory_order_relaxed, std::memory_order_relaxed)) {}
      const detail::outlier_tally t{seen};
      h.requests = t.succeeded() + t.failed();
      h.failed = t.failed();
      h.well = h.requests != 0 && t.in_row() == 0 && (judged(h) || h.failed == 0);
      h.rate = h.requests == 0
                   ? 0
                   : static_cast<std::uint32_t>(std::uint64_t{t.succeeded()} * 10'000 / h.requests);
      succeeded_ += t.succeeded();
      failed_ += t.failed();
    }
  }

  [[nodiscard]] bool judged(const host& h) const noexcept {
    return h.requests >= options_.minimum_requests;
  }

  std::uint32_t eject_outlying(instant now) noexcept {
    detail::rate_spread spread;
    for (const host& h : hosts_)
      if (judged(h)) spread.add(h.rate);
    mean_ = spread.mean();
    if (options_.success_rate_factor == 0 || spread.count() < options_.minimum_hosts) return 0;
    return eject_worst(outlier_cause::success_rate, now, [&](const host& h) {
      return spread.outlying(h.rate, options_.success_rate_factor);
    });
  }

  std::uint32_t eject_by_percent(instant now) noexcept {
    std::uint64_t enough = 0;
    for (const host& h : hosts_) enough += judged(h) ? 1 : 0;
    if (options_.failure_percent == 0 || enough < options_.minimum_hosts) return 0;
    return eject_worst(outlier_cause::failure_percent, now, [&](const host& h) {
      return std::uint64_t{h.failed} * 100 >= std::uint64_t{options_.failure_percent} * h.requests;
    });
  }

  /// Ejects the hosts for which the rule is met, the worst first, up to the maximum share. None of
  /// them counts as healthy.
  template <class Rule>
  std::uint32_t eject_worst(outlier_cause cause, instant now, const Rule& rule) noexcept {
    for (host& h : hosts_)
      if (judged(h) && rule(h)) h.well = false;
    for (std::uint32_t done = 0;; ++done) {
      host* worst = nullptr;
      for (host& h : hosts_)
        if (judged(h) && !out(h) && rule(h) && (worst == nullptr || h.rate < worst->rate))
          worst = &h;
      if (worst == nullptr || !take_out(*worst, cause, now)) return done;
    }
  }

  /// Decreases the ejection time of the hosts that were healthy in the interval.
  void forgive() noexcept {
    for (host& h : hosts_)
      if (h.well && h.ejections != 0) --h.ejections;
  }

  outlier_options options_;
  std::vector<host> hosts_;
  Random random_;
  typename Env::mutex lock_{};
  atomic<std::uint32_t> known_{0};
  atomic<std::uint32_t> ejected_{0};
  atomic<duration::rep> next_return_{(std::numeric_limits<duration::rep>::max)()};
  atomic<std::uint64_t> overflow_{0};
  atomic<std::uint64_t> late_{0};
  std::optional<instant> next_tick_{};
  std::uint64_t ejections_ = 0;
  std::uint64_t succeeded_ = 0;
  std::uint64_t failed_ = 0;
  std::uint32_t mean_ = 0;
};

using outlier_ejection = basic_outlier_ejection<>;

}  // namespace v0
}  // namespace gabion
