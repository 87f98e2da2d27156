// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/linux/detail/read_file.hpp>
#include <gabion/adapters/linux/parse.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/saturating.hpp>
#include <gabion/core/stable_hash.hpp>
#include <gabion/resilience/load_source.hpp>
#include <gabion/resilience/resource_pressure.hpp>

// The kernel's figures as pressure sources. Each reads a small file or two per sample; used by one
// thread at a time. What cannot be read, or is not in the documented form, is no pressure that is
// known; nothing here throws after construction.
namespace gabion {
inline namespace v0 {
namespace linux_adapter {

/// A pressure file, of the machine or of a group: the share of the last 10 s in which at least one
/// task waited.
class stall_source {
 public:
  /// \param row "some" or "full"; must outlive the source.
  explicit stall_source(std::string path, std::string_view row = "some")
      : file_{std::move(path), 4096}, row_{row} {}

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant /*now*/) noexcept {
    const auto text = file_.read();
    return text ? linux_adapter::parse_stall(*text, row_) : std::nullopt;
  }

 private:
  detail::kernel_file file_;
  std::string_view row_;
};

namespace detail {

/// What was used between two samples, out of what there was between them. Nothing used of nothing
/// is no pressure.
class usage_rate {
 public:
  [[nodiscard]] std::optional<std::uint32_t> next(std::optional<usage> now) noexcept {
    const std::optional<usage> before = std::exchange(before_, now);
    if (!before || !now || now->total < before->total || now->used < before->used)
      return std::nullopt;
    return gabion::load_share(now->used - before->used, now->total - before->total);
  }

 private:
  std::optional<usage> before_{};
};

}  // namespace detail

/// How often a group was held back by its limit of processor time since the sample before:
/// throttled periods out of all. Nothing for a group without a limit in cpu.max.
class throttle_source {
 public:
  explicit throttle_source(const std::string& cgroup)
      : limit_{cgroup + "/cpu.max", 4096}, stat_{cgroup + "/cpu.stat", 4096} {}

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant /*now*/) noexcept {
    const auto limit = limit_.read();
    const auto stat = stat_.read();
    const auto now_at = limit && stat && linux_adapter::limits_cpu(*limit)
                            ? linux_adapter::parse_throttling(*stat)
                            : std::nullopt;
    return rate_.next(now_at);
  }

 private:
  detail::kernel_file limit_;
  detail::kernel_file stat_;
  detail::usage_rate rate_{};
};

/// How full a group's memory is: what it holds, without the file pages that it could give back at
/// once, out of the lower one of memory.high and memory.max. Nothing for a group without either.
class cgroup_memory_source {
 public:
  explicit cgroup_memory_source(const std::string& cgroup)
      : current_{cgroup + "/memory.current", 4096},
        high_{cgroup + "/memory.high", 4096},
        max_{cgroup + "/memory.max", 4096},
        stat_{cgroup + "/memory.stat", 16'384} {}

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant /*now*/) noexcept {
    const auto current = bytes(current_);
    const auto high = bytes(high_);
    const auto max = bytes(max_);
    if (!current || (!high && !max)) return std::nullopt;
    const std::uint64_t limit = high && (!max || *high < *max) ? *high : *max;
    const auto stat = stat_.read();
    const std::uint64_t spare = stat ? linux_adapter::parse_inactive_file(*stat).value_or(0) : 0;
    return limit == 0 ? full_load
                      : gabion::load_share(*current > spare ? *current - spare : 0, limit);
  }

 private:
  [[nodiscard]] static std::optional<std::uint64_t> bytes(detail::kernel_file& file) noexcept {
    const auto text = file.read();
    return text ? linux_adapter::parse_bytes(*text) : std::nullopt;
  }

  detail::kernel_file current_;
  detail::kernel_file high_;
  detail::kernel_file max_;
  detail::kernel_file stat_;
};

/// How busy the machine's processors were since the sample before.
class cpu_busy_source {
 public:
  explicit cpu_busy_source(const std::string& proc = "/proc") : stat_{proc + "/stat", 4096} {}

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant /*now*/) noexcept {
    const auto text = stat_.read();
    return rate_.next(text ? linux_adapter::parse_cpu_time(*text) : std::nullopt);
  }

 private:
  detail::kernel_file stat_;
  detail::usage_rate rate_{};
};

/// How much of the machine's memory could not be had without swapping.
class memory_used_source {
 public:
  explicit memory_used_source(const std::string& proc = "/proc")
      : meminfo_{proc + "/meminfo", 16'384} {}

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant /*now*/) noexcept {
    const auto text = meminfo_.read();
    const auto memory = text ? linux_adapter::parse_memory(*text) : std::nullopt;
    return memory ? std::optional{gabion::load_share(memory->used, memory->total)} : std::nullopt;
  }

 private:
  detail::kernel_file meminfo_;
};

/// For how much of the time since the sample before the busiest disk was busy. A disk that serves
/// much in parallel can be busy all the time and still have room: where there are pressure files,
/// they tell more.
class disk_busy_source {
 public:
  /// Partitions included; further ones are not looked at
  static constexpr std::size_t max_disks = 256;

