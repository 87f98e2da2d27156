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
#include <gabion/core/detail/order.hpp>
#include <gabion/cqrs/checkpoint_store.hpp>
#include <gabion/cqrs/event_store.hpp>
#include <gabion/cqrs/projection.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/pump_action.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

/// A piece of the log: what the pump of a projection carries. Carrying pages and not events keeps
/// the machine off the path of the single event; a page that fails half-way is cut there and read
/// again.
struct event_page {
  position after{};            ///< the checkpoint that it was read behind
  std::uint32_t attempts = 0;  ///< failed attempts at its first event, over all restarts
  std::vector<recorded_event> events{};
};

}  // namespace detail

template <>
struct pump_traits<detail::event_page> {
  static position at(const detail::event_page& p) { return p.events.back().at; }
  static std::string_view key(const detail::event_page& /*p*/) { return "log"; }
  static std::uint32_t attempts(const detail::event_page& p) { return p.attempts; }
  static bool blocked(const detail::event_page& /*p*/) { return false; }
  static std::size_t bytes(const detail::event_page& p) {
    return sizeof(p) + p.events.size() * sizeof(recorded_event);
  }
};

namespace detail {

/// What the store is to blame for, and not the event: nothing was done, or the checkpoint tells.
[[nodiscard]] inline bool blames_store(std::error_code code) noexcept {
  return code == make_error_code(errc::busy) || code == make_error_code(errc::full) ||
         code == make_error_code(errc::unavailable) || code == make_error_code(errc::timeout) ||
         code == make_error_code(errc::in_doubt);
}

/// What no further attempt at the same bytes will mend.
[[nodiscard]] inline bool hopeless(std::error_code code) noexcept {
  return code == make_error_code(errc::unknown_type) || code == make_error_code(errc::corrupt);
}

/// Reads pages behind a checkpoint and applies them together with it: the feed and the sink of a
/// projection's pump.
///
/// The read model holds exactly what the checkpoint says, because both are written in one
/// transaction. When that fails for one event, everything before it is applied alone, and the event
/// starts the next page.
template <class Projection, class Database, class Events, class Checkpoints, class Codec, class Env>
class projection_engine {
 public:
  using transaction = typename Database::transaction;

  projection_engine(Projection& into, Database& database, Events& events, Checkpoints& checkpoints,
                    Codec codec)
      : into_{&into},
        database_{&database},
        events_{&events},
        checkpoints_{&checkpoints},
        codec_{std::move(codec)},
        key_{projection_key<Projection>()} {}

  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] const checkpoint& at() const noexcept { return at_; }
  /// Everything up to here is done, also where the log has holes.
  [[nodiscard]] position through() const noexcept { return detail::max_of(at_.at, through_); }

  /// Somebody else may have moved the checkpoint, or nobody knows whether it was moved.
  void forget() noexcept { known_ = false; }

  /// Reads the checkpoint if it is not known.
  void recall() {
    if (known_) return;
    at_ = checkpoints_->read_checkpoint(key_).value_or(checkpoint{});
    through_ = beginning;
    known_ = true;
  }

  /// The next page behind the checkpoint, or nothing.
  [[nodiscard]] std::optional<event_page> fetch(std::size_t limit) {
    recall();
    const position head = events_->head();
    event_page page{.after = at_.at, .attempts = at_.attempts};
    page.events =
        events_->read_all(at_.at, at_.at < narrow_until_ ? 1 : limit, read_direction::forward);
    if (!page.events.empty()) return page;
    through_ = head;
    return std::nullopt;
  }

  /// Applies a page and its checkpoint in one transaction. Sets `fenced` if somebody else has moved
  /// on.
  [[nodiscard]] delivery apply(const event_page& page, const lease& held, bool& fenced) {
    delivery result{.at = page.events.back().at};
    if (const failure unread = detail::guarded([&] { recall(); }))
      return failed(result, outcome::unavailable, unread);
    // cut short by a failure: the next one begins at the checkpoint
    if (page.after != at_.at) return result;
    const std::span<const recorded_event> all{page.events};
    std::size_t done = 0;
    const failure wrong =
        detail::guarded([&] { fenced = !commit(held, all, moved(all.back().at), done); });
    if (!wrong && !fenced) Env::failpoint("projection.committed");
    if (!wrong) return result;
    forget();
    if (detail::blames_store(wrong.code)) return failed(result, outcome::unavailable, wrong);
    if (done == all.size() && all.size() > 1) {
      // the commit failed: find out event by event which one is to blame
      narrow_until_ = all.back().at;
      return result;
    }
    const outcome kind = detail::hopeless(wrong.code) ? outcome::rejected : outcome::retry;
    if (done == 0 || done == all.size()) return failed(result, kind, wrong);
    checkpoint before = moved(all[done - 1].at);
    before.attempts = kind == outcome::retry ? 1 : 0;
    before.reason = wrong.what;
    std::size_t again = 0;
    const failure twice = detail::guarded([&] {
      recall();
      if (page.after == at_.at) fenced = !commit(held, all.first(done), before, again);
    });
    if (twice) forget();
    return twice ? failed(result, outcome::unavailable, twice) : result;
  }

