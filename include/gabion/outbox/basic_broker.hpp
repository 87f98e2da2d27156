// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/core/stable_hash.hpp>
#include <gabion/outbox/subscription.hpp>
#include <gabion/outbox/transport.hpp>

namespace gabion {
inline namespace v0 {

/// Where one message goes.
struct placement {
  std::uint32_t partition = 0;  ///< within the topic
  const message* what = nullptr;
};

/// What keeps the partitions and offsets of a broker. Safe to use from several threads.
///
/// `append` stores the batch in order, all or a prefix, and answers how many; `commit` never moves
/// an offset back.
template <class S>
concept broker_storage = requires(S& s, std::string_view text, std::uint32_t partition, position at,
                                  std::size_t limit, std::span<const placement> batch) {
  { s.append(batch) } -> std::same_as<std::size_t>;
  { s.read(text, partition, at, limit) } -> std::same_as<std::vector<received>>;
  { s.committed(text, text, partition) } -> std::same_as<position>;  // group, topic, partition
  s.commit(text, text, partition, at);
};

/// How a broker lays out its topics.
struct broker_options {
  /// Of each topic, fixed for the life of the data; 1 to 1024; default 4
  std::uint32_t partitions = 4;
  std::string default_topic{"messages"};  ///< where messages without a topic go; default "messages"
};

namespace detail {

/// The members of one consumer group and who reads which partition.
struct broker_group {
  std::vector<std::string> topics{};
  std::vector<std::uint64_t> members{};  // ids, in the order of joining
  std::uint64_t generation = 0;

  [[nodiscard]] bool owns(std::uint64_t member, std::uint32_t partition) const noexcept {
    return !members.empty() && members[partition % members.size()] == member;
  }
};

}  // namespace detail

/// A broker in this process: topics with partitions by key, consumer groups with offsets,
/// rebalancing as members come and go. At least once: what a member received and did not commit
/// comes again after a rebalance or restart.
///
/// Safe to use from several threads. Must outlive its transports and subscriptions.
template <broker_storage Storage>
class basic_broker {
 public:
  class transport;
  class subscription;

  template <class... StorageArgs>
  explicit basic_broker(broker_options options = {}, StorageArgs&&... storage)
      : options_{std::move(options)}, storage_{std::forward<StorageArgs>(storage)...} {
    detail::check_range("broker_options.partitions", options_.partitions, 1, 1024);
  }

  /// A way in for one relay.
  [[nodiscard]] transport make_transport() { return transport{*this}; }

  /// Joins a group; all its members must name the same topics. Leaves when the subscription is
  /// destroyed. Throws error(invalid_argument) if the topics differ, or if the group has no name or
  /// no topics.
  [[nodiscard]] subscription subscribe(std::string_view group, std::vector<std::string> topics) {
    if (group.empty())
      detail::fail(errc::invalid_argument,
                   "the group has no name; members of one name share the messages");
    if (topics.empty())
      detail::fail(errc::invalid_argument, "group '" + std::string{group} +
                                               "' names no topic; messages without one are in '" +
                                               options_.default_topic + "'");
    // From here on the group holds back what it has not committed, also before it receives for the
    // first time.
    for (const std::string& topic : topics)
      for (std::uint32_t p = 0; p < options_.partitions; ++p)
        (void)storage_.committed(group, topic, p);
    return subscription{*this, std::string{group}, std::move(topics)};
  }

  [[nodiscard]] Storage& storage() noexcept { return storage_; }
  [[nodiscard]] const broker_options& options() const noexcept { return options_; }

 private:
  /// Stores a batch and wakes the readers.
  std::size_t append(std::span<const placement> batch) {
    const std::size_t taken = storage_.append(batch);
    if (taken > 0) {
      {
        const std::lock_guard guard{mutex_};
        ++appended_;
      }
      changed_.notify_all();
    }
    return taken;
  }

  std::uint64_t join(const std::string& name, const std::vector<std::string>& topics) {
    const std::lock_guard guard{mutex_};
    detail::broker_group& g = groups_[name];
    if (!g.members.empty() && g.topics != topics)
      detail::fail(
          errc::invalid_argument,
          "group '" + name +
              "' has members that subscribe to other topics; use the same list, or another group");
    g.topics = topics;
    g.members.push_back(++last_member_);
    ++g.generation;
    changed_.notify_all();
    return last_member_;
  }

  void leave(const std::string& name, std::uint64_t member) noexcept {
    const std::lock_guard guard{mutex_};
    detail::broker_group& g = groups_[name];
    std::erase(g.members, member);
    ++g.generation;
    changed_.notify_all();
  }

  broker_options options_;
  Storage storage_;
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::map<std::string, detail::broker_group> groups_{};
  std::uint64_t last_member_ = 0;
  std::uint64_t appended_ = 0;
};

/// Appends at once and reports at the next poll. One thread at a time.
template <broker_storage Storage>
class basic_broker<Storage>::transport {
 public:
  static constexpr bool keeps_key_order = true;

  explicit transport(basic_broker& to) noexcept : broker_{&to} {}

  std::size_t submit(std::span<const outgoing> batch) {
    // only for messages without a topic; the storage sees one with the default topic
    std::vector<message> addressed;
    std::vector<placement> placed;
    addressed.reserve(batch.size());
    placed.reserve(batch.size());
    for (const outgoing& out : batch)
      placed.push_back({partition_of(*out.what), with_topic(*out.what, addressed)});
    const std::size_t taken = broker_->append(placed);
    for (const outgoing& out : batch.first(taken)) known_.push_back({.at = out.at});
    return taken;
  }

  void poll(std::vector<delivery>& out, duration /*max_wait*/) {
    out.insert(out.end(), std::make_move_iterator(known_.begin()),
               std::make_move_iterator(known_.end()));
    known_.clear();
  }

 private:
  std::uint32_t partition_of(const message& m) noexcept {
    const std::uint64_t spread = key_of(m).empty() ? next_++ : gabion::stable_hash(key_of(m));
    return static_cast<std::uint32_t>(spread % broker_->options_.partitions);
  }

  const message* with_topic(const message& m, std::vector<message>& addressed) const {
    if (!m.topic.empty()) return &m;
    addressed.push_back(m);
    addressed.back().topic = broker_->options_.default_topic;
    return &addressed.back();
  }

  basic_broker* broker_;
  std::vector<delivery> known_{};
  std::uint64_t next_ = 0;
};

/// A member of a consumer group. One thread at a time.
template <broker_storage Storage>
class basic_broker<Storage>::subscription {
 public:
  subscription(basic_broker& of, std::string group, std::vector<std::string> topics)
      : broker_{&of},
        group_{std::move(group)},
        topics_{std::move(topics)},
        member_{of.join(group_, topics_)} {}
  subscription(subscription&& other) noexcept
      : broker_{std::exchange(other.broker_, nullptr)},
        group_{std::move(other.group_)},
        topics_{std::move(other.topics_)},
        member_{other.member_},
        generation_{other.generation_},
        assigned_{std::move(other.assigned_)},
        turn_{other.turn_} {}
  subscription& operator=(subscription&&) = delete;
  ~subscription() {
    if (broker_ != nullptr) broker_->leave(group_, member_);
  }

  [[nodiscard]] std::vector<received> receive(std::size_t limit, duration max_wait) {
    const instant until = saturating_add(std::chrono::steady_clock::now(), max_wait);
    for (;;) {
      const std::uint64_t seen = refresh();
      std::vector<received> batch = read(limit);
      if (!batch.empty() || limit == 0 || max_wait <= duration::zero() ||
          !wait_for_change(seen, until))
        return batch;
    }
  }

  [[nodiscard]] settle_status commit(std::uint32_t partition, position up_to) {
    {
      const std::lock_guard guard{broker_->mutex_};
      if (!broker_->groups_[group_].owns(member_, partition)) return settle_status::fenced;
    }
    broker_->storage_.commit(group_, topic_of(partition), within_topic(partition), up_to);
    return settle_status::applied;
  }

  /// The assignment that receive() has taken up, not the broker's newest: what it gave out belongs
  /// to this one.
  [[nodiscard]] std::uint64_t assignment() const noexcept { return generation_; }

 private:
  struct assigned {
    std::uint32_t partition = 0;
    position read_to{};
  };

  [[nodiscard]] std::string_view topic_of(std::uint32_t partition) const {
    return topics_.at(partition / broker_->options_.partitions);
  }
  [[nodiscard]] std::uint32_t within_topic(std::uint32_t partition) const noexcept {
    return partition % broker_->options_.partitions;
  }

  /// Takes up a new assignment, if there is one; answers what the broker had seen by then.
  std::uint64_t refresh() {
    std::unique_lock guard{broker_->mutex_};
    const std::uint64_t seen = broker_->appended_;
    const detail::broker_group& g = broker_->groups_[group_];
    if (g.generation == generation_) return seen;
    const std::uint64_t generation = g.generation;
    std::vector<assigned> mine;
    const auto all = static_cast<std::uint32_t>(topics_.size()) * broker_->options_.partitions;
    for (std::uint32_t p = 0; p < all; ++p)
      if (g.owns(member_, p)) mine.push_back({.partition = p});
    guard.unlock();
    for (assigned& a : mine)
      a.read_to =
          broker_->storage_.committed(group_, topic_of(a.partition), within_topic(a.partition));
    // Last, so that a storage that fails half-way leaves it to the next call, and nothing is read
    // from a wrong place.
    assigned_ = std::move(mine);
    generation_ = generation;
    return seen;
  }

  /// Reads on, starting with another partition each time so that a busy one starves nobody.
  std::vector<received> read(std::size_t limit) {
    std::vector<received> batch;
    const std::size_t first = turn_++;
    for (std::size_t i = 0; i < assigned_.size() && batch.size() < limit; ++i) {
      assigned& from = assigned_[(first + i) % assigned_.size()];
      const auto read_one = [&] { read_on(from, batch, limit - batch.size()); };
      if (batch.empty())
        read_one();
      else
        (void)detail::guarded(
            // what is read already is not read again, so it must be given out; the failure comes
            // again
            read_one);
    }
    return batch;
  }

  /// All that is read is put into the batch, or the partition stays where it was.
  void read_on(assigned& from, std::vector<received>& batch, std::size_t limit) {
    auto more = broker_->storage_.read(topic_of(from.partition), within_topic(from.partition),
                                       from.read_to, limit);
    if (more.empty()) return;
    for (received& r : more) r.partition = from.partition;
    const position last = more.back().at;
    batch.insert(batch.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
    from.read_to = last;
  }

  /// False if the time is up.
  bool wait_for_change(std::uint64_t seen, instant until) {
    std::unique_lock guard{broker_->mutex_};
    return broker_->changed_.wait_until(guard, until, [&] {
      return broker_->appended_ != seen || broker_->groups_[group_].generation != generation_;
    });
  }

  basic_broker* broker_;
  std::string group_;
  std::vector<std::string> topics_;
  std::uint64_t member_;
  std::uint64_t generation_ = 0;
  std::vector<assigned> assigned_{};
  std::size_t turn_ = 0;
};

}  // namespace v0
}  // namespace gabion
