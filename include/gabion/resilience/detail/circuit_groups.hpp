// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/heap.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_group.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/detail/circuit_group_word.hpp>
#include <gabion/resilience/detail/event_line.hpp>
#include <gabion/resilience/outcome_traits.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// A child of a group as it is now: whether it is open, and until when.
struct circuit_child_state {
  bool open = false;
  instant until{};
};

/// The groups of a tree, which open and recover with what is below them: `(now, event) -> state`,
/// no clock, no listener.
///
/// A group's word is the one truth; closed, admission is one load. All that is rare runs under the
/// one lock of the tree. A judgement reads the children as they are, not what was said of them, so
/// that it does not matter in which order their events come, or whether some are lost. `Circuits`
/// answers `circuit_child_state state(index, now)` and takes no lock that is ours.
template <env Env, class Circuits>
class circuit_groups {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// What an admission comes to.
  struct entry {
    bool granted = false;
    bool counted = false;  // half-open: its verdict decides, and it must come back
    bool judged = false;   // there may be events to deliver
    std::uint32_t generation = 0;
    circuit_rejection refusal{};
  };

  circuit_groups(std::uint32_t capacity, Circuits& circuits)
      : groups_(capacity), circuits_{circuits} {}

  [[nodiscard]] std::uint32_t add(std::uint32_t parent, const circuit_group_options& o) {
    const std::lock_guard guard{lock_};
    if (size_ == groups_.size())
      detail::fail(errc::full, "circuit_tree: all " + std::to_string(size_) +
                                   " groups are taken; raise circuit_tree_options.groups");
    require_group(parent == none ? 0 : parent, parent == none);
    group& g = groups_[size_];
    g.level = parent == none ? 0 : groups_[parent].level + 1;
    if (g.level + 2 > circuit_max_levels)
      detail::fail(errc::invalid_argument,
                   "circuit_tree: a group on level " + std::to_string(g.level) +
                       " leaves no level for circuits; allowed: levels 0 to " +
                       std::to_string(circuit_max_levels - 2));
    if (parent != none) {
      groups_[parent].children.push_back({true, size_});
      make_room(groups_[parent]);
    }
    g.name = o.name;
    g.options = o;
    g.options.name = g.name;
    g.parent = parent;
    return size_++;
  }

  /// Puts a circuit into a group. Its level.
  std::uint32_t adopt(std::uint32_t parent, std::uint32_t circuit) {
    const std::lock_guard guard{lock_};
    require_group(parent, false);
    groups_[parent].children.push_back({false, circuit});
    make_room(groups_[parent]);
    return groups_[parent].level + 1;
  }

  [[nodiscard]] std::uint32_t parent(std::uint32_t g) const noexcept { return groups_[g].parent; }
  [[nodiscard]] std::string_view name(std::uint32_t g) const noexcept { return groups_[g].name; }
  [[nodiscard]] std::uint32_t level(std::uint32_t g) const noexcept { return groups_[g].level; }

  template <class Now>
  [[nodiscard]] entry admit(std::uint32_t index, const Now& now) noexcept {
    group& g = groups_[index];
    const circuit_group_word w = g.load();
    if (w.state() == circuit_state::closed) [[likely]]
      return {.granted = true, .generation = w.generation()};
    return refuse_or_take(g, w, index, now());
  }

  /// Takes back a call that a half-open group had let through.
  void settle(std::uint32_t index, std::uint32_t generation, verdict v, instant now) noexcept {
    const std::lock_guard guard{lock_};
    group& g = groups_[index];
    const circuit_group_word w = g.load();
    if (w.generation() != generation) return;
    const std::uint32_t successes = w.successes() + (v == verdict::success ? 1 : 0);
    if (v == verdict::failure)
      open(index, now, now, circuit_group_cause::call_failed);
    else if (successes >= g.options.successes_to_close)
      enter(index, circuit_state::closed, now, circuit_group_cause::calls_succeeded);
    else
      return g.store(w.with_calls(w.out() - 1, successes));
    judge_here(g.parent, now);
  }

