// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/trip_target.hpp>

namespace gabion {
inline namespace v0 {

/// When to probe, and what follows from the answers. New members go last.
struct health_checker_options {
  /// From the start of one probe to the next; above 0; default 10 s
  duration every = std::chrono::seconds{10};
  /// Each of these waits is longer or shorter by up to this share; 0 to 100; default 10
  std::uint32_t jitter_percent = 10;
  /// A probe without an answer by then has failed; above 0; default 2 s
  duration timeout = std::chrono::seconds{2};
  /// So many good answers in a row make it healthy; 1 to 1000; default 2
  std::uint32_t healthy = 2;
  /// So many failed probes in a row make it unhealthy; 1 to 1000; default 3
  std::uint32_t unhealthy = 3;
  /// Opens the circuit when it becomes unhealthy, and while it stays so; default true
  bool open = true;
  bool close = true;  ///< closes the circuit when it becomes healthy; default true
  /// Opens for so long; each further failed probe begins it anew; above 0; default 30 s
  duration open_for = std::chrono::seconds{30};
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const health_checker_options& o) noexcept {
  if (o.every <= duration::zero()) return {"every", o.every, "more than 0 ns"};
  if (o.jitter_percent > 100) return {"jitter_percent", o.jitter_percent, "0 to 100"};
  if (o.timeout <= duration::zero()) return {"timeout", o.timeout, "more than 0 ns"};
  if (o.healthy < 1 || o.healthy > 1000) return {"healthy", o.healthy, "1 to 1000"};
  if (o.unhealthy < 1 || o.unhealthy > 1000) return {"unhealthy", o.unhealthy, "1 to 1000"};
  if (o.open_for <= duration::zero()) return {"open_for", o.open_for, "more than 0 ns"};
  return {};
}

}  // namespace detail

/// True if a health checker takes these options. For a `static_assert` on options known at compile
/// time.
[[nodiscard]] constexpr bool valid(const health_checker_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const health_checker_options& o) {
  detail::refuse_option("health_checker_options", detail::problem_of(o));
}

/// What the probes say so far.
enum class health_verdict : std::uint8_t {
  unknown,  ///< not enough answers yet
  healthy,
  unhealthy,
};

[[nodiscard]] constexpr std::string_view to_string(health_verdict value) noexcept {
  switch (value) {
    case health_verdict::unknown: return "unknown";
    case health_verdict::healthy: return "healthy";
    case health_verdict::unhealthy: return "unhealthy";
  }
  return "unknown";
}

/// What is to be done with the circuit.
enum class health_effect : std::uint8_t { none, open, close };

/// What to do now.
struct [[nodiscard("it says when to probe, and what to do with the circuit")]] health_step {
  bool probe = false;        ///< begin a probe, by the number below, and report its answer
  std::uint64_t number = 0;  ///< of that probe
  instant until{};           ///< step again then: the probe's deadline, or when the next one is due
  /// What follows from a probe that has run out of time
  health_effect effect = health_effect::none;
};

/// Probes the other side by a schedule of its own and says when it has become well or ill: `(now,
/// event) -> action`, reads no clock, waits for nothing, calls nobody. Ask `step`, begin the probe
/// it asks for, hand its answer to `report`.
///
/// One probe at a time. One without an answer at its deadline (`>=`) has failed; an answer that
/// comes then or later is dropped and counted. Not safe to use from several threads. A value, no
/// allocation.
template <random_source Random>
class basic_health_checker {
 public:
  /// Throws error(invalid_argument) if an option is out of its range.
  explicit basic_health_checker(const health_checker_options& options = {},
                                Random random = Random{})
      : options_{options}, random_(std::move(random)) {
    gabion::validate(options_);
  }

