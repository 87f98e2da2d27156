// SPDX-License-Identifier: MIT
// The sources on a folder of files that a test writes, and on the machine that it runs on.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/adapters/linux/pressure.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

using namespace std::chrono_literals;
namespace os = gabion::linux_adapter;

namespace {

/// A folder in the place of /proc or of a group.
class folder {
 public:
  void write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file{path() + "/" + name};
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << text;
  }
  void remove(const std::string& name) const { std::filesystem::remove(path() + "/" + name); }
  [[nodiscard]] std::string path() const { return root_.file("root"); }

 private:
  gabion_test::temporary_directory root_{};
};

std::string disks(std::uint64_t a, std::uint64_t b) {
  return "8 0 sda 1 2 3 4 5 6 7 8 9 " + std::to_string(a) + " 1\n8 16 sdb 1 2 3 4 5 6 7 8 9 " +
         std::to_string(b) + " 1\n";
}
std::string interface(std::uint64_t received, std::uint64_t sent) {
  return "eth0: " + std::to_string(received) + " 0 0 0 0 0 0 0 " + std::to_string(sent) + " 0\n";
}

}  // namespace

TEST_CASE("stalls are read anew each time and a file that goes is no pressure",
          "[linux][pressure]") {
  const folder proc;
  os::stall_source source{proc.path() + "/io"};
  CHECK_FALSE(source.pressure({}).has_value());
  proc.write("io",
             "some avg10=1.50 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.50 avg60=0.00 "
             "avg300=0.00 total=0\n");
  CHECK(source.pressure({}) == 150U);
  CHECK(os::stall_source{proc.path() + "/io", "full"}.pressure({}) == 50U);
  proc.write("io", "some avg10=99.00 avg60=0.00 avg300=0.00 total=0\n");
  CHECK(source.pressure({}) == 9900U);
  proc.remove("io");
  CHECK_FALSE(source.pressure({}).has_value());
}

TEST_CASE("a file that is longer than what is read of it ends with a whole line",
          "[linux][pressure]") {
  const folder proc;
  proc.write("table", "a 12\nb 345\n");
  os::detail::kernel_file cut{proc.path() + "/table", 9};
  CHECK(cut.read() == "a 12\n");
  os::detail::kernel_file short_of_a_line{proc.path() + "/table", 3};
  CHECK(short_of_a_line.read() == "");
  os::detail::kernel_file exact{proc.path() + "/table", 11};
  CHECK(exact.read() == "a 12\nb 345\n");
  os::detail::kernel_file whole{proc.path() + "/table"};
  CHECK(whole.read() == "a 12\nb 345\n");
}

TEST_CASE("how busy the processors are takes two samples", "[linux][pressure]") {
  const folder proc;
  os::cpu_busy_source source{proc.path()};
  proc.write("stat", "cpu 100 0 0 900 0 0 0 0 0 0\n");
  CHECK_FALSE(source.pressure({}).has_value());
  proc.write("stat", "cpu 130 0 0 970 0 0 0 0 0 0\n");
  CHECK(source.pressure({}) == 3000U);
  CHECK(source.pressure({}) == 0U);  // nothing has passed
  proc.write("stat", "cpu 10 0 0 90 0 0 0 0 0 0\n");
  CHECK_FALSE(source.pressure({}).has_value());  // it went back: another machine, after a migration
}

TEST_CASE("throttling counts the periods since the last sample and only under a limit",
          "[linux][pressure]") {
  const folder group;
  os::throttle_source source{group.path()};
  group.write("cpu.stat", "nr_periods 100\nnr_throttled 10\n");
  group.write("cpu.max", "max 100000\n");
  CHECK_FALSE(source.pressure({}).has_value());
  group.write("cpu.max", "50000 100000\n");
  CHECK_FALSE(source.pressure({}).has_value());
  group.write("cpu.stat", "nr_periods 200\nnr_throttled 35\n");
  CHECK(source.pressure({}) == 2500U);
  CHECK(source.pressure({}) == 0U);  // it ran in no period
}