  /// \param disk its name, such as "sda"; empty = all of them.
  explicit disk_busy_source(const std::string& proc = "/proc", std::string disk = {})
      : diskstats_{proc + "/diskstats"}, disk_{std::move(disk)} {
    before_.reserve(max_disks);
  }

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant now) noexcept {
    const auto text = diskstats_.read();
    const duration span = gabion::elapsed(std::exchange(at_, now), now);
    const auto millis = static_cast<std::uint64_t>(span / std::chrono::milliseconds{1});
    std::optional<std::uint32_t> busiest;
    if (!text) return busiest;
    linux_adapter::each_disk_time(*text, [&](std::string_view name, std::uint64_t busy) {
      if (!disk_.empty() && name != disk_) return;
      const auto since = noted(gabion::stable_hash(name), busy);
      if (!since || millis == 0) return;
      const std::uint32_t share = gabion::load_share(*since, millis);
      if (!busiest || share > *busiest) busiest = share;
    });
    return busiest;
  }

 private:
  struct disk_time {
    std::uint64_t name_hash = 0;
    std::uint64_t busy = 0;
  };

  /// The time that has come on top since the sample before; nothing if there was none.
  [[nodiscard]] std::optional<std::uint64_t> noted(std::uint64_t name_hash,
                                                   std::uint64_t busy) noexcept {
    for (disk_time& d : before_) {
      if (d.name_hash != name_hash) continue;
      const std::uint64_t before = std::exchange(d.busy, busy);
      return busy >= before ? std::optional{busy - before} : std::nullopt;
    }
    if (before_.size() < max_disks) before_.push_back({name_hash, busy});
    return std::nullopt;
  }

  detail::kernel_file diskstats_;
  std::string disk_;
  std::vector<disk_time> before_{};
  instant at_{};
};

/// How much of what a link can carry went over it since the sample before, in the busier direction.
class network_use_source {
 public:
  /// \param bytes_per_second what the link can carry one way, from 1 up. The kernel does not know
  /// it of every link.
  /// \param interface its name, such as "eth0"; empty = all but the loopback.
  /// Throws error(invalid_argument) if bytes_per_second is 0.
  explicit network_use_source(std::uint64_t bytes_per_second, const std::string& proc = "/proc",
                              std::string interface = {})
      : net_dev_{proc + "/net/dev"}, interface_{std::move(interface)}, capacity_{bytes_per_second} {
    if (bytes_per_second == 0)
      gabion::detail::fail(errc::invalid_argument,
                           "network_use_source: bytes_per_second is 0; allowed: 1 and up");
  }

  [[nodiscard]] std::optional<std::uint32_t> pressure(instant now) noexcept {
    const auto text = net_dev_.read();
    const auto here = text ? linux_adapter::parse_traffic(*text, interface_) : std::nullopt;
    const auto before = std::exchange(before_, here);
    const duration span = gabion::elapsed(std::exchange(at_, now), now);
    if (!before || !here || here->received < before->received || here->sent < before->sent)
      return std::nullopt;
    const std::uint64_t received = here->received - before->received;
    const std::uint64_t sent = here->sent - before->sent;
    const auto micros = static_cast<std::uint64_t>(span / std::chrono::microseconds{1});
    if (micros == 0) return std::nullopt;
    return gabion::load_share(sent > received ? sent : received, carried_in(micros));
  }

 private:
  [[nodiscard]] std::uint64_t carried_in(std::uint64_t micros) const noexcept {
    constexpr std::uint64_t million = 1'000'000;
    const std::uint64_t seconds = micros / million;
    const std::uint64_t rest = micros % million;
    if (seconds != 0 && capacity_ > ~std::uint64_t{0} / 2 / seconds) return ~std::uint64_t{0};
    return capacity_ * seconds + capacity_ / million * rest + capacity_ % million * rest / million;
  }

  detail::kernel_file net_dev_;
  std::string interface_;
  std::uint64_t capacity_;
  std::optional<traffic> before_{};
  instant at_{};
};

/// The folder of this process's group, such as "/sys/fs/cgroup/app.slice"; empty if it has none
/// under cgroup v2.
[[nodiscard]] inline std::string find_cgroup(const std::string& proc = "/proc",
                                             const std::string& mount = "/sys/fs/cgroup") {
  detail::kernel_file file{proc + "/self/cgroup", 16'384};
  const auto text = file.read();
  const auto path = text ? linux_adapter::parse_cgroup_path(*text) : std::nullopt;
  return path ? mount + std::string{*path == "/" ? std::string_view{} : *path} : std::string{};
}

/// Processor pressure from the best that there is: throttling and stalls of the group, else stalls
/// of the machine, else how busy its processors are. `cgroup` is the folder of a group; empty =
/// only the machine.
[[nodiscard]] inline auto cpu_pressure(const std::string& cgroup = linux_adapter::find_cgroup(),
                                       const std::string& proc = "/proc") {
  return first_pressure{
      highest_pressure{throttle_source{cgroup}, stall_source{cgroup + "/cpu.pressure"}},
      stall_source{proc + "/pressure/cpu"}, cpu_busy_source{proc}};
}

/// Memory pressure: how full the group's memory is, else how full the machine's is, or the stalls
/// for memory if those are more.
[[nodiscard]] inline auto memory_pressure(const std::string& cgroup = linux_adapter::find_cgroup(),
                                          const std::string& proc = "/proc") {
  return highest_pressure{first_pressure{cgroup_memory_source{cgroup}, memory_used_source{proc}},
                          first_pressure{stall_source{cgroup + "/memory.pressure"},
                                         stall_source{proc + "/pressure/memory"}}};
}

/// Pressure on the disks: stalls of the group, else of the machine, else how busy the busiest disk
/// is.
[[nodiscard]] inline auto disk_pressure(const std::string& cgroup = linux_adapter::find_cgroup(),
                                        const std::string& proc = "/proc") {
  return first_pressure{stall_source{cgroup + "/io.pressure"}, stall_source{proc + "/pressure/io"},
                        disk_busy_source{proc}};
}

static_assert(pressure_source<stall_source> && pressure_source<throttle_source> &&
              pressure_source<cgroup_memory_source>);
static_assert(pressure_source<network_use_source> && pressure_source<disk_busy_source> &&
              pressure_source<cpu_busy_source>);

}  // namespace linux_adapter
}  // namespace v0
}  // namespace gabion
