// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>

namespace gabion {
inline namespace v0 {

/// A whole load, in basis points.
inline constexpr std::uint32_t full_load = 10'000;

/// Tells how loaded something is: `std::uint32_t load() const noexcept`, 0 to 10,000 basis points;
/// more counts as 10,000. It must be cheap, must not block and be safe to ask from several threads.
template <class S>
concept tells_load = requires(const S& s) {
  requires noexcept(s.load());
  { s.load() } -> std::same_as<std::uint32_t>;
};

/// A signal of load. Held by value, as clocks are: a handle to something kept elsewhere.
template <class S>
concept load_source = std::copy_constructible<S> && tells_load<S>;

/// Names everything that S lacks to be a load source, in words.
template <class S>
consteval bool explain_load_source() {
  static_assert(std::copy_constructible<S>,
                "load_source: it can't be copied; let it be a handle to what measures the load");
  static_assert(
      tells_load<S>,
      "load_source: `std::uint32_t load() const noexcept`, 0 to 10,000 basis points, is missing");
  return load_source<S>;
}

/// part / whole in basis points, rounded down, held at 10,000; 0 if whole is 0.
[[nodiscard]] constexpr std::uint32_t load_share(std::uint64_t part, std::uint64_t whole) noexcept {
  if (whole == 0) return 0;
  if (part >= whole) return full_load;
  // A whole that is too large to multiply loses digits that do not show in basis points.
  return static_cast<std::uint32_t>(whole > ~std::uint64_t{0} / full_load
                                        ? part / (whole / full_load)
                                        : part * full_load / whole);
}

/// A load that somebody measures and sets: a share in use, the delay of a queue, what a sampler has
/// found. Safe to set and to read from several threads. Its handles must not outlive it.
template <env Env = native_env>
class basic_load_gauge {
 public:
  /// A handle that satisfies `load_source`.
  class handle {
   public:
    explicit handle(const basic_load_gauge& of) noexcept : gauge_{&of} {}
    [[nodiscard]] std::uint32_t load() const noexcept { return gauge_->load(); }

   private:
    const basic_load_gauge* gauge_;
  };

  basic_load_gauge() = default;
  basic_load_gauge(const basic_load_gauge&) = delete;
  basic_load_gauge& operator=(const basic_load_gauge&) = delete;

  /// In basis points; more than 10,000 counts as 10,000.
  void set(std::uint32_t load) noexcept {
    load_.store(detail::min_of(load, full_load), std::memory_order_relaxed);
  }
  void set_share(std::uint64_t part, std::uint64_t whole) noexcept {
    set(gabion::load_share(part, whole));
  }
  /// How long the oldest in a queue has waited, and the wait that is a full load.
  void set_delay(duration waited, duration full) noexcept {
    set_share(static_cast<std::uint64_t>(detail::max_of(waited, duration::zero()).count()),
              static_cast<std::uint64_t>(detail::max_of(full, duration::zero()).count()));
  }

  [[nodiscard]] std::uint32_t load() const noexcept {
    return load_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] handle source() const noexcept { return handle{*this}; }

 private:
  typename Env::template atomic<std::uint32_t> load_{0};
};

using load_gauge = basic_load_gauge<>;

/// The share of a limit that is in flight, of anything with `limit()` and `in_flight()`, such as a
/// concurrency limiter. A handle.
template <class Limiter>
  requires requires(const Limiter& limiter) {
    { limiter.limit() } -> std::convertible_to<std::uint64_t>;
    { limiter.in_flight() } -> std::convertible_to<std::uint64_t>;
  }
class in_flight_load {
 public:
  explicit in_flight_load(const Limiter& limiter) noexcept : limiter_{&limiter} {}
  [[nodiscard]] std::uint32_t load() const noexcept {
    return gabion::load_share(limiter_->in_flight(), limiter_->limit());
  }

 private:
  const Limiter* limiter_;
};

}  // namespace v0
}  // namespace gabion
