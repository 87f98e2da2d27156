// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_opinion_store.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// Opinions of circuits in memory, for the breakers of one process and for tests; satisfies
/// gabion::circuit_opinion_store.
///
/// Safe to use from several threads. Both operations are linear in the opinions of one circuit.
/// What has expired is dropped when its circuit is next used.
template <clock Clock = steady_clock, env Env = native_env>
class basic_circuit_opinion_store {
 public:
  explicit basic_circuit_opinion_store(Clock time = Clock{}) : time_{std::move(time)} {}

  /// errc::invalid_argument for a name, an id or a ttl out of its range; errc::full for one
  /// instance too many.
  std::error_code publish(std::string_view circuit, const circuit_opinion& mine, duration ttl) {
    if (const std::error_code wrong = gabion::detail::check_opinion(circuit, mine, ttl))
      return wrong;
    const std::lock_guard guard{mutex_};
    const instant now = time_.now();
    room& of = rooms_.try_emplace(std::string{circuit}).first->second;
    forget_expired(of, now);
    if (of.size() >= max_circuit_opinions && !of.contains(mine.instance))
      return make_error_code(errc::full);
    of.insert_or_assign(mine.instance, entry{mine, now, gabion::saturating_add(now, ttl)});
    return {};
  }

  [[nodiscard]] circuit_opinions read(std::string_view circuit) {
    circuit_opinions result;
    const std::lock_guard guard{mutex_};
    const auto found = rooms_.find(circuit);
    if (found == rooms_.end()) return result;
    const instant now = time_.now();
    forget_expired(found->second, now);
    for (const auto& [instance, kept] : found->second) {
      result.heard.push_back(kept.opinion);
      gabion::detail::grow_old(result.heard.back(), gabion::elapsed(kept.at, now));
    }
    if (found->second.empty()) rooms_.erase(found);
    return result;
  }

 private:
  struct entry {
    circuit_opinion opinion{};
    instant at{};
    instant until{};
  };
  using room = std::map<std::string, entry, std::less<>>;

  static void forget_expired(room& of, instant now) {
    std::erase_if(of, [now](const auto& each) { return now >= each.second.until; });
  }

  [[no_unique_address]] Clock time_;
  typename Env::mutex mutex_{};
  std::map<std::string, room, std::less<>> rooms_{};
};

using circuit_opinion_store = basic_circuit_opinion_store<>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
