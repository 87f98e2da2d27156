// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gabion/core/error.hpp>
#include <gabion/core/message.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/outbox/transport.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// One message that a recording transport was handed, and what it answered.
struct recorded_send {
  position at{};
  message what{};
  std::uint32_t attempt = 0;
  outcome answer = outcome::delivered;
};

/// A transport that keeps everything it is handed and answers as it was told. Not safe to use from
/// several threads.
///
/// What is not told otherwise is delivered. With KeepsKeyOrder it keeps that promise: behind a
/// message that it did not deliver, the later ones of its key are answered `retry` until all that
/// are in flight have been polled.
template <bool KeepsKeyOrder>
class basic_recording_transport {
 public:
  static constexpr bool keeps_key_order = KeepsKeyOrder;

  // ---- what it answers

  /// The next messages of that id are answered so, once each; then as usual.
  basic_recording_transport& answer(const std::string& id, std::initializer_list<outcome> with) {
    auto& queue = told_[id];
    queue.insert(queue.end(), with.begin(), with.end());
    return *this;
  }
  /// Every message of that id is answered so.
  basic_recording_transport& always(const std::string& id, outcome with) {
    always_[id] = with;
    return *this;
  }
  /// Every message is answered so, unless its id is told otherwise.
  void answer_all(outcome with) noexcept { usual_ = with; }
  /// Takes at most that many messages at once, deliveries not yet polled included.
  void capacity(std::size_t messages) noexcept { capacity_ = messages; }
  /// The next `times` submissions throw error(code) and take nothing.
  void fail_submit(errc code, std::size_t times = 1) noexcept {
    failing_ = code;
    failures_ = times;
  }
  /// Keeps deliveries back until release().
  void hold() noexcept { held_ = true; }
  void release() noexcept { held_ = false; }

  // ---- what it saw

  /// Everything that was taken, in order.
  [[nodiscard]] const std::vector<recorded_send>& sent() const noexcept { return sent_; }
  /// The ids of what was delivered, in order.
  [[nodiscard]] std::vector<std::string> delivered_ids() const {
    std::vector<std::string> ids;
    for (const recorded_send& s : sent_)
      if (s.answer == outcome::delivered) ids.push_back(s.what.id);
    return ids;
  }
  [[nodiscard]] std::size_t submissions() const noexcept { return submissions_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return flying_.size(); }

  // ---- the transport

  std::size_t submit(std::span<const outgoing> batch) {
    ++submissions_;
    if (failures_ > 0) {
      --failures_;
      throw error{failing_, "told to fail"};
    }
    const std::size_t taken =
        (std::min)(batch.size(), capacity_ - (std::min)(capacity_, flying_.size()));
    for (const outgoing& o : batch.first(taken)) {
      const outcome result = judge(*o.what);
      sent_.push_back({o.at, *o.what, o.attempt, result});
      flying_.push_back(
          {{.at = o.at, .result = result, .reason = result == outcome::delivered ? "" : "told to"},
           o.what});
    }
    return taken;
  }

  void poll(std::vector<delivery>& out, duration /*max_wait*/) {
    if (held_) return;
    for (flight& f : flying_) {
      intact_ = intact_ && f.what->id == id_of(f.known.at);
      out.push_back(std::move(f.known));
    }
    flying_.clear();
    broken_.clear();
  }

  /// True while every message was alive and unmoved until its delivery was polled.
  [[nodiscard]] bool messages_stayed() const noexcept { return intact_; }

 private:
  struct flight {
    delivery known{};
    const message* what = nullptr;
  };

  outcome judge(const message& m) {
    const std::string key{key_of(m)};
    if (KeepsKeyOrder && broken_.contains(key)) return outcome::retry;
    const outcome result = told(m.id);
    if (result != outcome::delivered && !key.empty()) broken_.insert(key);
    return result;
  }

  outcome told(const std::string& id) {
    if (const auto queue = told_.find(id); queue != told_.end() && !queue->second.empty()) {
      const outcome result = queue->second.front();
      queue->second.pop_front();
      return result;
    }
    const auto fixed = always_.find(id);
    return fixed == always_.end() ? usual_ : fixed->second;
  }

  [[nodiscard]] const std::string& id_of(position at) const {
    return std::find_if(sent_.rbegin(), sent_.rend(),
                        [at](const recorded_send& s) { return s.at == at; })
        ->what.id;
  }

  std::map<std::string, std::deque<outcome>> told_{};
  std::map<std::string, outcome> always_{};
  outcome usual_ = outcome::delivered;
  std::size_t capacity_ = (std::numeric_limits<std::size_t>::max)();
  errc failing_ = errc::unavailable;
  std::size_t failures_ = 0;
  bool held_ = false;
  bool intact_ = true;
  std::vector<recorded_send> sent_{};
  std::vector<flight> flying_{};
  std::set<std::string> broken_{};
  std::size_t submissions_ = 0;
};

using recording_transport = basic_recording_transport<true>;
using unordered_recording_transport = basic_recording_transport<false>;

static_assert(transport<recording_transport> && transport<unordered_recording_transport>);

}  // namespace testing
}  // namespace v0
}  // namespace gabion
