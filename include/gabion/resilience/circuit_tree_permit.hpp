// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_group.hpp>
#include <gabion/resilience/outcome_traits.hpp>

namespace gabion {
inline namespace v0 {

/// The right to make one call through a circuit of a tree, and the duty to say how it went.
/// Move-only.
///
/// It holds the circuit's permit and, of each half-open group above, the place that the call has
/// taken there. The first verdict settles all of them; dropped without one they go back, and the
/// call counts as abandoned. A verdict that comes after the state that admitted the call has ended
/// changes nothing. Not on two threads at once. The tree must outlive it.
template <class Tree>
class [[nodiscard("dropping a permit without a verdict counts the call as abandoned")]]
basic_circuit_tree_permit {
 public:
  // Not defaulted: that would clear the places held, which nobody reads.
  basic_circuit_tree_permit() noexcept {}  // NOLINT(modernize-use-equals-default)
  basic_circuit_tree_permit(basic_circuit_tree_permit&& other) noexcept
      : leaf_{std::move(other.leaf_)} {
    take_held(other);
  }
  basic_circuit_tree_permit& operator=(basic_circuit_tree_permit&& other) noexcept {
    basic_circuit_tree_permit old{std::move(*this)};
    leaf_ = std::move(other.leaf_);
    take_held(other);
    return *this;
  }
  ~basic_circuit_tree_permit() {
    leaf_ = {};  // abandons it first, as a verdict would settle it first
    give_back(verdict::ignored);
  }

  /// The call succeeded.
  void success() noexcept { settle(verdict::success); }
  /// The call failed. A stated time goes to the circuit, as with its own permit.
  void failure(std::optional<duration> open_for = std::nullopt) noexcept {
    settle(verdict::failure, open_for);
  }
  /// The call says nothing about the other side.
  void ignore() noexcept { settle(verdict::ignored); }
  /// The caller gave up before the call ended.
  void cancel() noexcept { settle(verdict::cancelled); }
  void settle(verdict v) noexcept {
    leaf_.settle(v);
    give_back(v);
  }
  void settle(verdict v, std::optional<duration> open_for) noexcept {
    leaf_.settle(v, open_for);
    give_back(v);
  }

  /// False once it is settled or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(leaf_); }

 private:
  friend Tree;
  struct held {
    std::uint32_t group;
    std::uint32_t generation;
  };

  void take_held(basic_circuit_tree_permit& other) noexcept {
    tree_ = other.tree_;
    count_ = std::exchange(other.count_, 0);
    for (std::size_t i = 0; i < count_; ++i) held_[i] = other.held_[i];
  }
  void hold(std::uint32_t group, std::uint32_t generation) noexcept {
    held_[count_++] = {group, generation};
  }
  void give_back(verdict v) noexcept {
    for (std::size_t n = std::exchange(count_, 0); n-- > 0;)
      tree_->settle_group(held_[n].group, held_[n].generation, v);
  }

  typename Tree::circuit::permit leaf_{};
  Tree* tree_ = nullptr;
  std::size_t count_ = 0;
  // only the first count_, so that the rest costs nothing
  std::array<held, circuit_max_levels - 1> held_;
};

/// A permit, or where and why there is none. True if it is a permit. Move-only.
template <class Tree>
class [[nodiscard("dropping an admission returns its permit as abandoned")]]
basic_circuit_tree_admission {
 public:
  using permit_type = basic_circuit_tree_permit<Tree>;

  /// False if rejected. Stays true when the permit is settled or taken out.
  [[nodiscard]] explicit operator bool() const noexcept { return granted_; }

  [[nodiscard]] permit_type& permit() & noexcept { return permit_; }
  [[nodiscard]] permit_type permit() && noexcept { return std::move(permit_); }
  [[nodiscard]] permit_type* operator->() noexcept { return &permit_; }

  /// Meaningful only if there is no permit.
  [[nodiscard]] const circuit_tree_rejection& rejection() const noexcept { return rejection_; }

 private:
  friend Tree;
  basic_circuit_tree_admission() noexcept = default;

  permit_type permit_{};
  circuit_tree_rejection rejection_{};
  bool granted_ = false;
};

}  // namespace v0
}  // namespace gabion
