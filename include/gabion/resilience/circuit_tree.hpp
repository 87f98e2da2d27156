// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/circuit_group.hpp>
#include <gabion/resilience/circuit_tree_permit.hpp>
#include <gabion/resilience/detail/circuit_call.hpp>
#include <gabion/resilience/detail/circuit_groups.hpp>
#include <gabion/resilience/detail/circuit_run.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// Circuits in groups in groups, as application, service, resource: a group opens when enough of
/// its children are open, and then no call goes through any circuit below it.
///
/// The leaves are circuit breakers with all their rules; a group has no rule of its own but the
/// share of its open children. It stays open at least `hold_for` and as long as the share is
/// reached: a child counts as open until its own open time is over. Then it is half-open: a few
/// calls at a time go through it to whatever circuit; enough successes close it, one failure opens
/// it again.
///
/// A call asks the outermost group first. While all is closed an admission is one load for each
/// level, and a verdict is the breaker's alone. Rejections by an open group are lock-free; changes
/// take the tree's one lock, for O(children), without user code under it. The tree grows up to its
/// fixed capacity and never shrinks.
///
/// The observer is told of each `circuit_group_transition`, in order and one at a time, and of all
/// events of the circuits that it takes; those of different circuits, and those of groups, may come
/// at the same time. What it throws is swallowed. Every member is safe to call from several
/// threads. Neither copied nor moved. It must outlive its permits.
template <clock Clock = steady_clock, class Observer = no_observer, env Env = native_env>
class basic_circuit_tree {
  static_assert(observes_any<Observer, circuit_group_transition> ||
                    detail::observes_circuit_changes<Observer> ||
                    detail::observes_circuit_calls<Observer>,
                "circuit_tree: the observer cannot be called with const "
                "gabion::circuit_group_transition& or an event of its circuits (see "
                "gabion/resilience/circuit_events.hpp)");
  class leaf_observer;

 public:
  using circuit = basic_circuit_breaker<Clock, leaf_observer, Env>;
  using permit = basic_circuit_tree_permit<basic_circuit_tree>;
  using admission = basic_circuit_tree_admission<basic_circuit_tree>;

  /// Throws error(invalid_argument) that names the option and its range.
  explicit basic_circuit_tree(const circuit_tree_options& options = {}, Clock clock = Clock{},
                              Observer observer = Observer{})
      : clock_(std::move(clock)),
        observer_(std::move(observer)),
        leaves_{(gabion::validate(options), options.circuits)},
        groups_{options.groups, leaves_} {}
  basic_circuit_tree(const basic_circuit_tree&) = delete;
  basic_circuit_tree& operator=(const basic_circuit_tree&) = delete;

  /// A group without a parent. Throws error(invalid_argument) for options out of range, error(full)
  /// if no more groups fit.
  circuit_group_id add_group(const circuit_group_options& options) {
    return new_group(group_index::none, options);
  }
  /// A group in a group. Also throws error(invalid_argument) if the tree would get too deep, or
  /// there is no such parent.
  circuit_group_id add_group(circuit_group_id parent, const circuit_group_options& options) {
    return new_group(parent.index, options);
  }
  /// A circuit in a group. Throws as `add_group` and as the constructor of a circuit breaker.
  circuit_id add_circuit(circuit_group_id parent, const circuit_breaker_options& options) {
    const std::lock_guard guard{leaves_.adding};
    const std::uint32_t index = leaves_.size;
    if (index == leaves_.all.size())
      detail::fail(errc::full, "circuit_tree: all " + std::to_string(index) +
                                   " circuits are taken; raise circuit_tree_options.circuits");
    leaf& l = leaves_.all[index];
    l.breaker.emplace(options, clock_, leaf_observer{*this, parent.index});
    l.level = groups_.adopt(parent.index, index);
    l.depth = 0;
    for (std::uint32_t g = parent.index; g != group_index::none; g = groups_.parent(g))
      l.path[l.depth++] = g;
    ++leaves_.size;
    return {index};
  }

  /// A permit for one call through that circuit, or where and why there is none. Never blocks.
  [[nodiscard]] admission try_acquire(circuit_id id) noexcept {
    return acquire(id, [this] { return clock_.now(); }, [](circuit& c) { return c.try_acquire(); });
  }
  /// The same for a caller who knows the time, by the tree's clock.
  [[nodiscard]] admission try_acquire(circuit_id id, instant now) noexcept {
    return acquire(id, [now] { return now; }, [now](circuit& c) { return c.try_acquire(now); });
  }

  /// Calls f if every level lets it through, judges its result by `outcome_traits`, and returns
  /// exactly what f returns. If it is rejected, the answer is
  /// `outcome_traits<Result>::rejected(...)` if the type has it, otherwise circuit_open_error is
  /// thrown; it names the level's circuit or group.
  template <std::invocable Function>
  std::invoke_result_t<Function> call(circuit_id id, Function&& f) {
    admission entry = try_acquire(id);
    if (!entry)
      return detail::rejected_call<std::invoke_result_t<Function>>(entry.rejection().name,
                                                                   entry.rejection().why);
    detail::judge_by_traits judge;
    return detail::call_judged(entry.permit(), judge, std::forward<Function>(f));
  }