  /// Something below the group has changed. Judges it, and what is above it as far as that changes.
  void judge(std::uint32_t index, instant now) noexcept {
    const std::lock_guard guard{lock_};
    judge_here(index, now);
  }

  [[nodiscard]] circuit_group_snapshot describe(std::uint32_t index, instant now) noexcept {
    const std::lock_guard guard{lock_};
    group& g = groups_[index];
    const census c = count(g, now);
    const circuit_child_state s = state_of(g, now);
    const circuit_group_word w = g.load();
    return {
        .name = g.name,
        .level = g.level,
        .state = w.state() == circuit_state::open && !s.open ? circuit_state::half_open : w.state(),
        .generation = w.generation(),
        .retry_after = s.open ? deadline::at(s.until).remaining(now) : duration::zero(),
        .open_children = c.open,
        .children = c.children,
        .rejected = g.rejected.load(std::memory_order_relaxed)};
  }

  [[nodiscard]] event_line<Env, circuit_group_transition>& events() noexcept { return events_; }

 private:
  struct child {
    bool is_group = false;
    std::uint32_t index = 0;
  };
  struct group {
    typename Env::template atomic<std::uint64_t> word{0};
    // open: no sooner half-open; half-open: calls out are lost
    typename Env::template atomic<duration::rep> until{0};
    typename Env::template atomic<std::uint64_t> rejected{0};
    std::uint32_t parent = none;
    std::uint32_t level = 0;
    instant held_until{};
    instant last_change = (instant::min)();
    std::vector<child> children{};
    circuit_group_options options{};
    std::string name{};

    [[nodiscard]] circuit_group_word load() const noexcept {
      return circuit_group_word{word.load(std::memory_order_acquire)};
    }
    void store(circuit_group_word w) noexcept { word.store(w.bits(), std::memory_order_release); }
    [[nodiscard]] instant deadline() const noexcept {
      return instant{duration{until.load(std::memory_order_acquire)}};
    }
    void arm(instant when) noexcept {
      until.store(when.time_since_epoch().count(), std::memory_order_release);
    }
  };
  struct census {
    std::uint32_t open = 0;
    std::uint32_t children = 0;
    bool enough = false;  // to open the group
    instant until{};      // if it is enough: when it is not any more, unless one opens anew
  };

  /// So that counting allocates nothing.
  void make_room(const group& g) {
    open_until_.clear();
    open_until_.reserve(g.children.size());
  }

  void require_group(std::uint32_t index, bool ignore) const {
    if (!ignore && index >= size_)
      detail::fail(errc::invalid_argument, "circuit_tree: there is no group " +
                                               std::to_string(index) +
                                               "; allowed: what add_group gave");
  }

  [[nodiscard]] static entry refused(group& g, circuit_refusal why, duration retry_after) noexcept {
    g.rejected.fetch_add(1, std::memory_order_relaxed);
    return {.refusal = {why, retry_after}};
  }

  [[nodiscard]] entry refuse_or_take(group& g, circuit_group_word w, std::uint32_t index,
                                     instant now) noexcept {
    const instant until = g.deadline();
    if (now < until && g.load() == w) {
      if (w.state() == circuit_state::open)
        return refused(g, circuit_refusal::open, gabion::elapsed(now, until));
      if (w.out() >= g.options.half_open_permits)
        return refused(g, circuit_refusal::half_open_full, duration::zero());
    }
    const std::lock_guard guard{lock_};
    entry taken = take(index, now);
    taken.judged = true;
    return taken;
  }

  // From here on: under the lock.

