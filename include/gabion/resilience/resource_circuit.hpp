// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/option_problem.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/load_source.hpp>
#include <gabion/resilience/resource_pressure.hpp>
#include <gabion/resilience/trip_target.hpp>

namespace gabion {
inline namespace v0 {

/// When pressure on a resource opens a circuit. New members go last.
struct resource_circuit_options {
  duration every = std::chrono::seconds{1};  ///< from one sample to the next; above 0; default 1 s
  /// Trips at this pressure or above; basis points, 1 to 10000; default 9000
  std::uint32_t high = 9'000;
  std::uint32_t low = 7'000;  ///< recovers below this; basis points, 1 to `high`; default 7000
  /// Trips once it was high for so long without a break; 0 and up; default 5 s
  duration sustained = std::chrono::seconds{5};
  /// Recovers once it was low for so long without a break; 0 and up; default 5 s
  duration recovered = std::chrono::seconds{5};
  /// Trips for so long, and again until recovered; above `every`; default 10 s
  duration open_for = std::chrono::seconds{10};
  bool close = false;  ///< closes on recovery, instead of leaving it to the probes; default false
};

namespace detail {

[[nodiscard]] constexpr option_problem problem_of(const resource_circuit_options& o) noexcept {
  if (o.every <= duration::zero()) return {"every", o.every, "more than 0 ns"};
  if (o.high < 1 || o.high > full_load) return {"high", o.high, "1 to 10000"};
  if (o.low < 1 || o.low > o.high) return {"low", o.low, "1 to high"};
  if (o.sustained < duration::zero()) return {"sustained", o.sustained, "0 ns and up"};
  if (o.recovered < duration::zero()) return {"recovered", o.recovered, "0 ns and up"};
  if (o.open_for <= o.every) return {"open_for", o.open_for, "above every"};
  return {};
}

}  // namespace detail

/// True if a resource circuit takes these options. For a `static_assert` on options known at
/// compile time.
[[nodiscard]] constexpr bool valid(const resource_circuit_options& o) noexcept {
  return !detail::problem_of(o);
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const resource_circuit_options& o) {
  detail::refuse_option("resource_circuit_options", detail::problem_of(o));
}

/// Opens a circuit while a resource is under pressure, and lets it recover when the pressure has
/// gone.
///
/// High (`>= high`) in every sample for `sustained`: trips the target for `open_for`, and again
/// before that is over, until the pressure was low (`< low`) in every sample for `recovered`.
/// Between the two nothing changes. A sample that cannot be read breaks either row, and does not
/// prolong what is open: who cannot see lets calls through. If nobody steps any more, the circuit
/// recovers by itself when its open time is over.
///
/// One thread at a time calls `step`; the readings are safe from any. Nothing is allocated.
/// `Target` must outlive it.
template <pressure_source Source, trip_target Target, env Env = native_env>
class resource_circuit {
 public:
  /// A handle that satisfies `load_source`.
  class handle {
   public:
    explicit handle(const resource_circuit& circuit) noexcept : circuit_{&circuit} {}
    [[nodiscard]] std::uint32_t load() const noexcept { return circuit_->pressure(); }

   private:
    const resource_circuit* circuit_;
  };

  /// Throws error(invalid_argument) if an option is out of its range.
  resource_circuit(const resource_circuit_options& options, Source source, Target& target)
      : options_{checked(options)}, source_(std::move(source)), target_{&target} {}
  resource_circuit(const resource_circuit&) = delete;
  resource_circuit& operator=(const resource_circuit&) = delete;

  /// Takes a sample if one is due and does what follows from it. When to step again at the latest.
  instant step(instant now) noexcept {
    if (now < due_) return due_;
    due_ = gabion::saturating_add(now, options_.every);
    const std::optional<std::uint32_t> sample = source_.pressure(now);
    if (!sample) {
      unread_.fetch_add(1, std::memory_order_relaxed);
      high_since_ = low_since_ = std::nullopt;
      return due_;
    }
    pressure_.store(*sample, std::memory_order_relaxed);
    judge(*sample, now);
    return due_;
  }

  /// The last sample that could be read, in basis points; 0 before the first.
  [[nodiscard]] std::uint32_t pressure() const noexcept {
    return pressure_.load(std::memory_order_relaxed);
  }
  /// The same as a `load_source`, for a load shedder.
  [[nodiscard]] handle source() const noexcept { return handle{*this}; }
  /// True from the sample that trips to the one that recovers.
  [[nodiscard]] bool tripped() const noexcept { return tripped_.load(std::memory_order_relaxed); }
  /// Samples that could not be read.
  [[nodiscard]] std::uint64_t unread() const noexcept {
    return unread_.load(std::memory_order_relaxed);
  }
  /// How often it has tripped; prolonging is not counted.
  [[nodiscard]] std::uint64_t trips() const noexcept {
    return trips_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const resource_circuit_options& options() const noexcept { return options_; }

 private:
  [[nodiscard]] static const resource_circuit_options& checked(const resource_circuit_options& o) {
    gabion::validate(o);
    return o;
  }

  void judge(std::uint32_t sample, instant now) noexcept {
    if (!tripped()) {
      if (!lasts(high_since_, sample >= options_.high, options_.sustained, now)) return;
      tripped_.store(true, std::memory_order_relaxed);
      trips_.fetch_add(1, std::memory_order_relaxed);
      low_since_ = std::nullopt;
      return open(now);
    }
    if (lasts(low_since_, sample < options_.low, options_.recovered, now)) {
      tripped_.store(false, std::memory_order_relaxed);
      high_since_ = std::nullopt;
      if (options_.close) target_->reset(circuit_cause::resource);
    } else if (due_ >= open_until_) {
      open(now);
    }
  }

  /// True if `holds` has held in every sample since a moment that is `long_enough` ago.
  [[nodiscard]] static bool lasts(std::optional<instant>& since, bool holds, duration long_enough,
                                  instant now) noexcept {
    if (!holds) {
      since = std::nullopt;
      return false;
    }
    if (!since) since = now;
    return gabion::elapsed(*since, now) >= long_enough;
  }

  void open(instant now) noexcept {
    open_until_ = gabion::saturating_add(now, options_.open_for);
    target_->trip(options_.open_for, circuit_cause::resource);
  }

  resource_circuit_options options_;
  Source source_;
  Target* target_;
  instant due_ = (instant::min)();
  instant open_until_{};
  std::optional<instant> high_since_{};
  std::optional<instant> low_since_{};
  typename Env::template atomic<std::uint32_t> pressure_{0};
  typename Env::template atomic<bool> tripped_{false};
  typename Env::template atomic<std::uint64_t> unread_{0};
  typename Env::template atomic<std::uint64_t> trips_{0};
};

}  // namespace v0
}  // namespace gabion