  /// The breaker itself, to look at it, to trip or to reset it. A call through it alone does not
  /// ask the groups.
  [[nodiscard]] circuit& at(circuit_id id) noexcept { return *leaves_.all[id.index].breaker; }
  /// What a caller would meet at that group now. Takes the lock.
  [[nodiscard]] circuit_group_snapshot snapshot(circuit_group_id id) noexcept {
    return groups_.describe(id.index, clock_.now());
  }
  /// The group that the circuit is in.
  [[nodiscard]] circuit_group_id parent(circuit_id id) const noexcept {
    return {leaves_.all[id.index].path[0]};
  }

  /// Exceptions that the observer threw when it was told of groups.
  [[nodiscard]] std::uint64_t listener_failures() noexcept { return groups_.events().failures(); }

 private:
  friend permit;

  /// Passes a circuit's events on, and has the group judged when its state has changed.
  class leaf_observer {
   public:
    leaf_observer(basic_circuit_tree& tree, std::uint32_t group) noexcept
        : tree_{&tree}, group_{group} {}
    template <class Event>
      requires(observes<Observer, Event> || std::same_as<Event, circuit_transition>)
    void operator()(const Event& event) const {
      if constexpr (std::same_as<Event, circuit_transition>)
        tree_->groups_.judge(group_, tree_->clock_.now());
      const delivery afterwards{*tree_};  // cause before effect, even if the observer throws
      gabion::notify(tree_->observer_, event);
    }

   private:
    basic_circuit_tree* tree_;
    std::uint32_t group_;
  };

  /// Tells of the groups when it is destroyed.
  struct delivery {
    basic_circuit_tree& tree;
    ~delivery() { tree.deliver(); }
  };

  struct leaf {
    std::optional<circuit> breaker{};
    // the groups above, the innermost first
    std::array<std::uint32_t, circuit_max_levels - 1> path{};
    std::uint32_t depth = 0;
    std::uint32_t level = 0;
  };
  struct leaf_list {
    explicit leaf_list(std::uint32_t capacity) : all(capacity) {}
    [[nodiscard]] detail::circuit_child_state state(std::uint32_t index,
                                                    instant now) const noexcept {
      const circuit_snapshot s = all[index].breaker->snapshot();
      const bool for_ever = s.retry_after == duration::zero();  // forced open
      return {s.state == circuit_state::open,
              for_ever ? (instant::max)() : gabion::saturating_add(now, s.retry_after)};
    }
    std::vector<leaf> all;
    std::uint32_t size = 0;
    typename Env::mutex adding{};
  };
  using group_index = detail::circuit_groups<Env, leaf_list>;

  circuit_group_id new_group(std::uint32_t parent, const circuit_group_options& options) {
    gabion::validate(options);
    return {groups_.add(parent, options)};
  }

  template <class Now, class AskLeaf>
  [[nodiscard]] admission acquire(circuit_id id, const Now& now, const AskLeaf& ask_leaf) noexcept {
    leaf& l = leaves_.all[id.index];
    admission result;
    permit& taken = result.permit_;
    taken.tree_ = this;
    for (std::uint32_t i = l.depth; i-- > 0;) {
      const typename group_index::entry e = groups_.admit(l.path[i], now);
      if (e.judged) deliver();
      if (!e.granted) {
        taken.give_back(verdict::ignored);
        result.rejection_ = {groups_.name(l.path[i]), groups_.level(l.path[i]), e.refusal};
        return result;
      }
      if (e.counted) taken.hold(l.path[i], e.generation);
    }
    auto entry = ask_leaf(*l.breaker);
    if (entry) {
      taken.leaf_ = std::move(entry).permit();
      result.granted_ = true;
    } else {
      taken.give_back(verdict::ignored);
      result.rejection_ = {l.breaker->name(), l.level, entry.rejection()};
    }
    return result;
  }

  void settle_group(std::uint32_t group, std::uint32_t generation, verdict v) noexcept {
    groups_.settle(group, generation, v, clock_.now());
    deliver();
  }

  void deliver() noexcept {
    if constexpr (observes<Observer, circuit_group_transition>)
      groups_.events().deliver([this](const circuit_group_transition& t) { observer_(t); });
  }

  [[no_unique_address]] Clock clock_;
  [[no_unique_address]] Observer observer_;
  leaf_list leaves_;
  group_index groups_;
};

basic_circuit_tree(const circuit_tree_options&) -> basic_circuit_tree<>;
template <clock Clock>
basic_circuit_tree(const circuit_tree_options&, Clock) -> basic_circuit_tree<Clock>;
template <clock Clock, class Observer>
basic_circuit_tree(const circuit_tree_options&, Clock, Observer)
    -> basic_circuit_tree<Clock, Observer>;

/// One circuit of a tree with all that is above it, as a policy of a pipeline. A handle; the tree
/// must outlive it.
template <class Tree>
class circuit_branch {
 public:
  using permit = typename Tree::permit;
  using run = detail::circuit_run<circuit_branch>;
  static constexpr policy_kind kind = policy_kind::breaker;

  circuit_branch(Tree& tree, circuit_id id) noexcept : tree_{&tree}, id_{id} {}
  [[nodiscard]] typename Tree::admission try_acquire() noexcept { return tree_->try_acquire(id_); }
  [[nodiscard]] typename Tree::admission try_acquire(instant now) noexcept {
    return tree_->try_acquire(id_, now);
  }

 private:
  Tree* tree_;
  circuit_id id_;
};

/// The tree on the steady clock with nobody listening.
using circuit_tree = basic_circuit_tree<>;

}  // namespace v0
}  // namespace gabion