TEST_CASE("a group's memory is measured against its lower limit without what it can give back",
          "[linux][pressure]") {
  const folder group;
  os::cgroup_memory_source source{group.path()};
  CHECK_FALSE(source.pressure({}).has_value());
  group.write("memory.current", "600\n");
  group.write("memory.max", "max\n");
  group.write("memory.high", "max\n");
  CHECK_FALSE(source.pressure({}).has_value());
  group.write("memory.max", "1000\n");
  CHECK(source.pressure({}) == 6000U);
  group.write("memory.high", "800\n");
  CHECK(source.pressure({}) == 7500U);
  group.write("memory.stat", "anon 1\ninactive_file 200\n");
  CHECK(source.pressure({}) == 5000U);
  group.write("memory.stat", "inactive_file 5000\n");
  CHECK(source.pressure({}) == 0U);
  group.write("memory.stat", "");
  group.write("memory.max", "0\n");
  CHECK(source.pressure({}) == 10'000U);
}

TEST_CASE("the busiest disk counts and one that was idle before is not hidden by one that was busy",
          "[linux][pressure]") {
  const folder proc;
  gabion::testing::manual_time time;
  os::disk_busy_source all{proc.path()};
  os::disk_busy_source first{proc.path(), "sda"};
  proc.write("diskstats", disks(1'000'000, 0));
  CHECK_FALSE(all.pressure(time.now()).has_value());
  CHECK_FALSE(first.pressure(time.now()).has_value());
  time.advance(1s);
  proc.write("diskstats", disks(1'000'100, 800));
  CHECK(all.pressure(time.now()) == 8000U);
  CHECK(first.pressure(time.now()) == 1000U);
  proc.write("diskstats", disks(0, 0));  // counters that went back
  time.advance(1s);
  CHECK_FALSE(all.pressure(time.now()).has_value());
}

TEST_CASE("the network is measured in the busier direction against what the link can carry",
          "[linux][pressure]") {
  const folder proc;
  gabion::testing::manual_time time;
  os::network_use_source source{1'000'000, proc.path(), "eth0"};
  proc.write("net/dev", interface(5'000, 7'000));
  CHECK_FALSE(source.pressure(time.now()).has_value());
  time.advance(500ms);
  proc.write("net/dev", interface(105'000, 307'000));
  CHECK(source.pressure(time.now()) == 6000U);
  time.advance(-1s);
  CHECK_FALSE(source.pressure(time.now()).has_value());  // the clock went back
  time.advance(2s);
  proc.write("net/dev", interface(999'999'999, 0));
  CHECK_FALSE(source.pressure(time.now()).has_value());  // a counter went back
  CHECK_THROWS_WITH(os::network_use_source{0},
                    Catch::Contains("bytes_per_second is 0; allowed: 1 and up"));
}

TEST_CASE("a very long time or a very fast link do not overflow", "[linux][pressure]") {
  const folder proc;
  os::network_use_source source{~std::uint64_t{0}, proc.path(), "eth0"};
  proc.write("net/dev", interface(0, 0));
  CHECK_FALSE(source.pressure(gabion::instant{}).has_value());
  proc.write("net/dev", interface(~std::uint64_t{0}, 0));
  CHECK(source.pressure((gabion::instant::max)()) == 10'000U);
}

TEST_CASE("the best source that there is speaks", "[linux][pressure]") {
  const folder proc;
  const folder group;
  auto cpu = os::cpu_pressure(group.path(), proc.path());
  CHECK_FALSE(cpu.pressure({}).has_value());
  proc.write("stat", "cpu 100 0 0 900 0 0 0 0 0 0\n");
  CHECK_FALSE(cpu.pressure({}).has_value());
  proc.write("stat", "cpu 150 0 0 950 0 0 0 0 0 0\n");
  CHECK(cpu.pressure({}) == 5000U);
  proc.write("pressure/cpu", "some avg10=20.00 avg60=0.00 avg300=0.00 total=0\n");
  CHECK(cpu.pressure({}) == 2000U);
  group.write("cpu.pressure", "some avg10=30.00 avg60=0.00 avg300=0.00 total=0\n");
  CHECK(cpu.pressure({}) == 3000U);

  auto memory = os::memory_pressure(group.path(), proc.path());
  CHECK_FALSE(memory.pressure({}).has_value());
  proc.write("meminfo", "MemTotal: 100 kB\nMemAvailable: 60 kB\n");
  CHECK(memory.pressure({}) == 4000U);
  group.write("memory.current", "90");
  group.write("memory.max", "100");
  CHECK(memory.pressure({}) == 9000U);
  group.write("memory.pressure", "some avg10=95.00 avg60=0.00 avg300=0.00 total=0\n");
  CHECK(memory.pressure({}) == 9500U);

  auto disk = os::disk_pressure(group.path(), proc.path());
  proc.write("diskstats", disks(0, 0));
  CHECK_FALSE(disk.pressure(gabion::instant{}).has_value());
  proc.write("diskstats", disks(250, 0));
  CHECK(disk.pressure(gabion::instant{} + 1s) == 2500U);
}

TEST_CASE("the folder of the group is found", "[linux][pressure]") {
  const folder proc;
  CHECK(os::find_cgroup(proc.path(), "/cg").empty());
  proc.write("self/cgroup", "0::/a.slice/b.service\n");
  CHECK(os::find_cgroup(proc.path(), "/cg") == "/cg/a.slice/b.service");
  proc.write("self/cgroup", "0::/\n");
  CHECK(os::find_cgroup(proc.path(), "/cg") == "/cg");
  proc.write("self/cgroup", "4:cpu:/x\n");
  CHECK(os::find_cgroup(proc.path(), "/cg").empty());
}

TEST_CASE("the machine that this runs on can be asked", "[linux][pressure]") {
  auto memory = os::memory_pressure();
  const auto p = memory.pressure(gabion::steady_clock::now());
  REQUIRE(p.has_value());
  CHECK(*p <= 10'000U);
}
