// SPDX-License-Identifier: MIT
#include <optional>
#include <string>
#include <string_view>

#include <gabion/cqrs/consistency_token.hpp>

#include "support/catch.hpp"

using gabion::consistency_token;
using gabion::position;

TEST_CASE("a token comes back from its text as it went in", "[consistency_token]") {
  for (const std::size_t size : {0U, 1U, 2U, 3U, 100U, 255U})
    for (const std::uint64_t at :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{300}, ~std::uint64_t{0}}) {
      const consistency_token token{std::string(size, '\xff'), position{at}};
      const std::string text = gabion::encode(token);
      CHECK(text.find_first_not_of(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
            std::string::npos);
      CHECK(gabion::parse_consistency_token(text) == token);
    }
}

TEST_CASE("a source name over its limit is refused on both sides", "[consistency_token][bounds]") {
  CHECK_THROWS_WITH(gabion::encode(consistency_token{std::string(256, 'x'), {}}),
                    Catch::Contains("consistency_token.source has 256 bytes"));
  const std::string too_long = gabion::detail::base64url(
      std::string{"\1", 1} + std::string(8, '\0') + std::string(256, 'x'));
  CHECK_FALSE(gabion::parse_consistency_token(too_long).has_value());
}

TEST_CASE("text that is no token is nothing and never half a token",
          "[consistency_token][errors]") {
  const std::string good = gabion::encode({"orders", position{300}});
  REQUIRE(gabion::parse_consistency_token(good).has_value());
  for (const std::string_view bad :
       {"", "A", "AQ", "token", "AQAAAAAAAAE", "AgAAAAAAAAEs",
        "AQAAAAAAAAEsb3JkZXJz=", "AQAAAAAAAAEs b3Jk", "AQAAAAAAAAEsb3JkZXJzA+"})
    CHECK_FALSE(gabion::parse_consistency_token(bad).has_value());
  // The last digit of this one carries two bits that encode nothing: only zero is canonical.
  std::string sloppy = gabion::encode({"", position{1}});
  CHECK(gabion::parse_consistency_token(sloppy).has_value());
  sloppy = gabion::encode({"a", position{1}});
  sloppy.back() = static_cast<char>(sloppy.back() + 1);
  CHECK_FALSE(gabion::parse_consistency_token(sloppy).has_value());
}

TEST_CASE("tokens of one source are compared by position", "[consistency_token]") {
  const consistency_token early{"orders", position{4}};
  const consistency_token late{"orders", position{9}};
  CHECK(covers(late, early));
  CHECK(covers(early, early));
  CHECK_FALSE(covers(early, late));
  CHECK(positions_behind(early, late) == 5);
  CHECK(positions_behind(late, early) == 0);
}

TEST_CASE("tokens of two sources are refused as not comparable", "[consistency_token][K3]") {
  const consistency_token a{"orders/tenant-a", position{4}};
  const consistency_token b{"orders/tenant-b", position{9}};
  CHECK_THROWS_WITH(
      covers(a, b),
      Catch::Contains("'orders/tenant-b' cannot be compared with a position in 'orders/tenant-a'"));
  CHECK_THROWS_AS(positions_behind(a, b), gabion::error);
}
