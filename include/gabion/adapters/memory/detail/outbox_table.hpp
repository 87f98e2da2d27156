// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/message.hpp>

namespace gabion {
inline namespace v0 {
namespace memory::detail {

enum class outbox_state : std::uint8_t { pending, published, dead, parked };

/// What changes about a row after it was written.
struct outbox_status {
  outbox_state state = outbox_state::pending;
  std::uint32_t attempts = 0;
  std::string reason{};
  wall_time changed_at{};  ///< when it was published, or died
  bool redriven = false;   ///< pending (again), but a reader has passed it over; newer rows of its
                           ///< key may not go before it
};

struct outbox_row {
  message what{};
  std::uint32_t lane = 0;
  wall_time created_at{};
  outbox_status status{};
};

/// The rows of an outbox and their indexes. Not thread safe: its owner holds the lock of the
/// database.
class outbox_table {
 public:
  using row_map = std::map<std::uint64_t, outbox_row>;

  explicit outbox_table(std::uint32_t lanes) : pending_(lanes) {}

  [[nodiscard]] std::uint32_t lanes() const noexcept {
    return static_cast<std::uint32_t>(pending_.size());
  }

  /// The number of a new row. Numbers rise and never return.
  std::uint64_t insert(outbox_row row) {
    const auto added = rows_.emplace_hint(rows_.end(), ++last_, std::move(row));
    ids_.emplace(added->second.what.id, added->first);
    file(*added);
    return added->first;
  }
  void erase(std::uint64_t at) {
    const auto found = rows_.find(at);
    unfile(*found);
    ids_.erase(found->second.what.id);
    rows_.erase(found);
  }
  /// Gives the row a new status and answers the former one.
  outbox_status change(std::uint64_t at, outbox_status to) {
    row_map::value_type& row = *rows_.find(at);
    unfile(row);
    std::swap(row.second.status, to);
    file(row);
    return to;
  }

  [[nodiscard]] const outbox_row* find(std::uint64_t at) const noexcept {
    const auto found = rows_.find(at);
    return found == rows_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] std::optional<std::uint64_t> find_id(const std::string& id) const {
    const auto found = ids_.find(id);
    return found == ids_.end() ? std::nullopt : std::optional{found->second};
  }
  /// Whether an earlier row of the key is dead or parked.
  [[nodiscard]] bool blocked(const std::string& key, std::uint64_t at) const {
    if (key.empty()) return false;
    const auto found = held_.find(key);
    return found != held_.end() && *found->second.begin() < at;
  }
  /// Whether the row must wait for an earlier one of its key: one that is dead or parked, or one
  /// that was redriven and is not settled yet. Redriven rows go in their own order.
  [[nodiscard]] bool held_back(const outbox_row& row, std::uint64_t at) const {
    if (blocked(row.what.subject, at)) return true;
    const auto found = row.status.redriven ? redriven_.end() : redriven_.find(row.what.subject);
    return found != redriven_.end() && *found->second.begin() < at;
  }
  /// Whether a redriven row of the key lies at or before `after`, so that a reader past it need not
  /// hold it.
  [[nodiscard]] bool redriven_before(const std::string& key, std::uint64_t after) const {
    const auto found = redriven_.find(key);
    return found != redriven_.end() && *found->second.begin() <= after;
  }
  /// The rows parked behind a dead one, up to the next dead one of the key.
  [[nodiscard]] std::vector<std::uint64_t> parked_behind(const std::string& key,
                                                         std::uint64_t at) const {
    std::vector<std::uint64_t> behind;
    const auto found = key.empty() ? held_.end() : held_.find(key);
    if (found == held_.end()) return behind;
    for (auto next = found->second.upper_bound(at); next != found->second.end(); ++next) {
      if (find(*next)->status.state == outbox_state::dead) break;
      behind.push_back(*next);
    }
    return behind;
  }

  [[nodiscard]] const std::set<std::uint64_t>& pending(std::uint32_t lane) const {
    return pending_[lane];
  }
  [[nodiscard]] const std::set<std::uint64_t>& dead() const noexcept { return dead_; }
  [[nodiscard]] const std::set<std::pair<wall_time, std::uint64_t>>& published() const noexcept {
    return published_;
  }
  [[nodiscard]] std::size_t parked() const noexcept { return parked_; }

 private:
  void file(const row_map::value_type& row) {
    const auto& [at, r] = row;
    switch (r.status.state) {
      case outbox_state::pending: pending_[r.lane].insert(pending_[r.lane].end(), at); break;
      case outbox_state::published: published_.emplace(r.status.changed_at, at); break;
      case outbox_state::dead: dead_.insert(at); break;
      case outbox_state::parked: ++parked_; break;
    }
    if (r.what.subject.empty()) return;
    if (r.status.state >= outbox_state::dead) held_[r.what.subject].insert(at);
    if (r.status.redriven) redriven_[r.what.subject].insert(at);
  }
  void unfile(const row_map::value_type& row) {
    const auto& [at, r] = row;
    switch (r.status.state) {
      case outbox_state::pending: pending_[r.lane].erase(at); break;
      case outbox_state::published: published_.erase({r.status.changed_at, at}); break;
      case outbox_state::dead: dead_.erase(at); break;
      case outbox_state::parked: --parked_; break;
    }
    if (r.what.subject.empty()) return;
    if (r.status.state >= outbox_state::dead) drop(held_, r.what.subject, at);
    if (r.status.redriven) drop(redriven_, r.what.subject, at);
  }

  using by_key = std::unordered_map<std::string, std::set<std::uint64_t>>;
  static void drop(by_key& from, const std::string& key, std::uint64_t at) {
    const auto found = from.find(key);
    found->second.erase(at);
    if (found->second.empty()) from.erase(found);
  }

  row_map rows_{};
  std::uint64_t last_ = 0;
  std::unordered_map<std::string, std::uint64_t> ids_{};
  std::vector<std::set<std::uint64_t>> pending_;
  std::set<std::uint64_t> dead_{};
  std::set<std::pair<wall_time, std::uint64_t>> published_{};
  by_key held_{};      // what is dead or parked
  by_key redriven_{};  // what is pending and was passed over
  std::size_t parked_ = 0;
};

}  // namespace memory::detail
}  // namespace v0
}  // namespace gabion
