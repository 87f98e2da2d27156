// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gabion/adapters/redis/connection.hpp>
#include <gabion/adapters/redis/detail/opinion_text.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/circuit_opinion_store.hpp>

namespace gabion {
inline namespace v0 {
namespace redis {

namespace detail {

// The index holds the instances by the moment, in the server's milliseconds, at which their
// opinions expire; each opinion is a key of its own that Redis drops by itself. Both are bounded,
// so the scripts are.
inline constexpr std::string_view publish_opinion = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[3]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1)";

inline constexpr std::string_view read_opinions = R"(
local found = {}
for _, instance in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[2] - 1)) do
  local key = ARGV[1] .. instance
  local opinion = redis.call('GET', key)
  if opinion then
    found[#found + 1] = instance
    found[#found + 1] = redis.call('PTTL', key)
    found[#found + 1] = opinion
  end
end
return found)";

}  // namespace detail

/// Opinions of circuits on a Redis server, for the instances of a service; satisfies
/// gabion::circuit_opinion_store.
///
/// One script and one round trip for each operation; expiry and age by the server's clock. Needs
/// Redis 5 or newer. On a cluster all keys of a circuit are in one slot. Safe to use from several
/// threads, which wait for each other on one connection.
template <class Connection = connection>
class basic_circuit_opinion_store {
 public:
  /// `prefix` begins each key. The connection must outlive the store.
  explicit basic_circuit_opinion_store(Connection& server, std::string prefix = "gabion")
      : server_{&server},
        prefix_{std::move(prefix)},
        publish_{detail::publish_opinion},
        read_{detail::read_opinions} {}

  /// errc::invalid_argument for a name, an id or a ttl out of its range; errc::full for one
  /// instance too many; otherwise what the connection says. A ttl is rounded up to whole
  /// milliseconds.
  std::error_code publish(std::string_view circuit, const circuit_opinion& mine, duration ttl) {
    if (const std::error_code wrong = gabion::detail::check_opinion(circuit, mine, ttl))
      return wrong;
    const std::string text = detail::opinion_text(mine, ttl);
    const std::string life = std::to_string(detail::whole_milliseconds(ttl));
    const std::string most = std::to_string(max_circuit_opinions);
    const std::string of = room(circuit);
    const result done =
        server_->run(publish_, {of, of + ":" + mine.instance}, {mine.instance, text, life, most});
    if (!done) return done.error();
    return done.value().integer() == 1 ? std::error_code{} : make_error_code(errc::full);
  }

  [[nodiscard]] circuit_opinions read(std::string_view circuit) {
    circuit_opinions answer;
    const std::string of = room(circuit);
    const std::string most = std::to_string(max_circuit_opinions);
    const result done = server_->run(read_, {of}, {of + ":", most});
    answer.error = done.error();
    const reply_view found = done.value();
    for (std::size_t i = 0; done && i + 2 < found.size(); i += 3) {
      if (auto opinion =
              detail::read_opinion(found[i].text(), found[i + 2].text(), found[i + 1].integer()))
        answer.heard.push_back(std::move(*opinion));
      else
        ++answer.unreadable;
    }
    return answer;
  }

 private:
  [[nodiscard]] std::string room(std::string_view circuit) const {
    return prefix_ + ":opinions:{" + std::string{circuit} + "}";
  }

  Connection* server_;
  std::string prefix_;
  script publish_;
  script read_;
};

using circuit_opinion_store = basic_circuit_opinion_store<>;

}  // namespace redis
}  // namespace v0
}  // namespace gabion
