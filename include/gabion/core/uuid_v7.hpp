// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/uuid.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

inline constexpr std::uint64_t uuid_v7_last_time = (std::uint64_t{1} << 48U) - 1;
inline constexpr std::uint64_t uuid_v7_last_count = (std::uint64_t{1} << 42U) - 1;

/// Milliseconds since 1970 in the 48 bits that a UUID has for them; before 1970 is 0.
[[nodiscard]] constexpr std::uint64_t uuid_v7_time(wall_time at) noexcept {
  const auto count = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
  if (count < 0) return 0;
  const auto milliseconds = static_cast<std::uint64_t>(count);
  return milliseconds < uuid_v7_last_time ? milliseconds : uuid_v7_last_time;
}

/// Lays out time (48 bits), version, counter (12 bits in rand_a, 30 in rand_b), variant and chance
/// (32 bits).
[[nodiscard]] constexpr uuid uuid_v7_of(std::uint64_t time, std::uint64_t count,
                                        std::uint64_t chance) noexcept {
  return {time << 16U | 0x7000U | count >> 30U,
          std::uint64_t{1} << 63U | (count & 0x3fffffffU) << 32U | (chance & 0xffffffffU)};
}

/// The state behind the generators: time and counter never go back, so neither do the ids.
class uuid_v7_sequence {
 public:
  constexpr uuid_v7_sequence() noexcept = default;
  constexpr uuid_v7_sequence(std::uint64_t time, std::uint64_t count) noexcept
      : time_{time}, count_{count} {}

  template <random_source Random>
  uuid next(std::uint64_t now, Random& random) noexcept {
    const std::uint64_t chance = random();
    if (now > time_) {
      time_ = now;
      count_ = uuid_v7_sequence::restart(random);
    } else if (count_ < uuid_v7_last_count) {
      ++count_;
    } else {
      ++time_;  // the counter is used up: borrow from the future, as RFC 9562 section 6.2 allows
      count_ = uuid_v7_sequence::restart(random);
    }
    return detail::uuid_v7_of(time_, count_, chance);
  }

 private:
  // Half the range stays free above it, so that a millisecond has room for at least 2^41 ids.
  template <random_source Random>
  [[nodiscard]] static std::uint64_t restart(Random& random) noexcept {
    return random() >> 23U;
  }

  std::uint64_t time_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace detail

/// One id of version 7 for that moment, with 74 random bits: ids of one millisecond have no order
/// among themselves. Needs no state but the random source; take a generator if ids have to rise.
template <random_source Random>
[[nodiscard]] constexpr uuid make_uuid_v7(wall_time at, Random& random) noexcept {
  return detail::uuid_v7_of(detail::uuid_v7_time(at), random() & detail::uuid_v7_last_count,
                            random());
}

/// Makes ids of version 7: unique everywhere, and each one above the one before from the same
/// generator, even within a millisecond and when the wall clock goes back (it then counts on from
/// the latest time it has seen).
///
/// Not safe to use from several threads. Not copyable, because a copy would make the same ids
/// again; a process that forks must make a new generator in the child for the same reason. Source:
/// RFC 9562, section 5.7 and section 6.2 methods 1 and 2: a 42-bit counter that restarts at a
/// random 41-bit value each millisecond, and 32 further random bits.
template <wall_clock WallClock, random_source Random>
class basic_uuid_v7_generator {
 public:
  explicit basic_uuid_v7_generator(WallClock time = WallClock{}, Random random = Random{}) noexcept
      : time_source_{std::move(time)}, random_{std::move(random)} {}
  basic_uuid_v7_generator(basic_uuid_v7_generator&&) noexcept = default;
  basic_uuid_v7_generator& operator=(basic_uuid_v7_generator&&) noexcept = default;
  basic_uuid_v7_generator(const basic_uuid_v7_generator&) = delete;
  basic_uuid_v7_generator& operator=(const basic_uuid_v7_generator&) = delete;
  ~basic_uuid_v7_generator() = default;

  [[nodiscard]] uuid operator()() noexcept {
    return sequence_.next(detail::uuid_v7_time(time_source_.now()), random_);
  }

 private:
  WallClock time_source_;
  Random random_;
  detail::uuid_v7_sequence sequence_{};
};

/// The same, safe to use from several threads at once: ids rise over all of them. One short lock
/// for each id; the clock is read outside it.
template <wall_clock WallClock, random_source Random, env Env>
class basic_shared_uuid_v7_generator {
 public:
  explicit basic_shared_uuid_v7_generator(WallClock time = WallClock{},
                                          Random random = Random{}) noexcept
      : time_source_{std::move(time)}, random_{std::move(random)} {}

  [[nodiscard]] uuid operator()() noexcept {
    const std::uint64_t now = detail::uuid_v7_time(time_source_.now());
    const std::lock_guard<typename Env::mutex> guard{mutex_};
    return sequence_.next(now, random_);
  }

 private:
  WallClock time_source_;
  typename Env::mutex mutex_{};
  Random random_;
  detail::uuid_v7_sequence sequence_{};
};

/// For one thread.
using uuid_v7_generator = basic_uuid_v7_generator<system_clock, xoshiro256>;
/// For many threads.
using shared_uuid_v7_generator =
    basic_shared_uuid_v7_generator<system_clock, xoshiro256, native_env>;

}  // namespace v0
}  // namespace gabion
