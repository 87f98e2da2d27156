// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <string>

#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/rfc3339.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::parse_rfc3339;
using gabion::to_rfc3339;
using gabion::wall_time;

namespace {

constexpr wall_time moment =
    std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + 9h + 5min + 7s;
static_assert(parse_rfc3339("2026-01-31T09:05:07Z") == moment);

}  // namespace

TEST_CASE("a time stamp is written as short as it can be", "[core][rfc3339]") {
  CHECK(to_rfc3339(moment) == "2026-01-31T09:05:07Z");
  CHECK(to_rfc3339(moment + 250us) == "2026-01-31T09:05:07.000250Z");
  CHECK(to_rfc3339(wall_time{}) == "1970-01-01T00:00:00Z");
  CHECK(to_rfc3339(wall_time{-1us}) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("a time stamp is read with any offset and any fraction", "[core][rfc3339]") {
  CHECK(parse_rfc3339("2026-01-31t09:05:07z") == moment);
  CHECK(parse_rfc3339("2026-01-31 11:05:07+02:00") == moment);
  CHECK(parse_rfc3339("2026-01-30T23:35:07-09:30") == moment);
  CHECK(parse_rfc3339("2026-01-31T09:05:07.5Z") == moment + 500ms);
  CHECK(parse_rfc3339("2026-01-31T09:05:07.123456789123456789123456789Z") == moment + 123456us);
  CHECK(parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2017-01-01T00:00:00Z"));
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z"));
}

TEST_CASE("what is no time stamp is refused", "[core][rfc3339]") {
  for (const std::string_view bad : {"",
                                     "2026",
                                     "2026-01-31",
                                     "2026-01-31T09:05:07",
                                     "2026-01-31T09:05Z",
                                     "2026-13-01T00:00:00Z",
                                     "2026-00-01T00:00:00Z",
                                     "2026-02-29T00:00:00Z",
                                     "2026-01-32T00:00:00Z",
                                     "2026-01-31T24:00:00Z",
                                     "2026-01-31T09:60:00Z",
                                     "2026-01-31T09:05:61Z",
                                     "2026-01-31T09:05:07.Z",
                                     "2026-01-31T09:05:07Zx",
                                     "2026-01-31T09:05:07+24:00",
                                     "2026-01-31T09:05:07+02:60",
                                     "2026-01-31T09:05:07+0200",
                                     "+026-01-31T09:05:07Z",
                                     "2026-1-31T09:05:07Z",
                                     "2026/01/31T09:05:07Z",
                                     "2026-01-31T09:05:07,5Z"})
    CHECK_FALSE(parse_rfc3339(bad));
}

TEST_CASE("each moment of the years 0 to 9999 comes back from its text", "[core][rfc3339]") {
  gabion::xoshiro256 random{40};
  const auto first = *parse_rfc3339("0000-01-01T00:00:00Z");
  const auto last = *parse_rfc3339("9999-12-31T23:59:59.999999Z");
  for (int i = 0; i < 20'000; ++i) {
    const auto count =
        gabion::uniform(random, 0, static_cast<std::uint64_t>((last - first).count()));
    const wall_time at = first + std::chrono::microseconds{static_cast<std::int64_t>(count)};
    REQUIRE(parse_rfc3339(to_rfc3339(at)) == at);
  }
  CHECK(to_rfc3339(first) == "0000-01-01T00:00:00Z");
  CHECK(to_rfc3339(last) == "9999-12-31T23:59:59.999999Z");
  CHECK_THROWS_AS(to_rfc3339(first - 1us), gabion::error);
  CHECK_THROWS_AS(to_rfc3339(last + 1us), gabion::error);
  CHECK_THROWS_AS(to_rfc3339((wall_time::min)()), gabion::error);
  CHECK_THROWS_AS(to_rfc3339((wall_time::max)()), gabion::error);
}

TEST_CASE("what is read as a time stamp can be written again", "[core][rfc3339]") {
  CHECK(parse_rfc3339("0000-01-01T01:00:00+01:00") == *parse_rfc3339("0000-01-01T00:00:00Z"));
  CHECK(parse_rfc3339("9999-12-31T22:59:59-01:00") == *parse_rfc3339("9999-12-31T23:59:59Z"));
  CHECK_FALSE(parse_rfc3339("0000-01-01T00:59:59+01:00"));
  CHECK_FALSE(parse_rfc3339("9999-12-31T23:00:00-01:00"));
  CHECK_FALSE(parse_rfc3339("9999-12-31T23:59:60Z"));
}

TEST_CASE("reading a time stamp is total", "[core][rfc3339]") {
  gabion::xoshiro256 random{41};
  constexpr std::string_view likely = "0123456789-:TZ.+ tz";
  for (int i = 0; i < 50'000; ++i) {
    std::string text = "2026-01-31T09:05:07.25+02:00";
    for (std::uint64_t n = gabion::uniform(random, 6); n > 0; --n)
      text[gabion::uniform(random, text.size())] =
          gabion::uniform(random, 8) == 0 ? static_cast<char>(random())
                                          : likely[gabion::uniform(random, likely.size())];
    text.resize(text.size() - gabion::uniform(random, 3));
    const auto at = parse_rfc3339(text);
    if (!at) continue;
    REQUIRE(parse_rfc3339(to_rfc3339(*at)) == at);
  }
}
