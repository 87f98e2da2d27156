// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <gabion/adapters/linux/detail/text.hpp>

// What the kernel's files say, as pure functions of their text. Anything that is not in the
// documented form reads as nothing.
namespace gabion {
inline namespace v0 {
namespace linux_adapter {

/// The share of the last 10 s in which work stood still for want of the resource, from a pressure
/// file, in basis points: `some` (at least one task waited) or `full` (all did). Source: the
/// kernel's Documentation/accounting/psi.rst.
[[nodiscard]] inline std::optional<std::uint32_t> parse_stall(
    std::string_view text, std::string_view row = "some") noexcept {
  while (!text.empty()) {
    std::string_view line = detail::take_line(text);
    if (detail::take_word(line) != row) continue;
    std::string_view percent = detail::take_word(line);
    if (detail::take_until(percent, '=') != "avg10") return std::nullopt;
    const auto whole = detail::number(detail::take_until(percent, '.'));
    const auto hundredths = detail::number(percent);
    if (!whole || !hundredths || percent.size() != 2 || *whole > 100) return std::nullopt;
    const std::uint64_t points = *whole * 100 + *hundredths;
    return static_cast<std::uint32_t>(points > 10'000 ? 10'000 : points);
  }
  return std::nullopt;
}

/// How much of something was used out of how much there was, since the machine or the group began.
/// Two of them make a rate.
struct usage {
  std::uint64_t used = 0;
  std::uint64_t total = 0;
  friend bool operator==(const usage&, const usage&) = default;
};

/// Time that all processors together were busy, out of all their time, in ticks. From /proc/stat.
/// Waiting for I/O is idle.
[[nodiscard]] inline std::optional<usage> parse_cpu_time(std::string_view stat) noexcept {
  std::string_view line = detail::take_line(stat);
  if (detail::take_word(line) != "cpu") return std::nullopt;
  usage sum;
  // user nice system idle iowait irq softirq steal; guest time, which follows, is in user already.
  for (int field = 0; field < 8; ++field) {
    const std::string_view word = detail::take_word(line);
    if (word.empty() && field >= 4) break;
    const auto ticks = detail::number(word);
    if (!ticks) return std::nullopt;
    sum.total += *ticks;
    if (field != 3 && field != 4) sum.used += *ticks;
  }
  return sum;
}

/// Memory that could not be had without swapping, out of all, in KiB. From /proc/meminfo.
[[nodiscard]] inline std::optional<usage> parse_memory(std::string_view meminfo) noexcept {
  const auto total = detail::named_number(meminfo, "MemTotal:");
  const auto available = detail::named_number(meminfo, "MemAvailable:");
  if (!total || !available || *available > *total) return std::nullopt;
  return usage{*total - *available, *total};
}

/// Calls `f(name, busy)` for each disk of /proc/diskstats: the milliseconds for which it was busy
/// since the machine began. Memory and loop devices, and lines that are not in the documented form,
/// are left out.
template <class Function>
void each_disk_time(std::string_view diskstats, const Function& f) {
  while (!diskstats.empty()) {
    std::string_view line = detail::take_line(diskstats);
    static_cast<void>(detail::take_word(line));
    static_cast<void>(detail::take_word(line));
    const std::string_view name = detail::take_word(line);
    if (name.empty() || name.starts_with("ram") || name.starts_with("loop")) continue;
    for (int field = 0; field < 9; ++field) static_cast<void>(detail::take_word(line));
    if (const auto busy = detail::number(detail::take_word(line))) f(name, *busy);
  }
}

/// Bytes that went through the network.
struct traffic {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  friend bool operator==(const traffic&, const traffic&) = default;
};

/// The bytes of one interface, or of all but the loopback, since they came up. From /proc/net/dev.
[[nodiscard]] inline std::optional<traffic> parse_traffic(
    std::string_view net_dev, std::string_view interface = {}) noexcept {
  std::optional<traffic> sum;
  while (!net_dev.empty()) {
    std::string_view line = detail::take_line(net_dev);
    if (line.find(':') == std::string_view::npos) continue;  // the two lines of heading
    std::string_view name = detail::take_until(line, ':');
    name = detail::take_word(name);
    if (interface.empty() ? name == "lo" : name != interface) continue;
    const auto received = detail::number(detail::take_word(line));
    for (int field = 0; field < 7; ++field) static_cast<void>(detail::take_word(line));
    const auto sent = detail::number(detail::take_word(line));
    if (!received || !sent) return std::nullopt;
    if (!sum) sum.emplace();
    sum->received += *received;
    sum->sent += *sent;
  }
  return sum;
}

/// The periods in which a group was held back by its share of processor time, out of all. From
/// cpu.stat; nothing if the group has no such limit, for then it counts no periods.
[[nodiscard]] inline std::optional<usage> parse_throttling(std::string_view cpu_stat) noexcept {
  const auto periods = detail::named_number(cpu_stat, "nr_periods");
  const auto throttled = detail::named_number(cpu_stat, "nr_throttled");
  if (!periods || !throttled || *throttled > *periods) return std::nullopt;
  return usage{*throttled, *periods};
}

/// True if cpu.max sets a limit: "quota period" in microseconds, or "max period" for none.
[[nodiscard]] inline bool limits_cpu(std::string_view cpu_max) noexcept {
  std::string_view line = detail::take_line(cpu_max);
  const auto quota = detail::number(detail::take_word(line));
  const auto period = detail::number(detail::take_word(line));
  return quota && period && *quota > 0 && *period > 0;
}

/// The number of bytes in a file such as memory.current or memory.max; nothing for "max".
[[nodiscard]] inline std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept {
  std::string_view line = detail::take_line(text);
  return detail::number(detail::take_word(line));
}

/// File pages that a group could give back at once. From memory.stat.
[[nodiscard]] inline std::optional<std::uint64_t> parse_inactive_file(
    std::string_view memory_stat) noexcept {
  return detail::named_number(memory_stat, "inactive_file");
}

/// The path of a process's group below the mount of cgroup v2, from /proc/self/cgroup: what follows
/// "0::". Nothing under v1.
[[nodiscard]] constexpr std::optional<std::string_view> parse_cgroup_path(
    std::string_view self_cgroup) noexcept {
  while (!self_cgroup.empty()) {
    const std::string_view line = detail::take_line(self_cgroup);
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return std::nullopt;
}

}  // namespace linux_adapter
}  // namespace v0
}  // namespace gabion
