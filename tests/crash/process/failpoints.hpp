// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <gabion/core/env.hpp>

namespace gabion_test::crash {

/// Where the process is to die: at the n-th time that it comes to this point.
struct death {
  std::string point{};
  std::uint64_t hit = 0;
};

/// The failpoints of this process. A point is "part/name": the same failpoint in the relay and in a
/// consumer are two moments.
class failpoints {
 public:
  static void die_at(death where) { chosen() = std::move(where); }

  static void reach(std::string_view name) {
    const std::lock_guard guard{mutex()};
    std::string point = std::string{part()} + "/" + std::string{name};
    const std::uint64_t hit = ++counts()[point];
    if (point == chosen().point && hit == chosen().hit) {
      ::kill(::getpid(), SIGKILL);
      for (;;) ::pause();
    }
  }

  [[nodiscard]] static std::map<std::string, std::uint64_t>& counts() {
    static std::map<std::string, std::uint64_t> all;
    return all;
  }

  /// Which part of the service this thread is working for.
  [[nodiscard]] static const char*& part() {
    static thread_local const char* now = "setup";
    return now;
  }

 private:
  static death& chosen() {
    static death where;
    return where;
  }
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
};

/// Says for a scope which part of the service is at work.
class as_part {
 public:
  explicit as_part(const char* name) : before_{failpoints::part()} { failpoints::part() = name; }
  as_part(const as_part&) = delete;
  as_part& operator=(const as_part&) = delete;
  ~as_part() { failpoints::part() = before_; }

 private:
  const char* before_;
};

struct service_env : gabion::native_env {
  static void failpoint(const char* name) { failpoints::reach(name); }
};

/// The broker has a file of its own: its commits are other moments than those of the service.
struct broker_env : gabion::native_env {
  static void failpoint(const char* name) { failpoints::reach(std::string{"broker:"} + name); }
};

}  // namespace gabion_test::crash
