// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>

// The least that each concept of the core asks for, and nothing else: what compiles with these uses
// no more than the concept promises. They can't be default constructed unless the concept says so.
namespace archetype {

class clock {
 public:
  static clock make() { return clock{}; }
  gabion::instant now() const noexcept { return gabion::instant{}; }

 private:
  clock() = default;
};

class wall_clock {
 public:
  static wall_clock make() { return wall_clock{}; }
  gabion::wall_time now() const noexcept { return gabion::wall_time{}; }

 private:
  wall_clock() = default;
};

class random_source {
 public:
  static random_source make() { return random_source{}; }
  std::uint64_t operator()() noexcept { return state_ += 0x9e3779b97f4a7c15U; }

 private:
  random_source() = default;
  std::uint64_t state_ = 0;
};

/// An environment's own atomic, with the operations of std::atomic that the cores use.
template <class T>
class atomic {
 public:
  constexpr atomic() noexcept = default;
  constexpr explicit atomic(T value) noexcept : value_{value} {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(std::memory_order) const noexcept { return value_; }
  void store(T value, std::memory_order) noexcept { value_ = value; }
  T exchange(T value, std::memory_order) noexcept { return replace(value); }
  T fetch_add(T n, std::memory_order) noexcept { return replace(static_cast<T>(value_ + n)); }
  T fetch_sub(T n, std::memory_order) noexcept { return replace(static_cast<T>(value_ - n)); }

 private:
  T replace(T value) noexcept {
    const T before = value_;
    value_ = value;
    return before;
  }
  T value_{};
};

struct env {
  template <class T>
  using atomic = archetype::atomic<T>;
  struct mutex {
    mutex() = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    void lock() {}
    void unlock() {}
  };
  static void failpoint(const char*) noexcept {}
};

/// A value that a codec can carry, and nothing more.
class payload {
 public:
  static payload make(int number) { return payload{number}; }
  int number() const { return number_; }

 private:
  explicit payload(int number) : number_{number} {}
  int number_;
};

class codec {
 public:
  static codec make() { return codec{}; }
  std::string_view content_type() const { return "text/plain"; }
  std::string encode(const payload& value) const { return std::to_string(value.number()); }
  template <class T>
    requires std::same_as<T, payload>
  T decode(std::string_view bytes) const {
    return payload::make(static_cast<int>(bytes.size()));
  }

 private:
  codec() = default;
};

/// An observer of one event type, called as an lvalue.
struct event {
  explicit event(int value) : number{value} {}
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  int number;
};

class observer {
 public:
  explicit observer(int& heard) : heard_{&heard} {}
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;
  void operator()(const event& e) & { *heard_ += e.number; }

 private:
  int* heard_;
};

}  // namespace archetype
