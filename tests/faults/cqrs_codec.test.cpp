// SPDX-License-Identifier: MIT
#include <gabion/adapters/nlohmann_json/codec.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <gabion/core/error.hpp>

#include "support/catch.hpp"

namespace shop {

enum class color : std::uint8_t { red, green };
enum class size : int { small, large };

struct line {
  std::string sku{};
  int quantity = 0;
  std::int64_t cents = 0;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(line, sku, quantity, cents)
  friend bool operator==(const line&, const line&) = default;
};

struct order {
  static constexpr std::string_view wire_name = "order.placed";
  std::uint32_t number = 0;
  std::int64_t cents = 0;
  double weight = 0;
  float share = 0;
  bool gift = false;
  color paint = color::red;
  size fit = size::small;
  line first{};
  std::vector<line> lines{};
  std::array<std::int8_t, 2> pair{};
  std::map<std::string, int> stock{};
  std::set<int> tags{};
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(order, number, cents, weight, share, gift, paint, fit, first,
                                 lines, pair, stock, tags)
  friend bool operator==(const order&, const order&) = default;
};

/// Reads an older form too: "units" became "cents".
struct price {
  std::int64_t cents = 0;
  friend void to_json(nlohmann::json& j, const price& p) { j = {{"amount", p.cents}}; }
  friend void from_json(const nlohmann::json& j, price& p) {
    p.cents = j.at("amount").get<std::int64_t>() * (j.contains("cents") ? 1 : 256);
  }
};

struct maybe {
  std::optional<std::int16_t> count{};
};

}  // namespace shop

template <class T>
struct nlohmann::adl_serializer<std::optional<T>> {
  static void to_json(json& j, const std::optional<T>& value) {
    if (value) {
      j = *value;
    } else {
      j = nullptr;
    }
  }
  static void from_json(const json& j, std::optional<T>& value) {
    if (j.is_null()) {
      value.reset();
    } else {
      value = j.get<T>();
    }
  }
};

namespace shop {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(maybe, count)
}  // namespace shop

using namespace gabion;

namespace {

const shop::order sample{.number = 4'000'000'000,
                         .cents = 9'007'199'254'740'993,
                         .weight = 1.9,
                         .share = 0.1F,
                         .gift = true,
                         .paint = shop::color::green,
                         .fit = shop::size::large,
                         .first = {"a", 1, -5},
                         .lines = {{"b", 2, 7}, {"c", 300, 0}},
                         .pair = {-128, 127},
                         .stock = {{"a", 1}, {"b", -1}},
                         .tags = {44, 300}};

/// The sample as JSON, with one value exchanged.
std::string with(const char* pointer, const char* value) {
  nlohmann::json tree = sample;
  tree.at(nlohmann::json::json_pointer{pointer}) = nlohmann::json::parse(value);
  return tree.dump();
}

template <class T>
std::string complaint_of(std::string_view text) {
  try {
    (void)json_codec{}.decode<T>(text);
  } catch (const gabion::error& e) {
    return e.code() == make_error_code(errc::corrupt) ? e.what() : "another code";
  } catch (const std::exception& e) {
    return std::string{"no gabion::error: "} + e.what();
  }
  return "decoded";
}

}  // namespace

TEST_CASE("Q3: a number that its integer cannot hold is corrupt, and the error names the field",
          "[fault]") {
  struct row {
    const char* pointer;
    const char* value;
  };
  const row rows[] = {
      {"/number", "4294967296"},
      {"/number", "-1"},
      {"/number", "1.9"},
      {"/number", "true"},
      {"/cents", "9223372036854775808"},
      {"/cents", "18446744073709551615"},
      {"/cents", "1e30"},
      {"/cents", "0.5"},
      {"/cents", "false"},
      {"/paint", "257"},
      {"/paint", "0.5"},
      {"/fit", "4294967297"},
      {"/first/quantity", "99999999999"},
      {"/first/quantity", "-2147483649"},
      {"/first/cents", "1.5"},
      {"/lines/1/quantity", "99999999999"},
      {"/lines/1/quantity", "true"},
      {"/lines/0/cents", "1e19"},
      {"/pair/1", "128"},
      {"/pair/0", "-129"},
      {"/stock/b", "2147483648"},
      {"/stock/b", "false"},
  };
  for (const row& r : rows) {
    CAPTURE(r.pointer, r.value);
    const std::string complaint = complaint_of<shop::order>(with(r.pointer, r.value));
    CHECK_THAT(complaint, Catch::Contains("order.placed") && Catch::Contains(r.pointer));
  }
}

