// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gabion/log/pump.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

struct record {
  gabion::position at{};
  std::string key{};
};

}  // namespace

template <>
struct gabion::pump_traits<record> {
  static position at(const record& r) { return r.at; }
  static std::string_view key(const record& r) { return r.key; }
  static std::uint32_t attempts(const record&) { return 0; }
  static bool blocked(const record&) { return false; }
  static std::size_t bytes(const record&) { return sizeof(record); }
};

namespace {

using namespace gabion;

constexpr std::size_t per_pass = 10'000;

std::vector<record> feed(std::size_t keys) {
  std::vector<record> all;
  for (std::size_t i = 0; i < per_pass; ++i)
    all.push_back({position{i + 1}, keys == 0 ? std::string{} : "key-" + std::to_string(i % keys)});
  return all;
}

/// The same records copied out of the feed in pages and looked at in a loop.
void copy_and_look(benchmark::State& state) {
  const std::vector<record> all = feed(100);
  for (auto _ : state) {
    for (std::size_t from = 0; from < all.size(); from += 1000) {
      std::vector<record> page(all.begin() + static_cast<std::ptrdiff_t>(from),
                               all.begin() + static_cast<std::ptrdiff_t>(from + 1000));
      for (const record& r : page) benchmark::DoNotOptimize(r.key.data());
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(per_pass));
}

/// Every record through the pump into a sink that delivers at once, with one settlement per batch.
template <std::size_t Keys, bool KeepsOrder>
void through_pump(benchmark::State& state) {
  const std::vector<record> all = feed(Keys);
  const pump_shape shape{.leased = false, .keeps_key_order = KeepsOrder};
  std::vector<delivery> deliveries;
  for (auto _ : state) {
    pump<record> p{{}, shape, xoshiro256{1}};
    std::size_t done = 0;
    const instant now{};
    while (done < per_pass) {
      const auto a = p.next(now);
      if (a.step == pump_step::fetch) {
        const auto from =
            static_cast<std::ptrdiff_t>((std::min)(to_number(a.after), std::uint64_t{per_pass}));
        const auto n = (std::min)(static_cast<std::ptrdiff_t>(a.limit),
                                  static_cast<std::ptrdiff_t>(per_pass) - from);
        const auto skip = (std::max)(from, static_cast<std::ptrdiff_t>(done));
        p.fetched(
            std::vector<record>(
                all.begin() + skip,
                all.begin() +
                    (std::max)(skip, (std::min)(skip + n, static_cast<std::ptrdiff_t>(per_pass)))),
            now);
      } else if (a.step == pump_step::submit) {
        deliveries.clear();
        for (const auto& s : a.batch) deliveries.push_back({.at = s.at});
        p.submitted(a.batch.size(), now);
        p.resolved(deliveries, now);
      } else if (a.step == pump_step::settle) {
        done += a.settlements.size();
        p.settled(settle_status::applied);
      } else {
        state.SkipWithError("the pump waits");
        return;
      }
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(per_pass));
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("copy and read a record", copy_and_look);
  row("a record without a key", "copy and read a record", through_pump<0, true>);
  row("a record with one of 100 keys", "copy and read a record", through_pump<100, true>);
  row("a record with one of 100 keys, order not kept", "copy and read a record",
      through_pump<100, false>);
  row("a record with a new key", "copy and read a record", through_pump<10'000, true>);
  return true;
}();

}  // namespace
