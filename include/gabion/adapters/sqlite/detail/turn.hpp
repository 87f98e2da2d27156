// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>

#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite::detail {

/// A mutex that refuses to wait for its own thread, where a plain one would hang for ever.
///
/// Other mutexes than std::mutex may belong to a scheduler that runs many tasks on one thread, so
/// there it does not look.
template <class Mutex>
class turn {
 public:
  explicit turn(const char* operation) noexcept : operation_{operation} {}

  /// Throws error(invalid_argument) if this thread holds it; `wanted` is what it was about to do.
  void require_outside(const char* wanted) const {
    // Only this thread can have written its own id, so a relaxed read is enough to find it.
    if (watched && holder_.load(std::memory_order_relaxed) == std::this_thread::get_id())
      throw error{errc::invalid_argument,
                  std::string{"sqlite: "} + wanted + "() inside " + operation_ +
                      "() of the same database; use the transaction that is open"};
  }

  void lock() {
    require_outside(operation_);
    mutex_.lock();
    if (watched) holder_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  void unlock() {
    if (watched) holder_.store(std::thread::id{}, std::memory_order_relaxed);
    mutex_.unlock();
  }

 private:
  static constexpr bool watched = std::is_same_v<Mutex, std::mutex>;

  const char* operation_;
  Mutex mutex_{};
  std::atomic<std::thread::id> holder_{};
};

}  // namespace sqlite::detail
}  // namespace v0
}  // namespace gabion
