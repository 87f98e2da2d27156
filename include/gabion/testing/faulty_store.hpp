// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/error.hpp>
#include <gabion/outbox/store.hpp>
#include <gabion/testing/fault_plan.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// Any outbox store, with faults by a seeded plan: a call fails before anything is done, or after
/// it was done. Safe to use as the store is, but from one thread at a time. It keeps a reference to
/// the store.
template <relay_store Inner>
class faulty_store {
 public:
  explicit faulty_store(Inner& inner, store_faults faults = {})
      : inner_{&inner}, faults_{faults}, random_{faults.seed} {}

  /// From now on nothing goes wrong any more.
  void heal() noexcept { faults_ = store_faults{}; }
  /// How many faults there have been.
  [[nodiscard]] std::uint64_t struck() const noexcept { return struck_; }

  /// Inside a transaction there is no "done but unknown": it is the commit that counts. It fails,
  /// or it works.
  template <class Transaction>
    requires(enqueues_in<Inner, Transaction>)
  std::vector<enqueued> enqueue(Transaction& tx, std::span<const message> batch) {
    fail_before("enqueue");
    return inner_->enqueue(tx, batch);
  }

  std::vector<outbox_record> fetch(std::uint32_t lane, position after, std::size_t limit) {
    return faulty("fetch", [&] { return inner_->fetch(lane, after, limit); });
  }
  settle_status settle(const lease& held, std::span<const settlement> done, position watermark) {
    return faulty("settle", [&] { return inner_->settle(held, done, watermark); });
  }
  std::optional<lease> acquire_lease(std::string_view name, std::string_view owner, duration ttl) {
    return faulty("acquire_lease", [&] { return inner_->acquire_lease(name, owner, ttl); });
  }
  bool renew_lease(const lease& held, duration ttl) {
    return faulty("renew_lease", [&] { return inner_->renew_lease(held, ttl); });
  }
  bool release_lease(const lease& held) {
    return faulty("release_lease", [&] { return inner_->release_lease(held); });
  }
  std::vector<dead_letter> dead_letters(position after, std::size_t limit)
    requires keeps_dead_letters<Inner>
  {
    return faulty("dead_letters", [&] { return inner_->dead_letters(after, limit); });
  }
  bool redrive(position at)
    requires keeps_dead_letters<Inner>
  {
    return faulty("redrive", [&] { return inner_->redrive(at); });
  }
  std::size_t purge_published(wall_time before, std::size_t limit)
    requires purges_outbox<Inner>
  {
    return faulty("purge_published", [&] { return inner_->purge_published(before, limit); });
  }
  outbox_stats stats()
    requires counts_outbox<Inner>
  {
    return faulty("stats", [&] { return inner_->stats(); });
  }

 private:
  bool strikes(std::uint32_t per_mille) noexcept {
    const bool now = detail::strikes(random_, per_mille);
    struck_ += now ? 1U : 0U;
    return now;
  }

  void fail_before(std::string_view call) {
    if (strikes(faults_.fails))
      gabion::detail::fail(errc::unavailable, "injected: " + std::string{call} + " was not done");
  }

  template <class Call>
  auto faulty(std::string_view name, Call&& call) {
    fail_before(name);
    auto answer = std::forward<Call>(call)();
    if (strikes(faults_.in_doubt))
      gabion::detail::fail(errc::in_doubt,
                           "injected: " + std::string{name} + " was done, but nobody knows");
    return answer;
  }

  Inner* inner_;
  store_faults faults_;
  xoshiro256 random_;
  std::uint64_t struck_ = 0;
};

}  // namespace testing
}  // namespace v0
}  // namespace gabion
