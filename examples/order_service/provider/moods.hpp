// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace shop {

/// How the provider behaves.
enum class mood : std::uint8_t {
  ok,
  fail,  ///< answers 503 and charges nothing
  /// Charges, but does not answer until the mood changes: the worst that can happen to a caller
  hang,
  slow,  ///< charges, and answers after a delay
};

[[nodiscard]] inline std::optional<mood> parse_mood(std::string_view text) noexcept {
  if (text == "ok") return mood::ok;
  if (text == "fail") return mood::fail;
  if (text == "hang") return mood::hang;
  if (text == "slow") return mood::slow;
  return std::nullopt;
}

/// The mood that holds now; who waits for it to pass is woken by a change. Safe to use from several
/// threads.
class moods {
 public:
  void set(mood next, std::chrono::milliseconds delay) {
    {
      const std::lock_guard guard{mutex_};
      now_ = next;
      delay_ = delay;
      ++changes_;
    }
    changed_.notify_all();
  }

  [[nodiscard]] mood now() const {
    const std::lock_guard guard{mutex_};
    return now_;
  }

  /// Delays the caller as the mood demands, but not beyond the next change of mood.
  void sit_through() {
    std::unique_lock lock{mutex_};
    const auto changes = changes_;
    const auto wait = now_ == mood::hang   ? std::chrono::minutes{10}
                      : now_ == mood::slow ? delay_
                                           : std::chrono::milliseconds{0};
    changed_.wait_for(lock, wait, [&] { return changes_ != changes; });
  }

 private:
  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  mood now_ = mood::ok;
  std::chrono::milliseconds delay_{0};
  std::uint64_t changes_ = 0;
};

}  // namespace shop
