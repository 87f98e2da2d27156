// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include <gabion/testing/detail/vector_clock.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

[[nodiscard]] constexpr bool acquires(std::memory_order o) noexcept {
  return o != std::memory_order_relaxed && o != std::memory_order_release;
}
[[nodiscard]] constexpr bool releases(std::memory_order o) noexcept {
  return o == std::memory_order_release || o == std::memory_order_acq_rel ||
         o == std::memory_order_seq_cst;
}

/// How far back a load may reach.
struct staleness {
  std::size_t old_values = 0;  // this many stores before the newest; 0: always the newest
  // so often one thread may read one store that is not the newest
  static constexpr std::uint8_t patience = 3;
};

/// One store to a location.
struct stored {
  std::uint64_t value = 0;
  bool ordered = false;  // seq_cst
  std::array<std::uint8_t, max_threads> reads{};
  vector_clock sync{};   // what happened before, for a thread that acquires it
  vector_clock known{};  // when each thread first read or wrote it; never, if it has not
};

/// One object that threads share, and what has been stored to it in this execution, oldest first.
///
/// A load may return any store that is not older than one that the loading thread knows of: its
/// own, one that it has read, or one that happened before by any chain of releases and acquires
/// (the coherence rules of C++20, [intro.races]). Modification order is the order in which the
/// stores were executed.
class location {
 public:
  void begin(std::uint32_t number, std::uint64_t value) {
    number_ = number;
    held_ = false;
    last_ordered_ = 0;
    notified_ = 0;
    released_ = reads_ = writes_ = {};
    history_.clear();
    history_.push_back({.value = value});
  }

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  [[nodiscard]] std::size_t newest() const noexcept { return history_.size() - 1; }

  /// The oldest store that a load of this thread may return.
  [[nodiscard]] std::size_t oldest(std::size_t thread, const vector_clock& clock, bool ordered,
                                   staleness limit) const noexcept {
    std::size_t i = newest();
    const std::size_t stop =
        (std::max)(i - (std::min)(i, limit.old_values), ordered ? last_ordered_ : 0);
    while (i > stop && !clock.covers_one_of(history_[i].known) &&
           history_[i - 1].reads[thread] < staleness::patience)
      --i;
    return i;
  }

  /// If store `i`, which this thread has just read, could still be read by it after one more store
  /// of somebody else's.
  [[nodiscard]] bool outlives(std::size_t i, std::size_t thread, staleness limit) const noexcept {
    return newest() + 1 - i <= limit.old_values && history_[i].reads[thread] <= staleness::patience;
  }

  std::uint64_t read(std::size_t i, std::size_t thread, vector_clock& clock,
                     std::memory_order order) noexcept {
    stored& s = history_[i];
    if (clock[thread] < s.known[thread]) s.known.set(thread, clock[thread]);
    if (s.reads[thread] != 255) ++s.reads[thread];
    if (acquires(order)) clock.join(s.sync);
    return s.value;
  }

  void write(std::uint64_t value, std::size_t thread, const vector_clock& clock,
             std::memory_order order) {
    append(value, thread, clock, order, {});
  }
  /// A read-modify-write: goes on with the release sequence of the store that it replaces.
  void replace(std::uint64_t value, std::size_t thread, const vector_clock& clock,
               std::memory_order order) {
    append(value, thread, clock, order, vector_clock{history_.back().sync});
  }
  [[nodiscard]] std::uint64_t last() const noexcept { return history_.back().value; }

  /// The newest store that those who wait for another value have been told of.
  [[nodiscard]] std::size_t notified() const noexcept { return notified_; }
  void notify() noexcept { notified_ = newest(); }

  // Of a mutex.
  [[nodiscard]] bool held() const noexcept { return held_; }
  void lock(vector_clock& clock) noexcept {
    held_ = true;
    clock.join(released_);
  }
  void unlock(const vector_clock& clock) noexcept {
    held_ = false;
    released_ = clock;
  }

  // Of plain data: false if it races with what another thread did.
  [[nodiscard]] bool reads_plainly(std::size_t thread, const vector_clock& clock) noexcept {
    reads_.set(thread, clock[thread]);
    return clock.covers(writes_);
  }
  [[nodiscard]] bool writes_plainly(std::size_t thread, const vector_clock& clock) noexcept {
    writes_.set(thread, clock[thread]);
    return clock.covers(writes_) && clock.covers(reads_);
  }

 private:
  void append(std::uint64_t value, std::size_t thread, const vector_clock& clock,
              std::memory_order order, vector_clock sync) {
    const bool ordered = order == std::memory_order_seq_cst;
    if (releases(order)) sync.join(clock);
    stored s{.value = value,
             .ordered = ordered,
             .sync = sync,
             .known = vector_clock::filled(vector_clock::never)};
    s.known.set(thread, clock[thread]);
    history_.push_back(s);
    if (ordered) last_ordered_ = newest();
  }

  std::uint32_t number_ = 0;
  bool held_ = false;
  std::size_t last_ordered_ = 0;
  std::size_t notified_ = 0;
  vector_clock released_{};
  vector_clock reads_{};
  vector_clock writes_{};
  std::vector<stored> history_{};
};

/// The locations of one execution after the other. Their memory is used again.
class shared_memory {
 public:
  void begin() noexcept { used_ = 0; }
  [[nodiscard]] location& add(std::uint64_t value) {
    if (used_ == all_.size()) all_.emplace_back();
    location& l = all_[used_];
    l.begin(static_cast<std::uint32_t>(used_++), value);
    return l;
  }

 private:
  std::deque<location> all_{};
  std::size_t used_ = 0;
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
