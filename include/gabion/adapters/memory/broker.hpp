// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gabion/core/detail/checks.hpp>
#include <gabion/outbox/basic_broker.hpp>

namespace gabion {
inline namespace v0 {
namespace memory {

/// Bounds of a broker's memory.
struct broker_memory_options {
  /// Messages kept of each partition; 1 and up; default 1,000,000
  std::size_t capacity = 1'000'000;
};

/// Keeps a broker's messages in memory. A full partition first forgets what every group has
/// committed, then takes no more, so nothing unread is lost; without any group nothing is
/// forgotten. Safe to use from several threads.
class broker_memory {
 public:
  explicit broker_memory(broker_memory_options options = {}) : options_{options} {
    gabion::detail::check_positive("broker_memory_options.capacity", options_.capacity);
  }

  std::size_t append(std::span<const placement> batch) {
    const std::lock_guard guard{mutex_};
    std::size_t taken = 0;
    for (const placement& p : batch) {
      partition& to = partitions_[{p.what->topic, p.partition}];
      if (to.kept.size() >= options_.capacity) trim(to, p.what->topic, p.partition);
      if (to.kept.size() >= options_.capacity) break;
      to.kept.push_back(*p.what);
      ++taken;
    }
    return taken;
  }

  [[nodiscard]] std::vector<received> read(std::string_view topic, std::uint32_t number,
                                           position after, std::size_t limit) {
    const std::lock_guard guard{mutex_};
    std::vector<received> batch;
    const auto found = partitions_.find({std::string{topic}, number});
    if (found == partitions_.end()) return batch;
    const partition& from = found->second;
    const std::uint64_t first = (std::max)(to_number(after), from.forgotten);
    for (std::uint64_t i = first - from.forgotten; i < from.kept.size() && batch.size() < limit;
         ++i)
      batch.push_back({number, position{from.forgotten + i + 1}, from.kept[i]});
    return batch;
  }

  [[nodiscard]] position committed(std::string_view group, std::string_view topic,
                                   std::uint32_t number) {
    const std::lock_guard guard{mutex_};
    return offsets_[{std::string{topic}, number}][std::string{group}];
  }

  void commit(std::string_view group, std::string_view topic, std::uint32_t number,
              position up_to) {
    const std::lock_guard guard{mutex_};
    position& offset = offsets_[{std::string{topic}, number}][std::string{group}];
    offset = (std::max)(offset, up_to);
  }

 private:
  using address = std::pair<std::string, std::uint32_t>;
  struct partition {
    std::uint64_t forgotten = 0;  // how many messages were dropped from the front
    std::deque<message> kept{};
  };

  void trim(partition& p, const std::string& topic, std::uint32_t number) {
    const auto& groups = offsets_[{topic, number}];
    if (groups.empty()) return;
    const auto slowest =
        std::min_element(groups.begin(), groups.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    for (; p.forgotten < to_number(slowest->second) && !p.kept.empty(); ++p.forgotten)
      p.kept.pop_front();
  }

  broker_memory_options options_;
  std::mutex mutex_{};
  std::map<address, partition> partitions_{};
  std::map<address, std::map<std::string, position>> offsets_{};
};

/// A broker whose messages live and die with the process.
///
///     memory::broker b{{.partitions = 4}};
///     auto out = b.make_transport();
///     auto in = b.subscribe("email", {"orders"});
using broker = basic_broker<broker_memory>;

}  // namespace memory
}  // namespace v0
}  // namespace gabion
