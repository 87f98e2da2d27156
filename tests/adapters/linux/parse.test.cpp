// SPDX-License-Identifier: MIT
// What the kernel's files say, on texts as kernels have written them and on texts that no kernel
// writes.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/adapters/linux/parse.hpp>
#include <gabion/core/random.hpp>

#include "support/catch.hpp"

namespace os = gabion::linux_adapter;

namespace {

constexpr std::string_view stalls =
    "some avg10=12.34 avg60=3.00 avg300=0.81 total=19472134\n"
    "full avg10=0.07 avg60=0.00 avg300=0.00 total=11204\n";

constexpr std::string_view stat =
    "cpu  1000 20 300 7000 180 0 50 10 0 0\n"
    "cpu0 500 10 150 3500 90 0 25 5 0 0\n"
    "intr 123456789 0 0\n";

constexpr std::string_view meminfo =
    "MemTotal:       16384000 kB\n"
    "MemFree:          512000 kB\n"
    "MemAvailable:    4096000 kB\n"
    "Buffers:          120000 kB\n";

constexpr std::string_view diskstats =
    "   7       0 loop0 59 0 2236 20 0 0 0 0 0 36 20 0 0 0 0 0 0\n"
    " 259       0 nvme0n1 1042711 5137 40224962 209914 3208514 2243171 161346736 5220171 0 1463764 "
    "5515201 0 0 0 0 251364 85115\n"
    " 259       1 nvme0n1p1 196 0 14464 34 2 0 2 0 0 96 35 0 0 0 0 0 0\n";

constexpr std::string_view net_dev =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n"
    "    lo: 4123412   12345    0    0    0     0          0         0  4123412   12345    0    0  "
    "  0     0       0          0\n"
    "  eth0: 1000000    2000    0    0    0     0          0         0   500000    1500    0    0  "
    "  0     0       0          0\n"
    "wlan0:  1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n";

constexpr std::string_view cpu_stat =
    "usage_usec 5213413\nuser_usec 4000000\nsystem_usec 1213413\nnr_periods 400\nnr_throttled "
    "100\nthrottled_usec 77123\n";

}  // namespace

