// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/shadow_report.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// What a shadow counts of calls; the order is that of `shadow_report`.
enum class shadow_count : std::uint8_t {
  call,
  live_rejected,
  only_live_rejected,
  would_have_rejected,
  rejected_good,
  rejected_bad,
  live_opened,
  would_have_opened,
};

/// The counts, and the last transitions of the candidate. Safe to use from several threads.
template <env Env>
class shadow_log {
 public:
  explicit shadow_log(instant started) noexcept : started_{started} {}

  void count(shadow_count what) noexcept {
    counts_[static_cast<std::size_t>(what)].fetch_add(1, std::memory_order_relaxed);
  }

  void note(const circuit_transition& t) noexcept {
    if (t.to == circuit_state::open) count(shadow_count::would_have_opened);
    const std::lock_guard guard{lock_};
    last_[next_ % last_.size()] = {t.from,   t.to,   t.cause, gabion::elapsed(started_, t.at),
                                   t.failed, t.calls};
    ++next_;
  }

  [[nodiscard]] shadow_report read() noexcept {
    shadow_report r;
    r.calls = at(shadow_count::call);
    r.live_rejected = at(shadow_count::live_rejected);
    r.only_live_rejected = at(shadow_count::only_live_rejected);
    r.would_have_rejected = at(shadow_count::would_have_rejected);
    r.rejected_good = at(shadow_count::rejected_good);
    r.rejected_bad = at(shadow_count::rejected_bad);
    r.live_opened = at(shadow_count::live_opened);
    r.would_have_opened = at(shadow_count::would_have_opened);
    const std::lock_guard guard{lock_};
    r.transition_count = next_ < last_.size() ? static_cast<std::size_t>(next_) : last_.size();
    for (std::size_t i = 0; i < r.transition_count; ++i)
      r.transitions[i] = last_[(next_ - r.transition_count + i) % last_.size()];
    return r;
  }

 private:
  [[nodiscard]] std::uint64_t at(shadow_count what) const noexcept {
    return counts_[static_cast<std::size_t>(what)].load(std::memory_order_relaxed);
  }

  instant started_;
  std::array<typename Env::template atomic<std::uint64_t>, 8> counts_{};
  typename Env::mutex lock_{};
  std::array<shadow_transition, shadow_report::max_transitions> last_{};
  std::uint64_t next_ = 0;
};

/// The candidate's observer.
template <env Env>
class shadow_writer {
 public:
  explicit shadow_writer(shadow_log<Env>& log) noexcept : log_{&log} {}
  void operator()(const circuit_transition& t) const noexcept { log_->note(t); }

 private:
  shadow_log<Env>* log_;
};

/// The live breaker's observer: counts, and passes on to the user's.
template <class Observer, env Env>
class shadow_tee {
 public:
  shadow_tee(shadow_log<Env>& log, Observer observer)
      : log_{&log}, observer_(std::move(observer)) {}
  template <class Event>
    requires(observes<Observer, Event> || std::same_as<Event, circuit_transition>)
  void operator()(const Event& event) {
    if constexpr (std::same_as<Event, circuit_transition>)
      if (event.to == circuit_state::open) log_->count(shadow_count::live_opened);
    gabion::notify(observer_, event);
  }

 private:
  shadow_log<Env>* log_;
  [[no_unique_address]] Observer observer_;
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