TEST_CASE("Q3: numbers alone, in arrays and in optionals are checked", "[fault]") {
  CHECK_THAT(complaint_of<int>("2147483648"), Catch::Contains("2147483648"));
  CHECK_THAT(complaint_of<int>("1.5"), Catch::Contains("1.5"));
  CHECK_THAT(complaint_of<int>("true"), Catch::Contains("true"));
  CHECK_THAT(complaint_of<std::uint64_t>("-1"), Catch::Contains("-1"));
  CHECK_THAT(complaint_of<std::vector<int>>("[1,2,3.5]"), Catch::Contains("/2"));
  CHECK_THAT(complaint_of<std::vector<std::vector<std::uint8_t>>>("[[1],[2,256]]"),
             Catch::Contains("/1/1"));
  CHECK_THAT(complaint_of<std::set<std::uint8_t>>("[300]"), Catch::Contains("/0"));
  CHECK_THAT(complaint_of<shop::maybe>(R"({"count":32768})"), Catch::Contains("/count"));
  using named = std::map<std::string, short>;
  CHECK_THAT(complaint_of<named>(R"({"a/b":70000})"), Catch::Contains("/a~1b"));
}

TEST_CASE("Q3: what an integer can hold is decoded as before", "[fault]") {
  const json_codec codec;
  CHECK(codec.decode<shop::order>(codec.encode(sample)) == sample);
  CHECK(codec.decode<shop::order>(with("/cents", "-9223372036854775808")).cents == INT64_MIN);
  CHECK(codec.decode<shop::order>(with("/number", "4294967295")).number == UINT32_MAX);
  CHECK(codec.decode<std::uint64_t>("18446744073709551615") == UINT64_MAX);
  CHECK(codec.decode<int>("2.0") == 2);
  CHECK(codec.decode<double>("1e300") == 1e300);
  CHECK(codec.decode<double>("99999999999") == 99999999999.0);
  CHECK(codec.decode<shop::maybe>(R"({"count":null})").count == std::nullopt);
  CHECK(codec.decode<nlohmann::json>(R"({"a":[true,1.9,99999999999]})").size() == 1);
  CHECK(codec.decode<std::vector<bool>>("[true,false]") == std::vector<bool>{true, false});
}

TEST_CASE("Q3: a from_json that reads other forms is not taken for a loss", "[fault]") {
  const json_codec codec;
  // 257 * 256 is 257 * 256; the fields that are written are not those that were read.
  CHECK(codec.decode<shop::price>(R"({"amount":257})").cents == 65'792);
  CHECK(codec.decode<shop::price>(R"({"amount":5,"cents":true})").cents == 5);
  CHECK(codec.decode<shop::price>(R"({"amount":0,"unused":1.5})").cents == 0);
  CHECK(codec.decode<std::set<int>>("[300,44,300]") == std::set<int>{44, 300});
  CHECK(codec.decode<std::unordered_map<std::string, int>>(R"({"b":300,"a":44})").at("b") == 300);
}

TEST_CASE("Q3: the check of numbers can be turned off", "[fault]") {
  const json_codec trusting{json_codec_options{.check_numbers = false}};
  CHECK(trusting.decode<std::int8_t>("257") == 1);
}

TEST_CASE("Q3a: a number that its float cannot hold is corrupt", "[fault]") {
  CHECK_THAT(complaint_of<shop::order>(with("/share", "1e300")), Catch::Contains("/share"));
  CHECK_THAT(complaint_of<float>("-1e39"), Catch::Contains("-1e"));
}

TEST_CASE("Q3b: the error for a field of another type names the field", "[fault]") {
  CHECK_THAT(complaint_of<shop::order>(with("/cents", "true")), Catch::Contains("/cents"));
  CHECK_THAT(complaint_of<shop::order>(with("/gift", "1")), Catch::Contains("/gift"));
  CHECK_THAT(complaint_of<shop::order>(with("/lines/1/quantity", "\"3\"")),
             Catch::Contains("/lines/1/quantity"));
  CHECK_THAT(complaint_of<shop::order>(with("/lines/0/sku", "7")), Catch::Contains("/lines/0/sku"));
}

TEST_CASE("Q3: a number without a value and text that is not UTF-8 are gabion errors", "[fault]") {
  CHECK_THAT(complaint_of<shop::order>(R"({"number":1e400})"), Catch::Contains("order.placed"));
  CHECK_THAT(complaint_of<double>("-1e400"), Catch::Contains("json_codec"));
  CHECK_THAT(complaint_of<std::string>("\"\xff\""), Catch::Contains("json_codec"));
  CHECK_THAT(complaint_of<std::string>("\xff"), Catch::Contains("json_codec"));
  CHECK_THROWS_AS(json_codec{}.encode(std::string{"\xff\xfe"}), gabion::error);
}