  /// What to do now. The first probe comes at once, or by chance up to the jitter later, so that
  /// many do not come together.
  health_step step(instant now) noexcept {
    if (!started_) {
      started_ = true;
      due_ = gabion::saturating_add(now, random_up_to(spread()));
    }
    health_effect effect = health_effect::none;
    if (probing_ && now >= expires_) {
      ++timeouts_;
      effect = settle(false);
    }
    if (!probing_ && now >= due_)
      begin(now);
    else
      return {.until = probing_ ? expires_ : due_, .effect = effect};
    return {.probe = true, .number = number_, .until = expires_, .effect = effect};
  }

  /// Takes the answer of a probe. It is dropped if that probe is not the one that is out, or has
  /// run out of time.
  [[nodiscard("it says what to do with the circuit")]] health_effect report(std::uint64_t number,
                                                                            bool good,
                                                                            instant now) noexcept {
    if (!probing_ || number != number_) {
      ++late_;
      return health_effect::none;
    }
    if (now < expires_) return settle(good);
    ++late_;
    ++timeouts_;
    return settle(false);
  }

  /// Forgets the verdict, so that it takes `healthy` good answers from here on to call it healthy
  /// again: calls have failed though the probes were good. A probe that is out goes on.
  void doubt() noexcept {
    verdict_ = health_verdict::unknown;
    in_a_row_ = 0;
  }

  [[nodiscard]] health_verdict verdict() const noexcept { return verdict_; }
  /// Probes that were begun.
  [[nodiscard]] std::uint64_t probes() const noexcept { return number_; }
  /// Probes without an answer in time.
  [[nodiscard]] std::uint64_t timeouts() const noexcept { return timeouts_; }
  /// Answers that came too late, or for no probe that was out.
  [[nodiscard]] std::uint64_t late() const noexcept { return late_; }
  [[nodiscard]] const health_checker_options& options() const noexcept { return options_; }

 private:
  void begin(instant now) noexcept {
    probing_ = true;
    ++number_;
    expires_ = gabion::saturating_add(now, options_.timeout);
    const duration shortest = options_.every - spread();
    const duration wait =
        gabion::saturating_add(shortest, random_up_to(gabion::saturating_add(spread(), spread())));
    due_ = gabion::saturating_add(now, wait);
  }

  [[nodiscard]] health_effect settle(bool good) noexcept {
    probing_ = false;
    if (good != last_good_) in_a_row_ = 0;
    last_good_ = good;
    if (in_a_row_ < 1000) ++in_a_row_;
    const health_verdict before = verdict_;
    if (in_a_row_ >= (good ? options_.healthy : options_.unhealthy))
      verdict_ = good ? health_verdict::healthy : health_verdict::unhealthy;
    if (!good && verdict_ == health_verdict::unhealthy && options_.open) return health_effect::open;
    if (good && verdict_ == health_verdict::healthy && before != verdict_ && options_.close)
      return health_effect::close;
    return health_effect::none;
  }

  [[nodiscard]] duration spread() const noexcept {
    return options_.every / 100 * options_.jitter_percent +
           options_.every % 100 * options_.jitter_percent / 100;
  }
  [[nodiscard]] duration random_up_to(duration most) noexcept {
    return duration{static_cast<duration::rep>(
        gabion::uniform(random_, 0, static_cast<std::uint64_t>(most.count())))};
  }

  health_checker_options options_;
  Random random_;
  instant due_{};
  instant expires_{};
  std::uint64_t number_ = 0;
  std::uint64_t timeouts_ = 0;
  std::uint64_t late_ = 0;
  std::uint32_t in_a_row_ = 0;
  health_verdict verdict_ = health_verdict::unknown;
  bool started_ = false;
  bool probing_ = false;
  bool last_good_ = false;
};

/// A checker with a generator that seeds itself.
using health_checker = basic_health_checker<xoshiro256>;

/// Does to the circuit what a step or a report says.
template <random_source Random, trip_target Target>
void apply(const basic_health_checker<Random>& checker, health_effect effect, Target& target) {
  if (effect == health_effect::open)
    target.trip(checker.options().open_for, circuit_cause::health_check);
  if (effect == health_effect::close) target.reset(circuit_cause::health_check);
}

}  // namespace v0
}  // namespace gabion
