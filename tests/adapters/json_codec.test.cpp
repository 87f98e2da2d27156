// SPDX-License-Identifier: MIT
#include <gabion/adapters/nlohmann_json/codec.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>

#include "support/catch.hpp"

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using gabion::errc;
using gabion::json_codec;

namespace {

struct order {
  static constexpr std::string_view wire_name = "order.placed";
  std::string id{};
  std::int64_t cents = 0;
  std::vector<double> weights{};
  friend bool operator==(const order&, const order&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order, id, cents, weights)

/// Refuses a value in terms of its own.
struct quantity {
  std::int64_t value = 0;
};
void to_json(nlohmann::json& j, const quantity& q) { j = q.value; }
void from_json(const nlohmann::json& j, quantity& q) {
  q.value = j.get<std::int64_t>();
  if (q.value < 0) throw std::out_of_range{"a quantity is negative"};
  if (q.value == 0) throw gabion::error{errc::rejected, "a quantity is zero"};
}

struct plain {};

static_assert(gabion::codec_for<json_codec, order> &&
              gabion::explain_codec_for<json_codec, order>());
static_assert(gabion::codec_for<json_codec, std::vector<order>> &&
              gabion::codec_for<json_codec, std::map<std::string, int>>);
static_assert(!gabion::codec_for<json_codec, plain>);

/// What decode or encode throws, empty if nothing.
template <class Function>
[[nodiscard]] std::string refusal(errc expected, Function&& run) {
  try {
    static_cast<void>(run());
  } catch (const gabion::error& e) {
    CHECK(e.code() == expected);
    return e.what();
  }
  return {};
}

[[nodiscard]] std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("a value comes back from its JSON", "[json][codec]") {
  const json_codec codec;
  CHECK(codec.content_type() == "application/json");
  const order o{"o-\u00e9\"\n", -5, {1.5, 1e300, 0.1}};
  CHECK(codec.decode<order>(codec.encode(o)) == o);
  CHECK(codec.encode(order{"1", 2, {}}) == R"({"cents":2,"id":"1","weights":[]})");
}

TEST_CASE("a text that is not the value is refused and what is wrong is named", "[json][codec]") {
  const json_codec codec;
  const auto decode = [&](std::string_view text) {
    return refusal(errc::corrupt, [&] { return codec.decode<order>(text); });
  };
  CHECK_THAT(decode(R"({"id":"1","weights":[]})"),
             StartsWith("json_codec: order.placed: ") && Contains("key 'cents' not found"));
  CHECK_THAT(decode(R"({"id":"1","cents":"x","weights":[]})"),
             Contains("type must be number, but is string"));
  CHECK_THAT(decode("{\"id\":"), Contains("parse error at line 1, column 7"));
  CHECK_THAT(decode(""), Contains("parse error"));
  CHECK_THAT(decode("[]"), Contains("order.placed"));
  CHECK_THAT(decode("{} x"), Contains("parse error"));
  CHECK_THAT(decode(std::string("{\0}", 3)), Contains("parse error"));
  CHECK_THAT(decode("{\"id\":\"\xff\"}"), Contains("ill-formed UTF-8"));
}

TEST_CASE("what a value itself refuses is told", "[json][codec]") {
  const json_codec codec;
  CHECK(codec.decode<quantity>(codec.encode(quantity{5})).value == 5);
  CHECK_THAT(refusal(errc::corrupt, [&] { return codec.decode<quantity>("-5"); }),
             Contains("json_codec: a quantity is negative"));
  CHECK_THAT(refusal(errc::rejected, [&] { return codec.decode<quantity>("0"); }),
             StartsWith("a quantity is zero"));
}

TEST_CASE("what would not come back is not written", "[json][codec]") {
  const json_codec codec;
  const auto encode = [&](const order& o) {
    return refusal(errc::invalid_argument, [&] { return codec.encode(o); });
  };
  CHECK_THAT(encode({"\xff", 0, {}}),
             StartsWith("json_codec: order.placed: ") && Contains("invalid UTF-8"));
  for (const double bad :
       {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()})
    CHECK_THAT(encode({"1", 0, {1.0, bad}}), Contains("infinite or not a number"));
  nlohmann::json deep = 1;
  for (int i = 0; i < 65; ++i) deep = nlohmann::json::array({deep});
  CHECK_THAT(refusal(errc::invalid_argument, [&] { return codec.encode(deep); }),
             Contains("deeper than max_depth"));
  CHECK(refusal(errc::invalid_argument, [&] { return codec.encode(deep[0]); }).empty());
}

TEST_CASE("depth and size are bounded on both sides", "[json][codec]") {
  const json_codec codec{{.max_depth = 5, .max_bytes = 20}};
  using tree = nlohmann::json;
  const auto decode = [&](errc expected, const std::string& text) {
    return refusal(expected, [&] { return codec.decode<tree>(text); });
  };
  CHECK(decode(errc::corrupt, nested(5)).empty());
  CHECK_THAT(decode(errc::corrupt, nested(6)), Contains("nest deeper than 5"));
  CHECK(decode(errc::corrupt, R"(["\"[[[[[[{{{{"])").empty());
  CHECK(decode(errc::corrupt, "[[],[],[],[],[],[]]").empty());
  CHECK(decode(errc::too_large, '"' + std::string(18, 'x') + '"').empty());
  CHECK_THAT(decode(errc::too_large, '"' + std::string(19, 'x') + '"'),
             Contains("21 bytes; allowed: up to 20"));
  CHECK(codec.encode(std::string(18, 'x')).size() == 20);
  CHECK_THAT(refusal(errc::too_large, [&] { return codec.encode(std::string(19, 'x')); }),
             Contains("21 bytes; allowed: up to 20"));
  // far beyond any stack
  CHECK_THAT(
      refusal(errc::corrupt, [] { return json_codec{}.decode<tree>(std::string(1'000'000, '[')); }),
      Contains("nest deeper than 64"));
}

TEST_CASE("codec options outside their range are refused by name", "[json][codec]") {
  const auto make = [](gabion::json_codec_options o) {
    return refusal(errc::invalid_argument, [&] { return json_codec{o}; });
  };
  CHECK_THAT(make({.max_depth = 0}),
             Contains("json_codec_options.max_depth is 0; allowed: 1 to 1024"));
  CHECK_THAT(make({.max_depth = 1025}), Contains("1025"));
  CHECK_THAT(make({.max_bytes = 0}),
             Contains("json_codec_options.max_bytes is 0; allowed: 1 and up"));
  CHECK(make({.max_depth = 1024, .max_bytes = 1}).empty());
}

TEST_CASE("decoding takes any bytes", "[json][codec]") {
  gabion::xoshiro256 random{80};
  const json_codec codec{{.max_depth = 8}};
  const std::string good = R"({"id":"o-1\u00e9","cents":-12,"weights":[1.5,2e3,[{"a":null}]]})";
  int decoded = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (std::uint64_t n = gabion::uniform(random, 4); n > 0; --n) {
      const std::size_t where = gabion::uniform(random, text.size());
      switch (gabion::uniform(random, 3)) {
        case 0: text[where] = static_cast<char>(random()); break;
        case 1: text.erase(where, gabion::uniform(random, 5)); break;
        default: text.insert(where, 1, "{}[]\",:0\\"[gabion::uniform(random, 9)]); break;
      }
    }
    try {
      const auto value = codec.decode<nlohmann::json>(text);
      REQUIRE(codec.decode<nlohmann::json>(codec.encode(value)) == value);
      ++decoded;
    } catch (const gabion::error& e) {
      REQUIRE(e.code() == errc::corrupt);
    }
  }
  CHECK(decoded > 1000);
}
