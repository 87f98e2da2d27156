// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gabion/core/backoff.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/detail/lease_keeper.hpp>
#include <gabion/log/detail/pump_window.hpp>
#include <gabion/log/lease.hpp>
#include <gabion/log/pump_action.hpp>
#include <gabion/log/pump_options.hpp>

namespace gabion {
inline namespace v0 {

/// Moves records from a feed to a sink: in order within a key, at least once, forgetting nothing. A
/// state machine without I/O, clock or thread: `next(now)` says what to do, and the driver does it
/// and answers.
///
/// At most one step towards the store (acquire, renew, release, fetch, settle) and one submission
/// are unanswered at a time; until then next() asks for none. Deliveries may be given at any time.
/// It guarantees:
///  - nothing is submitted but under a lease that is still trusted (unless the shape needs none);
///  - no record is submitted while an earlier one of its key is unresolved, unless the sink keeps
///  order within a key;
///  - a failed record stops its key alone, and goes first again; what is given up is kept by the
///  store before anything
///    behind it goes on;
///  - the watermark never passes a record that was fetched and is not settled;
///  - it holds at most `window` records, and `window_bytes` but for one record; one fetch may come
///  on top.
///
/// Not safe to use from several threads. Each call costs O(log held) amortised over the records; no
/// call loops for more.
template <pump_record Record, random_source Random = xoshiro256>
class pump {
 public:
  using action = pump_action<Record>;

  /// Throws error(invalid_argument) if an option is out of range.
  explicit pump(pump_options options = {}, pump_shape shape = {}, Random random = Random{})
      : options_{checked(options)},
        shape_{shape},
        random_{random},
        lease_{options_, shape.leased},
        window_{options_, shape, std::move(random)} {}

  /// The next step. Never asks for what is not yet due, and never waits for a moment that has
  /// passed.
  [[nodiscard("do it and answer it")]] action next(instant now) {
    if (std::exchange(lost_, false)) lease_.lose(now);
    const bool store_free = !storing_ && now >= store_due_;
    if (store_free && now >= lease_due())
      return asking({.step = lease_.ready() ? pump_step::renew : pump_step::acquire});
    if (may_submit(now)) {
      submitting_ = true;
      outage_counted_ = false;
      return {.step = pump_step::submit, .batch = window_.compose(options_.batch)};
    }
    if (store_free)
      if (const std::optional<action> step = feed_step(now)) return *step;
    if (const std::optional<stop_reason> why = stopped())
      return {.step = pump_step::stopped, .why = *why};
    return {.step = pump_step::wait, .until = wait_until(now)};
  }

  // ---- answers; `asked_at` is the time before the store was asked, `now` the time of the answer

  void leased(std::optional<lease> given, instant asked_at) {
    store_answered();
    lease_.leased(std::move(given), asked_at);
    hungry_ = from_start_ = true;
  }

  /// False: a newer epoch exists. Everything is forgotten and read again under a new lease.
  void renewed(bool still_held, instant asked_at) {
    store_answered();
    if (still_held)
      lease_.extend(asked_at);
    else
      lose();
  }

  /// Whether it took effect makes no difference.
  void released() {
    store_answered();
    releasing_ = false;
    lease_.drop();
    window_.abandon();
  }

  /// Records above `after` of the fetch, lowest first. Fewer than its limit: there are no more for
  /// now.
  void fetched(std::vector<Record>&& records, instant now) {
    store_answered();
    if (scan_ == beginning) window_.begin_pass();
    more_ = records.size() >= asked_;
    weigh(records);
    for (Record& r : records) {
      const position at = pump_traits<Record>::at(r);
      if (!window_.take(std::move(r))) {
        more_ = true;
        break;
      }
      scan_ = at;
    }
    poll_at_ = gabion::saturating_add(now, options_.poll_every);
    if (more_ || !std::exchange(passing_, false)) return;
    window_.end_pass();
    rescan_gap_ = options_.rescan_every;
    rescan_at_ = gabion::saturating_add(now, rescan_gap_);
  }

  /// For a shape that does not fetch: takes all of these. room() says how many are welcome.
  void offer(std::vector<Record>&& records) {
    for (Record& r : records) (void)window_.take(std::move(r));
  }

  /// The store failed, and whether it did what it was asked is unknown. It is asked again after a
  /// while; nothing is forgotten.
  void store_failed(instant now) {
    storing_ = false;
    if (std::exchange(settling_, false)) window_.settle_failed();
    if (releasing_) return released();  // the lease will expire by itself
    store_due_ = back_off(now, options_.store, store_setback_);
  }

  /// The sink took the first `taken` of the batch. Fewer than given: the rest goes later.
  void submitted(std::size_t taken, instant now) {
    submitting_ = false;
    pressed_ = taken < window_.composed();
    if (pressed_) pressure_due_ = gabion::saturating_add(now, options_.pressure_wait);
    window_.taken(taken, now);
  }

  /// The sink failed and took nothing.
  void submit_failed(instant now) {
    submitting_ = false;
    window_.taken(0, now);
    unreachable(now);
  }

  /// What became of records in flight. Deliveries of what is not in flight are ignored and counted.
  void resolved(std::span<const delivery> deliveries, instant now) {
    if (deliveries.empty()) return;
    bool reached = false;
    for (const delivery& d : deliveries) reached = reached || d.result != outcome::unavailable;
    for (const delivery& d : deliveries)
      if (!window_.resolve(d, now, reached)) ++strays_;
    if (!reached) return unreachable(now);
    sink_setback_ = {};
    if (std::exchange(pressed_, false)) pressure_due_ = now;
  }

  /// Fenced: nothing was written. Everything is forgotten and read again under a new lease.
  void settled(settle_status status) {
    store_answered();
    settling_ = false;
    if (status == settle_status::fenced) return lose();
    window_.settled();
  }

  // ---- from outside

  /// There may be new records: looks at once.
  void wake() noexcept { hungry_ = true; }

  /// Records that were passed may be pending again (a redrive): looks from the beginning at once.
  void rescan() noexcept { hungry_ = from_start_ = true; }

  /// No new fetch or submission; what is in flight is awaited, what is known is settled, the lease
  /// is released. The driver may give up earlier: the lease expires, and what was not settled is
  /// handed over again.
  void stop() noexcept { stopping_ = true; }

  /// Goes on after stop(), a poisoned record (which gets one more attempt) or fencing.
  void resume(instant now) {
    stopping_ = fenced_ = false;
    window_.unpoison(now);
    hungry_ = from_start_ = true;
  }

  // ---- how it stands

  [[nodiscard]] const lease& held_lease() const noexcept { return lease_.held(); }
  [[nodiscard]] bool has_lease() const noexcept { return lease_.ready() && !lost_; }
  /// Records held: waiting, in flight, or not settled yet.
  [[nodiscard]] std::size_t held() const noexcept { return window_.held(); }
  [[nodiscard]] std::size_t room() const noexcept {
    return window_.full() ? 0 : options_.window - window_.held();
  }
  /// Records whose delivery is awaited, also those of a lease that is lost.
  [[nodiscard]] std::size_t in_flight() const noexcept {
    return window_.flying() + window_.abandoned();
  }
  /// Deliveries that belonged to nothing in flight.
  [[nodiscard]] std::uint64_t strays() const noexcept { return strays_; }
  /// The record at `at`, if it is held.
  [[nodiscard]] const Record* find(position at) const { return window_.find(at); }
  /// The record that has stopped the pump (poison_policy::pause).
  [[nodiscard]] const std::optional<poisoned_record>& poison() const noexcept {
    return window_.poison();
  }

 private:
  /// How often something failed in a row, and the last wait after it.
  struct setback {
    std::uint32_t failures = 0;
    duration delay{};
  };

  static const pump_options& checked(const pump_options& options) {
    static_assert(explain_pump_record<Record>());
    gabion::validate(options);
    return options;
  }

  /// It takes nothing new in and brings what it has to an end.
  [[nodiscard]] bool ending() const noexcept {
    return stopping_ || fenced_ || window_.poison().has_value();
  }
  /// Nothing is on its way to or from the sink.
  [[nodiscard]] bool quiet() const noexcept { return !submitting_ && in_flight() == 0; }

  [[nodiscard]] std::optional<stop_reason> stopped() const noexcept {
    const bool something_to_settle = shape_.leased ? lease_.ready() : window_.unsettled() != 0;
    if (!ending() || !quiet() || storing_ || something_to_settle) return std::nullopt;
    if (fenced_) return stop_reason::fenced;
    return stopping_ ? stop_reason::requested : stop_reason::poisoned;
  }

  /// When the lease is to be asked for or renewed. What a lost lease left in flight comes back
  /// first.
  [[nodiscard]] instant lease_due() const noexcept {
    const bool of_use = lease_.ready() || (!ending() && quiet());
    return shape_.leased && of_use ? lease_.due() : (instant::max)();
  }

  [[nodiscard]] instant submit_due() const noexcept {
    return detail::max_of(outage_due_, pressure_due_);
  }

  [[nodiscard]] bool may_submit(instant now) {
    const bool awaits_proof = sink_setback_.failures != 0 && window_.flying() != 0;
    return !submitting_ && !ending() && !awaits_proof && now >= submit_due() &&
           now < lease_.trusted_until() && window_.ready(now);
  }

  [[nodiscard]] instant fetch_due() const noexcept {
    if (!shape_.fetches || ending() || room() == 0) return (instant::max)();
    const bool space = held() == 0 || room() >= (options_.window + 3) / 4;
    // What is resolved is settled before a key that left records behind is looked for: they may be
    // blocked until then.
    const bool left_behind = window_.wants_rescan() && window_.unsettled() == 0;
    if (from_start_ || left_behind || (space && (hungry_ || more_))) return (instant::min)();
    return detail::min_of(poll_at_, rescan_at_);
  }

  std::optional<action> feed_step(instant now) {
    if (!lease_.ready()) return std::nullopt;
    if (window_.unsettled() < options_.settle_batch && now >= fetch_due())
      return asking(fetch(now));
    if (window_.unsettled() != 0) return asking(settle());
    if (!shape_.leased || !ending() || !quiet()) return std::nullopt;
    releasing_ = true;
    return asking({.step = pump_step::release});
  }

  action asking(action step) noexcept {
    storing_ = true;
    return step;
  }

  action fetch(instant now) {
    const bool rescan = now >= rescan_at_ || from_start_ || window_.wants_rescan();
    if (rescan || held() == 0) start_pass(now);
    hungry_ = from_start_ = false;
    const std::size_t by_bytes =
        (options_.window_bytes - detail::min_of(window_.bytes(), options_.window_bytes)) /
        typical_bytes_;
    const std::size_t wanted = detail::max_of(std::size_t{1}, detail::min_of(by_bytes, room()));
    // a pass meets what is held already
    asked_ = wanted + (scan_ < window_.highest() ? held() : 0);
    return {.step = pump_step::fetch, .after = scan_, .limit = asked_};
  }

  /// Reads from the beginning. If the pass before did not come to an end in its time, this one gets
  /// twice as long.
  void start_pass(instant now) noexcept {
    constexpr duration longest = std::chrono::minutes{1};
    if (held() != 0 && passing_)
      rescan_gap_ = detail::max_of(options_.rescan_every, detail::min_of(longest, rescan_gap_ * 2));
    scan_ = beginning;
    passing_ = true;
    rescan_at_ = gabion::saturating_add(now, rescan_gap_);
  }

  /// Learns how large records are, so that a fetch asks for no more than there is room for.
  void weigh(const std::vector<Record>& records) noexcept {
    if (records.empty()) return;
    std::size_t sum = 0;
    for (const Record& r : records) sum += pump_traits<Record>::bytes(r);
    typical_bytes_ = (typical_bytes_ + sum / records.size()) / 2 + 1;
  }

  action settle() {
    settling_ = true;
    const auto settlements = window_.compose_settlements(options_.settle_batch);
    return {
        .step = pump_step::settle, .settlements = settlements, .watermark = window_.watermark()};
  }

  [[nodiscard]] instant wait_until(instant now) {
    instant until = (instant::max)();
    if (!storing_) {
      const bool has_feed_step =
          lease_.ready() && (window_.unsettled() != 0 || (shape_.leased && ending() && quiet()));
      const instant feed = has_feed_step ? now : lease_.ready() ? fetch_due() : (instant::max)();
      until = detail::max_of(store_due_, detail::min_of(lease_due(), feed));
    }
    const bool awaits_proof = sink_setback_.failures != 0 && window_.flying() != 0;
    if (submitting_ || ending() || awaits_proof || now >= lease_.trusted_until()) return until;
    const instant submit = window_.ready(now) ? now : window_.next_due();
    return detail::min_of(until, detail::max_of(submit_due(), submit));
  }

  void store_answered() noexcept {
    storing_ = false;
    store_setback_ = {};
  }

  void unreachable(instant now) noexcept {
    // One failure per submission, however many records it had; but each makes the pump wait.
    const bool counted = std::exchange(outage_counted_, true) && sink_setback_.failures != 0;
    const instant due = counted ? gabion::saturating_add(now, sink_setback_.delay)
                                : back_off(now, options_.outage, sink_setback_);
    outage_due_ = detail::max_of(outage_due_, due);
  }

  [[nodiscard]] instant back_off(instant now, const backoff_options& options,
                                 setback& last) noexcept {
    if (last.failures != ~std::uint32_t{0}) ++last.failures;
    last.delay = detail::max_of(detail::least_delay,
                                gabion::next_delay(options, last.failures, last.delay, random_));
    return gabion::saturating_add(now, last.delay);
  }

  void lose() {
    if (shape_.leased)
      lost_ = true;
    else
      fenced_ = true;
    window_.abandon();
    more_ = passing_ = false;
  }

  pump_options options_;
  pump_shape shape_;
  Random random_;
  detail::lease_keeper lease_;
  detail::pump_window<Record, Random> window_;
  setback store_setback_{};
  setback sink_setback_{};
  duration rescan_gap_ = options_.rescan_every;
  instant store_due_ = (instant::min)();
  instant outage_due_ = (instant::min)();
  instant pressure_due_ = (instant::min)();
  instant poll_at_ = (instant::min)();
  instant rescan_at_ = (instant::min)();
  position scan_ = beginning;
  std::size_t asked_ = 0;
  std::size_t typical_bytes_ = 64U * 1024U;
  std::uint64_t strays_ = 0;
  bool storing_ = false;
  bool settling_ = false;
  bool releasing_ = false;
  bool submitting_ = false;
  bool outage_counted_ = false;
  bool pressed_ = false;
  bool hungry_ = true;
  bool from_start_ = true;
  bool more_ = false;
  bool passing_ = false;
  bool stopping_ = false;
  bool fenced_ = false;
  bool lost_ = false;  // the lease, since the last step
};

}  // namespace v0
}  // namespace gabion
