// SPDX-License-Identifier: MIT
#include <cstdint>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/resilience/detail/bucket_rule.hpp>
#include <gabion/resilience/detail/wide.hpp>

#include "support/catch.hpp"

namespace {

using gabion::detail::floor_divide;
using gabion::detail::narrowed;
using gabion::detail::product;
using gabion::detail::wide;

const std::vector<std::int64_t> edges{0,
                                      1,
                                      -1,
                                      2,
                                      -2,
                                      3,
                                      0x7fff'ffff,
                                      0x8000'0000,
                                      0xffff'ffff,
                                      0x1'0000'0000,
                                      -0x8000'0000LL,
                                      -0xffff'ffffLL,
                                      -0x1'0000'0000LL,
                                      INT64_MAX,
                                      INT64_MAX - 1,
                                      INT64_MIN,
                                      INT64_MIN + 1};

#ifdef __SIZEOF_INT128__
__extension__ using builtin = __int128;

builtin as_builtin(wide value) {
  return static_cast<builtin>(value.high) * (builtin{1} << 64U) + static_cast<builtin>(value.low);
}

wide from_builtin(builtin value) {
  return {static_cast<std::uint64_t>(value >> 64U), static_cast<std::uint64_t>(value)};
}

/// Everything that is done with two numbers, beside the compiler's own type of 128 bits.
bool agrees(std::int64_t a, std::int64_t b, std::int64_t c) {
  const builtin exact = static_cast<builtin>(a) * b;
  const wide here = product(a, b);
  bool same = as_builtin(here) == exact && from_builtin(exact) == here;
  same = same && as_builtin(here - wide{c}) == exact - c && as_builtin(here + wide{c}) == exact + c;
  same = same && (here < wide{c}) == (exact < c) && (here > wide{c}) == (exact > c);
  const builtin held = exact > INT64_MAX ? INT64_MAX : exact < INT64_MIN ? INT64_MIN : exact;
  same = same && narrowed(here) == static_cast<std::int64_t>(held);
  if (c <= 0) return same;
  builtin whole = exact / c;
  builtin rest = exact % c;
  if (rest < 0) {
    rest += c;
    --whole;
  }
  const auto q = floor_divide(here, c);
  return same && as_builtin(q.whole) == whole && q.rest == static_cast<std::int64_t>(rest);
}
#endif

}  // namespace

TEST_CASE("wide numbers are ordered across the ends of 64 bits", "[resilience][wide]") {
  const std::vector<wide> rising{gabion::detail::bucket_rule::long_ago,
                                 product(INT64_MIN, INT64_MAX),
                                 wide{INT64_MIN} - 1,
                                 INT64_MIN,
                                 -1,
                                 0,
                                 1,
                                 INT64_MAX,
                                 wide{INT64_MAX} + 1,
                                 product(INT64_MIN, INT64_MIN)};
  // -2^100 is above -2^126.
  CHECK(rising[0] > rising[1]);
  for (std::size_t i = 2; i < rising.size(); ++i) CHECK(rising[i - 1] < rising[i]);
}

TEST_CASE("wide products and quotients are exact at the limits", "[resilience][wide]") {
  CHECK(product(INT64_MIN, INT64_MIN) == wide{std::uint64_t{1} << 62U, 0});
  CHECK(product(INT64_MAX, INT64_MAX) == wide{0x3fff'ffff'ffff'ffffU, 1});
  CHECK(product(INT64_MIN, INT64_MAX) == wide{0xc000'0000'0000'0000U, std::uint64_t{1} << 63U});
  CHECK(product(-1, 1) == wide{-1});
  CHECK(floor_divide(-7, 2).whole == wide{-4});
  CHECK(floor_divide(-7, 2).rest == 1);
  CHECK(floor_divide(product(INT64_MAX, INT64_MAX), INT64_MAX).whole == wide{INT64_MAX});
  CHECK(floor_divide(product(INT64_MIN, INT64_MAX), INT64_MAX).whole == wide{INT64_MIN});
  CHECK(narrowed(wide{INT64_MAX} + 1) == INT64_MAX);
  CHECK(narrowed(wide{INT64_MIN} - 1) == INT64_MIN);
}

#ifdef __SIZEOF_INT128__
TEST_CASE("wide arithmetic gives what the compiler's own type gives", "[resilience][wide]") {
  for (const std::int64_t a : edges)
    for (const std::int64_t b : edges)
      for (const std::int64_t c : edges)
        if (!agrees(a, b, c)) FAIL(a << " * " << b << " with " << c);

  gabion::xoshiro256 random{128};
  for (int i = 0; i < 20'000; ++i) {
    const auto drawn = [&] {  // of every size
      return static_cast<std::int64_t>(random()) >> gabion::uniform(random, 64);
    };
    const std::int64_t a = drawn();
    const std::int64_t b = drawn();
    const std::int64_t c = drawn();
    if (!agrees(a, b, c)) FAIL(a << " * " << b << " with " << c);
  }
}
#endif

TEST_CASE("a debt beyond 64 bits stays a debt under another rule", "[resilience][wide]") {
  using gabion::detail::bucket_rule;
  const bucket_rule fast{{.permits = 1'000'000'000, .per = gabion::duration{1}}, 10};
  const bucket_rule slow{{.permits = 1, .per = gabion::duration{INT64_C(31'622'400'000'000'000)}},
                         10};
  const wide debt = wide{0} - product(INT64_MAX, 1'000'000'000);
  CHECK(slow.converted(debt, fast) < wide{INT64_MIN});
  CHECK(slow.converted(fast.capacity, fast) == slow.capacity);
  CHECK(fast.converted(slow.capacity, slow) == fast.capacity);
}
