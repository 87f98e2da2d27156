// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gabion/adapters/redis/connection.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/detail/rate_run.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/rate_limiter.hpp>

namespace gabion {
inline namespace v0 {
namespace redis {

/// What a limiter answers while its server does not.
enum class when_down : std::uint8_t {
  refuse,  ///< no: the limit holds whatever happens
  allow,   ///< yes: the calls matter more than the limit
};

/// A limit that all instances share. Later members are only ever added at the end.
struct rate_limiter_options {
  /// The steady rate; default 10 a second. `per` 1 us to 366 days, rounded up to whole microseconds
  rate limit{};
  /// Permits that may be taken at once after a rest; 0 = limit.permits, the default. burst *
  /// per <= 2^53 us
  std::uint32_t burst = 0;
  when_down if_down = when_down::refuse;  ///< without a local limiter; default refuse
  /// Told with a refusal while the server is down; 0 and up; default 1 s
  duration retry_after_down = std::chrono::seconds{1};
};

namespace detail {

/// Credits are counted in permits times the period in microseconds, so that every number is whole
/// and, below 2^53, exact in Lua.
inline constexpr std::uint64_t most_credits = std::uint64_t{1} << 53U;

[[nodiscard]] constexpr std::uint64_t period_us(const rate_limiter_options& o) noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::ceil<std::chrono::microseconds>(o.limit.per).count());
}
[[nodiscard]] constexpr std::uint32_t burst_of(const rate_limiter_options& o) noexcept {
  return o.burst == 0 ? o.limit.permits : o.burst;
}

// The bucket as it is kept: "period credits moment". One that is full again expires: none is full.
inline constexpr std::string_view take_permits = R"(
local per, permits, full, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local credits = full
local kept = redis.call('GET', KEYS[1])
if kept then
  local of, had, at = string.match(kept, '^(%d+) (%d+) (%d+)$')
  if not of then return redis.error_reply('WRONGTYPE this key is not a rate limiter of gabion') end
  had = tonumber(had)
  if tonumber(of) ~= per then had = math.floor(had / of * per) end
  credits = math.min(full, had + math.min(math.max(0, now - at), full) * permits)
end
if credits < cost then
  local missing = cost - credits + permits - 1
  return {0, (missing - missing % permits) / permits}
end
credits = credits - cost
local life = math.ceil((full - credits) / permits / 1000)
redis.call('SET', KEYS[1], string.format('%.0f %.0f %.0f', per, credits, now), 'PX', string.format('%.0f', math.max(1, life)))
return {1, 0})";

}  // namespace detail

/// True if a limiter takes these options. For a `static_assert` on options known at compile time.
[[nodiscard]] constexpr bool valid(const rate_limiter_options& o) noexcept {
  const std::uint64_t burst = detail::burst_of(o);
  return o.limit.permits >= 1 && o.limit.per >= std::chrono::microseconds{1} &&
         o.limit.per <= std::chrono::hours{24 * 366} &&
         burst <= detail::most_credits / detail::period_us(o) && o.if_down <= when_down::allow &&
         o.retry_after_down >= duration::zero();
}

/// Throws error(invalid_argument) that names the member, its value and its range, or does nothing.
inline void validate(const rate_limiter_options& o) {
  using gabion::detail::fail;
  const std::string record{"redis::rate_limiter_options."};
  gabion::detail::check_positive(record + "limit.permits", o.limit.permits);
  if (o.limit.per < std::chrono::microseconds{1} || o.limit.per > std::chrono::hours{24 * 366})
    fail(errc::invalid_argument, record + "limit.per is " + std::to_string(o.limit.per.count()) +
                                     " ns; allowed: 1 us to 366 days");
  const std::uint64_t most = detail::most_credits / detail::period_us(o);
  if (detail::burst_of(o) > most)
    fail(errc::invalid_argument, record + "burst is " + std::to_string(detail::burst_of(o)) +
                                     "; allowed with this limit.per: 1 to " + std::to_string(most));
  if (o.if_down > when_down::allow)
    fail(errc::invalid_argument, record + "if_down is " +
                                     std::to_string(static_cast<int>(o.if_down)) +
                                     "; allowed: refuse or allow");
  gabion::detail::check_at_least(record + "retry_after_down", o.retry_after_down, duration::zero());
}

/// The local limiter of those who have none.
struct no_local_limiter {};

/// What a limiter has done.
struct rate_limiter_status {
  std::uint64_t granted = 0;
  std::uint64_t refused = 0;
  /// Answers given without the server; they are in one of the other two as well
  std::uint64_t alone = 0;
};

/// A token bucket for each key, kept by a Redis server for all instances of a service.
///
/// One script does it, so several instances together never take more than one could: in any time t
/// at most `burst + limit.permits * t / limit.per`, exactly, by the server's clock. A bucket that
/// is full takes no memory there. While the server is down a local limiter answers if one is given,
/// otherwise `if_down`. Each request waits for the connection's timeouts at most, and while the
/// server stays down one for each back-off does. A permit whose answer was lost may have been
/// spent. Safe to use from several threads. Needs Redis 5 or newer.
template <class Local = no_local_limiter, class Connection = connection, env Env = native_env>
class basic_rate_limiter {
 public:
  /// The buckets of one key, as a gabion::rate_limiter and a policy of a pipeline. A small value;
  /// the key's text and the limiter must outlive it.
  class view {
   public:
    using run = gabion::detail::rate_run<view>;
    static constexpr policy_kind kind = policy_kind::rate_limiter;