  [[nodiscard]] entry take(std::uint32_t index, instant now) noexcept {
    group& g = groups_[index];
    judge_here(index, now);
    const circuit_group_word w = g.load();
    if (w.state() == circuit_state::closed) return {.granted = true, .generation = w.generation()};
    if (w.state() == circuit_state::open)
      return refused(g, circuit_refusal::open, gabion::elapsed(now, g.deadline()));
    if (w.out() >= g.options.half_open_permits)
      return refused(g, circuit_refusal::half_open_full, duration::zero());
    if (w.out() == 0) g.arm(gabion::saturating_add(now, g.options.half_open_for));
    g.store(w.with_calls(w.out() + 1, w.successes()));
    return {.granted = true, .counted = true, .generation = w.generation()};
  }

  void judge_here(std::uint32_t index, instant now) noexcept {
    for (; index != none; index = groups_[index].parent)
      if (!judge_one(index, now)) return;
  }

  /// True if what is above has to be judged too.
  bool judge_one(std::uint32_t index, instant now) noexcept {
    group& g = groups_[index];
    const circuit_group_word w = g.load();
    if (w.state() == circuit_state::half_open && w.out() != 0 && now >= g.deadline()) {
      open(index, now, now, circuit_group_cause::call_lost);
      return true;
    }
    const census c = count(g, now);
    if (w.state() == circuit_state::open) {
      g.arm(c.enough ? detail::max_of(g.held_until, c.until) : g.held_until);
      if (!c.enough && now >= g.held_until)
        enter(index, circuit_state::half_open, now, circuit_group_cause::children_recovered, c);
      return true;  // also a new end of the open time is news
    }
    if (c.enough) open(index, now, c.until, circuit_group_cause::children_open, c);
    return c.enough;
  }

  [[nodiscard]] census count(const group& g, instant now) noexcept {
    open_until_.clear();
    for (const child& c : g.children) {
      const circuit_child_state s =
          c.is_group ? state_of(groups_[c.index], now) : circuits_.state(c.index, now);
      if (s.open) open_until_.push_back(s.until);
    }
    census result{static_cast<std::uint32_t>(open_until_.size()),
                  static_cast<std::uint32_t>(g.children.size())};
    const std::uint64_t needed = std::uint64_t{g.options.open_percent} * result.children;
    result.enough = result.open != 0 && result.children >= g.options.minimum_children &&
                    std::uint64_t{result.open} * 100 >= needed;
    if (!result.enough) return result;
    const auto harmless = static_cast<std::size_t>((needed - 1) / 100);  // so many may stay open
    detail::heap_sort(open_until_, [](instant a, instant b) { return a < b; });
    result.until = open_until_[open_until_.size() - harmless - 1];
    return result;
  }

  [[nodiscard]] static circuit_child_state state_of(const group& g, instant now) noexcept {
    return {g.load().state() == circuit_state::open && now < g.deadline(), g.deadline()};
  }

  void open(std::uint32_t index, instant now, instant until, circuit_group_cause cause,
            census c = {}) noexcept {
    group& g = groups_[index];
    g.held_until = gabion::saturating_add(now, g.options.hold_for);
    g.arm(detail::max_of(g.held_until, until));
    enter(index, circuit_state::open, now, cause, c);
  }

  void enter(std::uint32_t index, circuit_state to, instant now, circuit_group_cause cause,
             census c = {}) noexcept {
    group& g = groups_[index];
    const circuit_group_word from = g.load();
    if (c.children == 0) c = count(g, now);
    g.last_change = detail::max_of(g.last_change, now);
    g.store(from.next(to));
    events_.push({.name = g.name,
                  .group = {index},
                  .level = g.level,
                  .from = from.state(),
                  .to = to,
                  .cause = cause,
                  .generation = from.next(to).generation(),
                  .at = g.last_change,
                  .open_children = c.open,
                  .children = c.children});
  }

  std::vector<group> groups_;
  Circuits& circuits_;
  std::uint32_t size_ = 0;
  std::vector<instant> open_until_{};
  typename Env::mutex lock_{};
  event_line<Env, circuit_group_transition> events_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
