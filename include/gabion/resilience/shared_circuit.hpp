// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_explanation.hpp>
#include <gabion/resilience/circuit_opinion_quorum.hpp>
#include <gabion/resilience/circuit_opinion_store.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/trip_target.hpp>

namespace gabion {
inline namespace v0 {

/// How a breaker shares its opinion. New members go last.
struct shared_circuit_options {
  /// Who this is, unlike every other; 1 to 64 letters, digits and `._:@/-`
  std::string_view instance{};
  circuit_quorum_options quorum{};  ///< when the others open this one; default 2 instances and 50 %
  /// How often the others are heard; above 0; default 1 s
  duration read_every = std::chrono::seconds{1};
  /// How long an opinion lives unless it is renewed; above 0 to 24 h; default 15 s
  duration ttl = std::chrono::seconds{15};
  /// An unchanged opinion is published again; above 0, below ttl; default 5 s
  duration renew_every = std::chrono::seconds{5};
  /// The others open this one for no longer at a time; above 0; default 1 min
  duration max_open = std::chrono::minutes{1};
  /// How long the store is left alone after it failed; default 500 ms doubling to 30 s, half of it
  /// random.
  backoff_options backoff{.initial = std::chrono::milliseconds{500},
                          .cap = std::chrono::seconds{30},
                          .jitter = backoff_jitter::equal};
};

/// Says where it stands and why: `explain()`.
template <class B>
concept explains_itself = requires(const B& breaker) {
  { breaker.explain() } -> std::same_as<circuit_explanation>;
};

/// Has a name, which is the same in every instance: `name()`.
template <class B>
concept has_circuit_name = requires(const B& breaker) {
  { breaker.name() } -> std::convertible_to<std::string_view>;
};

/// A circuit whose opinion can be shared: a circuit breaker, or anything like it. Safe to use from
/// several threads.
template <class B>
concept shareable_circuit = explains_itself<B> && has_circuit_name<B> && can_be_tripped<B>;

/// Names everything that B lacks to be shared, in words.
template <class B>
consteval bool explain_shareable_circuit() {
  static_assert(explains_itself<B>,
                "shareable_circuit: `gabion::circuit_explanation explain() const` is missing");
  static_assert(has_circuit_name<B>,
                "shareable_circuit: `std::string_view name() const` is missing");
  static_assert(
      can_be_tripped<B>,
      "shareable_circuit: `void trip(gabion::duration, gabion::circuit_cause)` is missing");
  return shareable_circuit<B>;
}

namespace detail {

/// True if calls of this instance's own opened the circuit.
[[nodiscard]] constexpr bool found_by_calls(circuit_cause cause) noexcept {
  switch (cause) {
    case circuit_cause::consecutive_failures:
    case circuit_cause::failure_rate:
    case circuit_cause::slow_rate:
    case circuit_cause::slow_or_failed_rate:
    case circuit_cause::timed_failure_rate:
    case circuit_cause::timed_slow_rate:
    case circuit_cause::timed_slow_or_failed_rate:
    case circuit_cause::stated:
    case circuit_cause::probe_failed:
    case circuit_cause::probe_slow:
    case circuit_cause::probe_lost: return true;
    default: return false;
  }
}

[[nodiscard]] constexpr option_problem problem_of(const shared_circuit_options& o) noexcept {
  if (!is_opinion_instance(o.instance))
    return {"instance", 0, "1 to 64 letters, digits and ._:@/-"};
  if (o.quorum.instances < 1 || o.quorum.instances > max_circuit_opinions)
    return {"quorum.instances", o.quorum.instances, "1 to 256"};
  if (o.quorum.percent < 1 || o.quorum.percent > 100)
    return {"quorum.percent", o.quorum.percent, "1 to 100"};
  if (o.read_every <= duration::zero()) return {"read_every", o.read_every, "more than 0 ns"};
  if (o.ttl <= duration::zero() || o.ttl > max_opinion_ttl)
    return {"ttl", o.ttl, "more than 0 ns, at most 24 h"};
  if (o.renew_every <= duration::zero() || o.renew_every >= o.ttl)
    return {"renew_every", o.renew_every, "more than 0 ns, less than ttl"};
  if (o.max_open <= duration::zero()) return {"max_open", o.max_open, "more than 0 ns"};
  if (const auto p = problem_of(o.backoff)) return p.in("backoff.");
  return {};
}

}  // namespace detail

/// True if a shared circuit takes these options. For a `static_assert` on options known at compile
/// time.
[[nodiscard]] constexpr bool valid(const shared_circuit_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const shared_circuit_options& o) {
  const detail::option_problem p = detail::problem_of(o);
  if (p.member == "instance")
    detail::fail(errc::invalid_argument, "shared_circuit_options.instance is '" +
                                             std::string{o.instance} +
                                             "'; allowed: " + std::string{p.allowed});
  detail::refuse_option("shared_circuit_options", p);
}

/// What a shared circuit has seen and done.
struct shared_circuit_status {
  bool store_up = true;  ///< false from a failure of the store until it answers again; the breaker
                         ///< works alone then
  std::error_code error{};       ///< the last failure, while the store is down
  circuit_quorum quorum{};       ///< of the last reading
  std::uint32_t heard = 0;       ///< other instances' opinions in the last reading
  std::uint64_t readings = 0;    ///< that the store answered
  std::uint64_t published = 0;   ///< opinions that the store took
  std::uint64_t failures = 0;    ///< operations that the store failed
  std::uint64_t unreadable = 0;  ///< opinions that could not be read
  std::uint64_t trips = 0;       ///< times that the quorum opened this breaker
};

/// Lets the breakers of several instances learn from each other, beside an ordinary breaker that
/// knows nothing of it.
///
/// `step(now)` publishes this instance's opinion when it has changed or grows old, and hears the
/// others'; when a quorum of them has found the circuit failing, it trips the local breaker for as
/// long as that quorum lasts. A call through the breaker never waits for the store, nor for a lock
/// held over it. What the breaker only followed is published as second-hand, so it is nobody's
/// evidence and a quorum ends with its causes. While the store is down the breaker works alone.
///
/// It waits for nothing and has no thread: call `step` again at the moment that it answers, or
/// sooner, for example when the breaker has told a transition. `step` on one thread at a time;
/// `status` on any. Breaker and store must outlive it.
template <shareable_circuit Breaker, circuit_opinion_store Store, random_source Random = xoshiro256,
          env Env = native_env>
class basic_shared_circuit {
 public:
  /// Throws error(invalid_argument) that names the option and its range, also for a breaker without
  /// a name: the instances know a circuit by it.
  basic_shared_circuit(Breaker& breaker, Store& store, const shared_circuit_options& options,
                       Random random = Random{})
      : breaker_{&breaker},
        store_{&store},
        options_{(gabion::validate(options), options)},
        instance_{options.instance},
        backoff_{options.backoff, random},
        random_{std::move(random)} {
    if (std::string_view{breaker.name()}.empty())
      detail::fail(errc::invalid_argument,
                   "circuit_breaker_options.name is empty; allowed for a shared circuit: 1 byte "
                   "and more, the same in every instance");
    options_.instance = instance_;
  }

  basic_shared_circuit(const basic_shared_circuit&) = delete;
  basic_shared_circuit& operator=(const basic_shared_circuit&) = delete;

  /// Does what is due, at most one reading and one publication, and answers when to come again.
  /// `now` is by the breaker's clock. An exception of the store counts as its failure. Linear in
  /// the opinions heard.
  [[nodiscard("it says when to step again")]] instant step(instant now) {
    clamp(now);
    if (now < alone_until_) return alone_until_;
    if (now >= read_at_ && !hear(now)) return alone_until_;
    if (!tell(now)) return alone_until_;
    found_up();
    return detail::min_of(read_at_, renew_at_);
  }

  [[nodiscard]] shared_circuit_status status() const {
    const std::lock_guard guard{mutex_};
    return status_;
  }

  [[nodiscard]] const shared_circuit_options& options() const noexcept { return options_; }

 private:
  /// What was published last.
  struct told {
    std::uint32_t generation = 0;
    circuit_state state = circuit_state::closed;
    circuit_mode mode = circuit_mode::normal;
    friend bool operator==(const told&, const told&) = default;
  };

  /// What this instance says of its circuit. It has no opinion of its own while it is open because
  /// somebody said so, or while it is not its rules that decide.
  [[nodiscard]] circuit_opinion opinion(const circuit_explanation& e) const {
    const bool open = e.state == circuit_state::open;
    const circuit_rule_status rule = e.rule_count == 0 ? circuit_rule_status{} : e.rules[0];
    const auto narrow = [](std::uint64_t n) {
      return static_cast<std::uint32_t>(detail::min_of(n, std::uint64_t{0xffff'ffff}));
    };
    return {
        .instance = instance_,
        .state = e.state,
        .second_hand = e.mode != circuit_mode::normal || (open && !detail::found_by_calls(e.cause)),
        .remaining = open ? e.retry_after : duration::zero(),
        .failed = open ? e.failed : narrow(rule.count),
        .calls = open ? e.calls : narrow(rule.calls)};
  }

  bool hear(instant now) {
    circuit_opinions others;
    const detail::failure thrown =
        detail::guarded([&] { others = store_->read(breaker_->name()); });
    if (const std::error_code failed = thrown ? thrown.code : others.error)
      return stay_alone(now, failed);
    std::erase_if(others.heard,
                  [this](const circuit_opinion& o) { return o.instance == instance_; });
    const auto heard = static_cast<std::uint32_t>(others.heard.size());
    const circuit_explanation mine = breaker_->explain();
    others.heard.push_back(opinion(mine));
    const circuit_quorum quorum = gabion::count_opinions(others.heard, options_.quorum);
    const bool tripped =
        quorum.open() && mine.state != circuit_state::open && mine.mode == circuit_mode::normal;
    if (tripped)
      breaker_->trip(detail::min_of(quorum.open_for, options_.max_open), circuit_cause::quorum);
    // A little sooner than asked, each time by another amount: instances that started together do
    // not stay together.
    const auto every = static_cast<std::uint64_t>(options_.read_every.count());
    read_at_ = gabion::saturating_add(
        now,
        duration{static_cast<duration::rep>(gabion::uniform(random_, every - every / 8, every))});
    const std::lock_guard guard{mutex_};
    status_.quorum = quorum;
    status_.heard = heard;
    ++status_.readings;
    status_.unreadable += others.unreadable;
    status_.trips += tripped ? 1 : 0;
    return true;
  }

  bool tell(instant now) {
    const circuit_explanation e = breaker_->explain();
    const told current{e.generation, e.state, e.mode};
    if (told_ == current && now < renew_at_) return true;
    std::error_code failed;
    const detail::failure thrown = detail::guarded(
        [&] { failed = store_->publish(breaker_->name(), opinion(e), options_.ttl); });
    if (thrown) failed = thrown.code;
    if (failed) return refused(now, failed, current);
    told_ = current;
    renew_at_ = gabion::saturating_add(now, options_.renew_every);
    const std::lock_guard guard{mutex_};
    status_.error = {};
    ++status_.published;
    return true;
  }

  /// A step that came here has done again what failed last, so the store is up.
  void found_up() {
    backoff_.reset();
    const std::lock_guard guard{mutex_};
    if (!status_.store_up) status_.error = {};
    status_.store_up = true;
  }

  /// A store that is full answers, so the others can still be heard; any other failure leaves it
  /// alone for a while.
  bool refused(instant now, const std::error_code& why, const told& current) {
    if (why != errc::full) return stay_alone(now, why);
    told_ = current;
    renew_at_ = gabion::saturating_add(now, options_.renew_every);
    note_failure(why);
    return true;
  }

  bool stay_alone(instant now, const std::error_code& why) {
    alone_until_ = gabion::saturating_add(now, detail::max_of(backoff_.next(), duration{1}));
    note_failure(why);
    const std::lock_guard guard{mutex_};
    status_.store_up = false;
    status_.quorum = {};
    status_.heard = 0;
    return false;
  }

  void note_failure(const std::error_code& why) {
    const std::lock_guard guard{mutex_};
    status_.error = why;
    ++status_.failures;
  }

  /// A clock that went back must not keep it waiting for longer than it ever waits.
  void clamp(instant now) noexcept {
    alone_until_ = detail::min_of(alone_until_, gabion::saturating_add(now, options_.backoff.cap));
    read_at_ = detail::min_of(read_at_, gabion::saturating_add(now, options_.read_every));
    renew_at_ = detail::min_of(renew_at_, gabion::saturating_add(now, options_.renew_every));
  }

  Breaker* breaker_;
  Store* store_;
  shared_circuit_options options_;
  std::string instance_;
  basic_backoff<Random> backoff_;
  Random random_;
  instant alone_until_ = (instant::min)();
  instant read_at_ = (instant::min)();
  instant renew_at_ = (instant::min)();
  std::optional<told> told_{};
  mutable typename Env::mutex mutex_{};
  shared_circuit_status status_{};
};

/// With a generator that seeds itself and the native environment.
template <shareable_circuit Breaker, circuit_opinion_store Store>
using shared_circuit = basic_shared_circuit<Breaker, Store>;

template <shareable_circuit Breaker, circuit_opinion_store Store>
basic_shared_circuit(Breaker&, Store&, const shared_circuit_options&)
    -> basic_shared_circuit<Breaker, Store>;
template <shareable_circuit Breaker, circuit_opinion_store Store, random_source Random>
basic_shared_circuit(Breaker&, Store&, const shared_circuit_options&, Random)
    -> basic_shared_circuit<Breaker, Store, Random>;

}  // namespace v0
}  // namespace gabion