TEST_CASE("a pressure file reads as the share of the last ten seconds", "[linux][parse]") {
  CHECK(os::parse_stall(stalls) == 1234U);
  CHECK(os::parse_stall(stalls, "full") == 7U);
  CHECK(os::parse_stall("some avg10=100.00 avg60=0.00 avg300=0.00 total=1\n") == 10'000U);
  CHECK(os::parse_stall("some avg10=100.99 avg60=0.00 avg300=0.00 total=1\n") == 10'000U);
  CHECK(os::parse_stall("some avg10=0.00 avg60=0.00 avg300=0.00 total=0") == 0U);
}

TEST_CASE("what is no pressure file reads as nothing", "[linux][parse]") {
  const std::string_view text =
      GENERATE("", "\n", "some", "some ", "some avg10", "some avg10=", "some avg10=1",
               "some avg10=1.5 x", "some avg10=1.234 x", "some avg10=-1.00 x",
               "some avg10=101.00 x", "some avg60=1.00", "some avg10=99999999999999999999.00 x",
               "full avg10=1.00 x", "some avg10=1,00 x", "some avg10= 1.00 x", "some\0avg10=1.00");
  CAPTURE(text);
  CHECK_FALSE(os::parse_stall(text).has_value());
}

TEST_CASE("processor time is summed over all fields and waiting is idle", "[linux][parse]") {
  CHECK(os::parse_cpu_time(stat) == os::usage{1380, 8560});
  CHECK(os::parse_cpu_time("cpu 1 2 3 4\n") == os::usage{6, 10});  // kernels before 2.5
  CHECK_FALSE(os::parse_cpu_time("cpu0 1 2 3 4\n").has_value());
  CHECK_FALSE(os::parse_cpu_time("cpu 1 2 3\n").has_value());
  CHECK_FALSE(os::parse_cpu_time("cpu 1 2 x 4\n").has_value());
  CHECK_FALSE(os::parse_cpu_time("").has_value());
}

TEST_CASE("memory in use is what is not available", "[linux][parse]") {
  CHECK(os::parse_memory(meminfo) == os::usage{12'288'000, 16'384'000});
  CHECK_FALSE(os::parse_memory("MemTotal: 16384000 kB\n").has_value());
  CHECK_FALSE(os::parse_memory("MemTotal: 1 kB\nMemAvailable: 2 kB\n").has_value());
  CHECK_FALSE(os::parse_memory("MemTotal: x kB\nMemAvailable: 2 kB\n").has_value());
}

TEST_CASE("disks are told apart and loops and broken lines are left out", "[linux][parse]") {
  const auto all = [](std::string_view text) {
    std::vector<std::pair<std::string, std::uint64_t>> seen;
    os::each_disk_time(
        text, [&](std::string_view name, std::uint64_t busy) { seen.emplace_back(name, busy); });
    return seen;
  };
  CHECK(all(diskstats) == std::vector<std::pair<std::string, std::uint64_t>>{{"nvme0n1", 1'463'764},
                                                                             {"nvme0n1p1", 96}});
  CHECK(all("").empty());
  CHECK(all("8 0 sda 1 2 3\n\n8 1\n").empty());
  CHECK(all("8 0 sda 1 2 3 4 5 6 7 8 9 x 1\n").empty());
  CHECK(all("8 0 ram0 1 2 3 4 5 6 7 8 9 10 1\n").empty());
}

TEST_CASE("traffic is that of one interface or of all but the loopback", "[linux][parse]") {
  CHECK(os::parse_traffic(net_dev) == os::traffic{1'001'000, 502'000});
  CHECK(os::parse_traffic(net_dev, "eth0") == os::traffic{1'000'000, 500'000});
  CHECK(os::parse_traffic(net_dev, "wlan0") == os::traffic{1000, 2000});
  CHECK(os::parse_traffic(net_dev, "lo") == os::traffic{4'123'412, 4'123'412});
  // no blank after the colon
  CHECK(os::parse_traffic("eth0:7 0 0 0 0 0 0 0 8 0\n") == os::traffic{7, 8});
  CHECK_FALSE(os::parse_traffic(net_dev, "eth1").has_value());
  CHECK_FALSE(os::parse_traffic("").has_value());
  CHECK_FALSE(os::parse_traffic("eth0: 7 0 0\n").has_value());
  CHECK_FALSE(os::parse_traffic("eth0: many 0 0 0 0 0 0 0 8\n").has_value());
}

TEST_CASE("a group's throttling and limits and bytes are read", "[linux][parse]") {
  CHECK(os::parse_throttling(cpu_stat) == os::usage{100, 400});
  CHECK_FALSE(os::parse_throttling("usage_usec 5\n").has_value());
  CHECK_FALSE(os::parse_throttling("nr_periods 1\nnr_throttled 2\n").has_value());
  CHECK(os::limits_cpu("50000 100000\n"));
  CHECK_FALSE(os::limits_cpu("max 100000\n"));
  CHECK_FALSE(os::limits_cpu("0 100000\n"));
  CHECK_FALSE(os::limits_cpu("50000\n"));
  CHECK_FALSE(os::limits_cpu(""));
  CHECK(os::parse_bytes("1048576\n") == 1'048'576U);
  CHECK_FALSE(os::parse_bytes("max\n").has_value());
  CHECK_FALSE(os::parse_bytes("").has_value());
  CHECK_FALSE(os::parse_bytes("18446744073709551616\n").has_value());
  CHECK(os::parse_inactive_file("anon 1\nfile 2\ninactive_file 300\n") == 300U);
  CHECK_FALSE(os::parse_inactive_file("anon 1\n").has_value());
}

TEST_CASE("the group of a process is found under version two only", "[linux][parse]") {
  CHECK(os::parse_cgroup_path("0::/user.slice/app.service\n") == "/user.slice/app.service");
  CHECK(os::parse_cgroup_path("12:cpu:/x\n1:name=systemd:/y\n0::/\n") == "/");
  CHECK_FALSE(os::parse_cgroup_path("12:cpu:/x\n").has_value());
  CHECK_FALSE(os::parse_cgroup_path("0::relative\n").has_value());
  CHECK_FALSE(os::parse_cgroup_path("").has_value());
}

TEST_CASE("no text whatever makes a reader fail", "[linux][parse][property]") {
  gabion::xoshiro256 random{7};
  const std::vector<std::string_view> seeds{stalls,  stat,     meminfo,   diskstats,
                                            net_dev, cpu_stat, "0::/a\n", "max 1\n"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text{seeds[gabion::uniform(random, seeds.size())]};
    for (std::uint64_t n = gabion::uniform(random, 6); n > 0 && !text.empty(); --n) {
      const std::size_t at = gabion::uniform(random, text.size());
      switch (gabion::uniform(random, 3)) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + gabion::uniform(random, 20)); break;
        default: text.insert(at, 1, " \n:.=9"[gabion::uniform(random, 6)]);
      }
    }
    if (const auto p = os::parse_stall(text)) CHECK(*p <= 10'000U);
    if (const auto m = os::parse_memory(text)) CHECK(m->used <= m->total);
    if (const auto t = os::parse_throttling(text)) CHECK(t->used <= t->total);
    static_cast<void>(os::parse_cpu_time(text));
    static_cast<void>(os::parse_traffic(text));
    static_cast<void>(os::parse_bytes(text));
    static_cast<void>(os::limits_cpu(text));
    static_cast<void>(os::parse_cgroup_path(text));
    os::each_disk_time(text,
                       [](std::string_view name, std::uint64_t) { CHECK_FALSE(name.empty()); });
  }
}
