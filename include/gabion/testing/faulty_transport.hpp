// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/outbox/transport.hpp>
#include <gabion/testing/fault_plan.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// Any transport, with faults by a seeded plan. It keeps the promises of the transport it wraps:
/// one delivery for each message taken, and order within a key. Not safe to use from several
/// threads. It keeps a reference to the transport.
template <transport Inner>
class faulty_transport {
 public:
  static constexpr bool keeps_key_order = Inner::keeps_key_order;

  explicit faulty_transport(Inner& inner, transport_faults faults = {})
      : inner_{&inner}, faults_{faults}, random_{faults.seed} {}

  /// From now on nothing goes wrong any more.
  void heal() noexcept { faults_ = transport_faults{}; }
  /// How many faults there have been.
  [[nodiscard]] std::uint64_t struck() const noexcept { return struck_; }

  std::size_t submit(std::span<const outgoing> batch) {
    if (strikes(faults_.throws)) throw error{errc::unavailable, "injected: the submission failed"};
    const std::size_t want = strikes(faults_.refuse)
                                 ? static_cast<std::size_t>(gabion::uniform(random_, batch.size()))
                                 : batch.size();
    std::vector<outgoing> pass;
    std::vector<fate> fates;
    for (const outgoing& o : batch.first(want)) {
      const fate f = draw(o);
      fates.push_back(f);
      if (f.forward) pass.insert(pass.end(), f.copies, o);
    }
    if (strikes(faults_.reorder)) shuffle_keys(pass);
    const std::size_t passed = pass.empty() ? 0 : inner_->submit(pass);
    return book(batch.first(want), fates, std::span{pass}.subspan(passed));
  }

  void poll(std::vector<delivery>& out, duration max_wait) {
    std::vector<delivery> known;
    inner_->poll(known, max_wait);
    for (delivery& d : known) landed(std::move(d));
    for (auto f = flying_.begin(); f != flying_.end();) {
      if (f->second.awaited > 0 || f->second.polls_left-- > 0) {
        ++f;
        continue;
      }
      out.push_back({f->first, f->second.result, std::move(f->second.reason)});
      f = flying_.erase(f);
    }
    mend();
  }

 private:
  struct fate {
    bool forward = true;
    std::size_t copies = 1;
    outcome result = outcome::delivered;
    int polls_left = 0;
  };
  struct flight {
    std::string key{};
    std::size_t awaited = 0;  // deliveries that the inner transport owes
    outcome result = outcome::delivered;
    int polls_left = 0;
    std::string reason{};
  };

  bool strikes(std::uint32_t per_mille) noexcept {
    const bool now = detail::strikes(random_, per_mille);
    struck_ += now ? 1U : 0U;
    return now;
  }

  fate draw(const outgoing& o) {
    const std::string key{key_of(*o.what)};
    if (keeps_key_order && broken_.contains(key))
      return {.forward = false, .result = outcome::retry};
    fate f{};
    if (strikes(faults_.retry))
      f = {.forward = false, .result = outcome::retry};
    else if (strikes(faults_.unavailable))
      f = {.forward = false, .result = outcome::unavailable};
    else if (strikes(faults_.lost))
      f = {.forward = false, .result = outcome::in_doubt};
    else if (strikes(faults_.ack_lost))
      f.result = outcome::in_doubt;
    if (f.forward && strikes(faults_.duplicate)) f.copies = 2;
    if (strikes(faults_.delay)) f.polls_left = static_cast<int>(gabion::uniform(random_, 1, 3));
    if (f.result != outcome::delivered && !key.empty()) ++broken_[key];
    return f;
  }

  /// Another order of the keys; within a key the order stays.
  void shuffle_keys(std::vector<outgoing>& batch) {
    std::map<std::string, std::uint64_t> rank;
    for (const outgoing& o : batch) rank.try_emplace(std::string{key_of(*o.what)}, random_());
    std::stable_sort(batch.begin(), batch.end(), [&](const outgoing& a, const outgoing& b) {
      return rank[std::string{key_of(*a.what)}] < rank[std::string{key_of(*b.what)}];
    });
  }

  /// Takes the whole of `batch`: what the inner transport did not take is answered as not sent, so
  /// that the answer stays a prefix although the order may have changed.
  std::size_t book(std::span<const outgoing> batch, const std::vector<fate>& fates,
                   std::span<const outgoing> refused) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto untaken = static_cast<std::size_t>(std::count_if(
          refused.begin(), refused.end(), [&](const outgoing& o) { return o.at == batch[i].at; }));
      flight f{std::string{key_of(*batch[i].what)},
               fates[i].forward ? fates[i].copies - untaken : 0,
               fates[i].result,
               fates[i].polls_left,
               {}};
      if (fates[i].forward && untaken == fates[i].copies) {
        f.result = outcome::unavailable;
        if (!f.key.empty()) ++broken_[f.key];
      }
      if (f.result != outcome::delivered) f.reason = "injected";
      flying_.insert_or_assign(batch[i].at, std::move(f));
    }
    return batch.size();
  }

  void landed(delivery&& d) {
    const auto f = flying_.find(d.at);
    if (f == flying_.end()) return;
    if (f->second.awaited > 0) --f->second.awaited;
    if (d.result == outcome::delivered || f->second.result != outcome::delivered) return;
    f->second.result = d.result;
    f->second.reason = std::move(d.reason);
  }

  /// A key is whole again once nothing of it is in flight.
  void mend() {
    for (auto b = broken_.begin(); b != broken_.end();) {
      const bool flies = std::any_of(flying_.begin(), flying_.end(),
                                     [&](const auto& f) { return f.second.key == b->first; });
      b = flies ? std::next(b) : broken_.erase(b);
    }
  }

  Inner* inner_;
  transport_faults faults_;
  xoshiro256 random_;
  std::uint64_t struck_ = 0;
  std::map<position, flight> flying_{};
  std::map<std::string, std::uint64_t> broken_{};
};

}  // namespace testing
}  // namespace v0
}  // namespace gabion