  /// Remembers a failed attempt at the first event of the page.
  [[nodiscard]] settle_status note(const event_page& page, const settlement& what,
                                   const lease& held, bool faulted) {
    recall();
    if (page.after != at_.at) return settle_status::fenced;
    checkpoint to = at_;
    to.attempts = what.attempts;
    to.reason = what.reason;
    if (faulted) to.status = projection_status::faulted;
    return write(held, to, [](transaction&) {});
  }

  /// Gives up the first event of the page: keeps it as a letter, and passes it by.
  [[nodiscard]] settle_status bury(const event_page& page, const settlement& what,
                                   const lease& held) {
    recall();
    if (page.after != at_.at) return settle_status::fenced;
    const recorded_event& event = page.events.front();
    const projection_letter letter{.at = event.at,
                                   .event_id = event.what.id,
                                   .attempts = what.attempts,
                                   .reason = what.reason};
    return write(held, moved(event.at),
                 [&](transaction& tx) { checkpoints_->keep_letter(tx, key_, letter); });
  }

  /// Empties the read model and sets the checkpoint to the beginning. Letters go too: their events
  /// come by again, and a letter replayed after that would apply its event twice.
  [[nodiscard]] settle_status restart(const lease& held) {
    recall();
    const position until = detail::max_of(at_.at, at_.replay_until);
    const bool more = until != beginning;
    const checkpoint to{.status = more ? projection_status::rebuilding : projection_status::running,
                        .replay_until = until};
    narrow_until_ = beginning;
    const std::vector<position> letters = all_letters();
    return write(held, to, [&](transaction& tx) {
      for (const position at : letters) (void)checkpoints_->remove_letter(tx, key_, at);
      into_->reset(tx);
    });
  }

  /// Applies an event that was given up. False if there is no such letter (any more).
  bool replay(position at) {
    if (at == beginning) return false;
    const auto found = events_->read_all(position{to_number(at) - 1}, 1, read_direction::forward);
    return database_->transact([&](transaction& tx) {
      if (!checkpoints_->remove_letter(tx, key_, at)) return false;
      if (found.empty() || found.front().at != at)
        detail::fail(errc::not_found,
                     "there is no event at position " + std::to_string(to_number(at)));
      detail::project(*into_, codec_, tx, projected_event{found.front(), false});
      return true;
    });
  }

 private:
  [[nodiscard]] static delivery failed(delivery d, outcome kind, const failure& why) {
    d.result = kind;
    d.reason = why.what;
    return d;
  }

  /// Where the letters are. None can come unseen before a write: whoever keeps one moves the
  /// checkpoint, which fences the write.
  [[nodiscard]] std::vector<position> all_letters() {
    constexpr std::size_t page = 256;
    std::vector<position> all;
    for (bool more = true; more;) {
      const auto letters = checkpoints_->letters(key_, all.empty() ? beginning : all.back(), page);
      for (const projection_letter& letter : letters) all.push_back(letter.at);
      more = letters.size() == page;
    }
    return all;
  }

  /// The checkpoint behind everything up to `to`.
  [[nodiscard]] checkpoint moved(position to) const {
    return {.at = to,
            .status =
                to < at_.replay_until ? projection_status::rebuilding : projection_status::running,
            .replay_until = at_.replay_until};
  }

  /// Applies the events and moves the checkpoint; counts in `done` how many were applied. False if
  /// fenced.
  bool commit(const lease& held, std::span<const recorded_event> events, const checkpoint& to,
              std::size_t& done) {
    const settle_status status = write(held, to, [&](transaction& tx) {
      done = 0;
      for (const recorded_event& event : events) {
        detail::project(*into_, codec_, tx, projected_event{event, event.at <= at_.replay_until});
        ++done;
      }
      Env::failpoint("projection.applied");
    });
    return status == settle_status::applied;
  }

  template <class Work>
  [[nodiscard]] settle_status write(const lease& held, const checkpoint& to, Work&& work) {
    const settle_status status = database_->transact([&](transaction& tx) {
      const settle_status moved = checkpoints_->move_checkpoint(tx, held, at_.at, to);
      if (moved == settle_status::applied) work(tx);
      return moved;
    });
    if (status == settle_status::applied)
      at_ = to;
    else
      forget();
    return status;
  }

  Projection* into_;
  Database* database_;
  Events* events_;
  Checkpoints* checkpoints_;
  Codec codec_;
  std::string key_;
  checkpoint at_{};
  position through_{};
  position narrow_until_{};
  bool known_ = false;
};

}  // namespace detail

}  // namespace v0
}  // namespace gabion
