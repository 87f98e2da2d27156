// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/detail/order.hpp>
#include <gabion/core/message.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/pump_action.hpp>
#include <gabion/outbox/detail/handling.hpp>
#include <gabion/outbox/events.hpp>
#include <gabion/outbox/inbox_store.hpp>
#include <gabion/outbox/subscription.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Handles messages and letters, each behind the inbox in the transaction of its effect, and tells
/// what became of each.
template <class Inbox, class Database, class Handler, class Observer, class Env, class WallClock>
class message_handler {
  using transaction = typename Database::transaction;

 public:
  message_handler(Inbox& inbox, Database& database, Handler&& handler, std::string name,
                  poison_policy policy, Observer& observer, WallClock wall)
      : inbox_{&inbox},
        database_{&database},
        handler_{std::forward<Handler>(handler)},
        name_{std::move(name)},
        policy_{policy},
        observer_{&observer},
        wall_{std::move(wall)} {}

  [[nodiscard]] std::uint64_t handled() const noexcept { return handled_; }
  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }

  /// One delivery for each of the batch, valid until the next call.
  template <class Record>
  std::span<const delivery> handle(std::span<const submission<Record>> batch) {
    deliveries_.clear();
    if (batch.size() == 1 || !together(batch)) apart(batch);
    return deliveries_;
  }

  /// Keeps a message that was given up, unless somebody else has handled or kept it in the
  /// meantime.
  void keep_dead(const message& m, const settlement& s) {
    (void)database_->transact([&](transaction& tx) {
      if (inbox_->begin_message(tx, name_, m))
        inbox_->keep_dead(tx, name_, m, s.attempts, s.reason);
      return 0;
    });
  }

  /// Keeps a redriven letter that has failed again, or is behind one that has; unless somebody else
  /// has handled it.
  void keep_again(const inbox_letter& letter, const settlement& s) {
    (void)database_->transact([&](transaction& tx) {
      if (!inbox_->still_redriven(tx, name_, letter.at)) return 0;
      if (s.as == disposition::dead)
        inbox_->keep_dead(tx, name_, letter.what, s.attempts, s.reason);
      else
        (void)inbox_->keep_parked(tx, name_, letter.what);
      return 0;
    });
  }

 private:
  enum class fate : std::uint8_t { handled, repeated, parked, gone };

  /// All in one transaction; false, and nothing done, if one failed.
  template <class Record>
  bool together(std::span<const submission<Record>> batch) {
    std::vector<fate> fates;
    const delivery all = detail::judged(beginning, [&] {
      (void)database_->transact([&](transaction& tx) {
        fates.clear();
        for (const submission<Record>& s : batch) fates.push_back(apply(tx, *s.record));
        Env::failpoint("consumer.handled");
        return 0;
      });
    });
    if (all.result != outcome::delivered) return false;
    Env::failpoint("consumer.committed");
    for (std::size_t i = 0; i < batch.size(); ++i) done(*batch[i].record, fates[i]);
    return true;
  }

  /// Each in a transaction of its own. What is behind a failed one of its key is not tried; nothing
  /// more is if it was the database that failed.
  template <class Record>
  void apart(std::span<const submission<Record>> batch) {
    std::vector<std::string_view> failed;
    bool database_works = true;
    for (const submission<Record>& s : batch) {
      const std::string_view key = gabion::key_of(s.record->what);
      const bool behind =
          !key.empty() && detail::find_value(failed.begin(), failed.end(), key) != failed.end();
      if (!database_works || behind) {
        deliveries_.push_back({s.at, database_works ? outcome::retry : outcome::unavailable,
                               "not tried: something before it failed"});
        continue;
      }
      delivery d = alone(*s.record);
      if (d.result == outcome::delivered) continue;
      database_works = in_handler_ || d.result != outcome::unavailable;
      failed.push_back(key);
      deliveries_.push_back(std::move(d));
    }
  }

  template <class Record>
  delivery alone(const Record& record) {
    fate as{};
    in_handler_ = false;
    delivery d = detail::judged(record.at, [&] {
      (void)database_->transact([&](transaction& tx) {
        as = apply(tx, record);
        Env::failpoint("consumer.handled");
        return 0;
      });
    });
    if (d.result != outcome::delivered) return d;
    Env::failpoint("consumer.committed");
    done(record, as);
    return d;
  }

  fate apply(transaction& tx, const received& r) {
    if (!inbox_->begin_message(tx, name_, r.what)) return fate::repeated;
    const bool may_park = policy_ == poison_policy::park && !gabion::key_of(r.what).empty();
    if (may_park && inbox_->keep_parked(tx, name_, r.what)) return fate::parked;
    return call(tx, r.what);
  }

  fate apply(transaction& tx, const inbox_letter& letter) {
    if (!inbox_->finish_letter(tx, name_, letter.at)) return fate::gone;
    return call(tx, letter.what);
  }

  fate call(transaction& tx, const message& m) {
    in_handler_ = true;
    detail::call_handler(handler_, tx, m);
    in_handler_ = false;
    return fate::handled;
  }

  template <class Record>
  void done(const Record& record, fate as) {
    const message& m = record.what;
    deliveries_.push_back({.at = record.at});
    if (as == fate::handled) {
      ++handled_;
      if constexpr (observes<Observer, message_handled>)
        gabion::notify(*observer_,
                       message_handled{m, name_, detail::lag_since(m.time, wall_.now())});
    } else if (as == fate::repeated) {
      ++repeated_;
      gabion::notify(*observer_, message_repeated{m, name_});
    } else if (as == fate::parked) {
      gabion::notify(*observer_, message_parked{m, record.at});
    }
  }

  Inbox* inbox_;
  Database* database_;
  Handler handler_;
  std::string name_;
  poison_policy policy_;
  std::remove_reference_t<Observer>* observer_;
  [[no_unique_address]] WallClock wall_;
  std::vector<delivery> deliveries_{};
  std::uint64_t handled_ = 0;
  std::uint64_t repeated_ = 0;
  bool in_handler_ = false;  // the handler was called and has not come back
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