    view(basic_rate_limiter& limiter, std::string_view key) noexcept
        : limiter_{&limiter}, key_{key} {}
    rate_admission take(instant now, std::uint32_t permits = 1) noexcept {
      return limiter_->take(key_, now, permits);
    }

   private:
    basic_rate_limiter* limiter_;
    std::string_view key_;
  };

  /// `prefix` begins each key. Throws error(invalid_argument) that names the option and its range.
  /// What is passed by reference must outlive it.
  basic_rate_limiter(Connection& server, const rate_limiter_options& options,
                     std::string prefix = "gabion")
    requires std::same_as<Local, no_local_limiter>
      : basic_rate_limiter{server, options, nullptr, std::move(prefix)} {}
  /// The same with a limiter that answers while the server is down.
  basic_rate_limiter(Connection& server, const rate_limiter_options& options, Local& local,
                     std::string prefix = "gabion")
      : basic_rate_limiter{server, options, &local, std::move(prefix)} {}

  basic_rate_limiter(const basic_rate_limiter&) = delete;
  basic_rate_limiter& operator=(const basic_rate_limiter&) = delete;

  /// Takes `permits` permits of that key, or none and says when there will be enough; never for
  /// more than the burst. One round trip. `now` is for the local limiter alone.
  rate_admission take(std::string_view key, instant now, std::uint32_t permits = 1) noexcept {
    if (permits > detail::burst_of(options_)) return counted(rate_admission::no((duration::max)()));
    rate_admission answer;
    const gabion::detail::failure thrown = gabion::detail::guarded([&] {
      const result done = ask(key, permits);
      const reply_view reply = done.value();
      if (!done || reply.size() != 2)
        answer = alone(key, now, permits);
      else
        answer = reply[0].integer() == 1
                     ? rate_admission::yes()
                     : rate_admission::no(std::chrono::microseconds{reply[1].integer()});
    });
    return counted(thrown ? down() : answer);
  }

  [[nodiscard]] view of(std::string_view key) noexcept { return {*this, key}; }

  /// Each count is exact once no call is in flight.
  [[nodiscard]] rate_limiter_status status() const noexcept {
    return {granted_.load(std::memory_order_relaxed), refused_.load(std::memory_order_relaxed),
            alone_.load(std::memory_order_relaxed)};
  }

 private:
  basic_rate_limiter(Connection& server, const rate_limiter_options& options, Local* local,
                     std::string prefix)
      : server_{&server},
        local_{local},
        options_{(redis::validate(options), options)},
        prefix_{std::move(prefix) + ":rate:"},
        per_{std::to_string(detail::period_us(options))},
        permits_{std::to_string(options.limit.permits)},
        full_{std::to_string(detail::burst_of(options) * detail::period_us(options))},
        take_{detail::take_permits} {}

  result ask(std::string_view key, std::uint32_t permits) {
    const std::string where = prefix_ + std::string{key};
    const std::string cost = std::to_string(permits * detail::period_us(options_));
    return server_->run(take_, {where}, {per_, permits_, full_, cost});
  }

  rate_admission alone(std::string_view key, instant now, std::uint32_t permits) {
    if constexpr (requires { local_->take(key, now, permits); }) {
      alone_.fetch_add(1, std::memory_order_relaxed);
      return local_->take(key, now, permits);
    } else if constexpr (gabion::rate_limiter<Local>) {
      alone_.fetch_add(1, std::memory_order_relaxed);
      return local_->take(now, permits);
    } else {
      static_assert(std::same_as<Local, no_local_limiter>,
                    "redis::rate_limiter: the local limiter has neither `take(key, now, permits)` "
                    "nor `take(now, permits)`");
      return down();
    }
  }

  rate_admission down() noexcept {
    alone_.fetch_add(1, std::memory_order_relaxed);
    return options_.if_down == when_down::allow ? rate_admission::yes()
                                                : rate_admission::no(options_.retry_after_down);
  }

  rate_admission counted(rate_admission answer) noexcept {
    (answer ? granted_ : refused_).fetch_add(1, std::memory_order_relaxed);
    return answer;
  }

  Connection* server_;
  Local* local_;
  rate_limiter_options options_;
  std::string prefix_;
  std::string per_;
  std::string permits_;
  std::string full_;
  script take_;
  typename Env::template atomic<std::uint64_t> granted_{0};
  typename Env::template atomic<std::uint64_t> refused_{0};
  typename Env::template atomic<std::uint64_t> alone_{0};
};

using rate_limiter = basic_rate_limiter<>;

template <class Connection>
basic_rate_limiter(Connection&, const rate_limiter_options&)
    -> basic_rate_limiter<no_local_limiter, Connection>;
template <class Connection, class Local>
  requires(!std::convertible_to<Local, std::string>)
basic_rate_limiter(Connection&, const rate_limiter_options&, Local&)
    -> basic_rate_limiter<Local, Connection>;

}  // namespace redis
}  // namespace v0
}  // namespace gabion
