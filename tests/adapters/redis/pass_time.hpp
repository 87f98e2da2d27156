// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include <gabion/adapters/redis/connection.hpp>
#include <gabion/core/clock.hpp>

namespace redis_tests {

/// Makes everything in the database older by `by`, as if that much time had passed on the server:
/// nobody has to wait.
inline void pass_time(gabion::redis::connection& server, gabion::duration by) {
  static const gabion::redis::script script{R"(
    local us = tonumber(ARGV[1])
    local ms = us / 1000
    for _, key in ipairs(redis.call('KEYS', '*')) do
      local left = redis.call('PTTL', key)
      if left >= 0 and left <= ms then
        redis.call('DEL', key)
      else
        local kind = redis.call('TYPE', key).ok
        if kind == 'zset' then
          for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ms, member) end
        elseif kind == 'string' and string.find(key, ':rate:') then
          local per, credits, at = string.match(redis.call('GET', key), '^(%d+) (%d+) (%d+)$')
          if per then redis.call('SET', key, string.format('%s %s %.0f', per, credits, at - us), 'KEEPTTL') end
        end
        if left >= 0 then redis.call('PEXPIRE', key, string.format('%.0f', left - ms)) end
      end
    end)"};
  const std::string us = std::to_string(std::chrono::ceil<std::chrono::microseconds>(by).count());
  if (const auto done = server.run(script, {}, {us}); !done) throw std::runtime_error{done.what()};
}

}  // namespace redis_tests
