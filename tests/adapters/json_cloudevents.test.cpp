// SPDX-License-Identifier: MIT
#include <gabion/adapters/nlohmann_json/cloudevents.hpp>

#include <string>

#include <nlohmann/json.hpp>

#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>

#include "core/any_message.hpp"
#include "support/catch.hpp"

using Catch::Matchers::Contains;
using gabion::errc;
using gabion::message;

namespace {

[[nodiscard]] message order(std::string content_type, std::optional<std::string> data) {
  message m;
  m.id = "1";
  m.source = "/orders";
  m.type = "order.placed";
  m.content_type = std::move(content_type);
  m.data = std::move(data);
  return m;
}

[[nodiscard]] message there_and_back(const message& m) {
  return gabion::from_cloudevents_json(gabion::to_cloudevents_json(m));
}

/// What reading the text throws, empty if nothing.
[[nodiscard]] std::string refusal(std::string_view text, errc expected = errc::corrupt,
                                  const gabion::json_codec_options& limits = {}) {
  try {
    static_cast<void>(gabion::from_cloudevents_json(text, limits));
  } catch (const gabion::error& e) {
    CHECK(e.code() == expected);
    return e.what();
  }
  return {};
}

[[nodiscard]] std::string event_with(const std::string& members) {
  return R"({"specversion":"1.0","id":"1","source":"/s","type":"t")" + members + "}";
}

}  // namespace

TEST_CASE("JSON data is shown as JSON, text as text and anything else in base64",
          "[json][cloudevents]") {
  CHECK(gabion::to_cloudevents_json(order("application/json", R"({"b":1,"a":[2]})")) ==
        R"({"specversion":"1.0","id":"1","source":"/orders","type":"order.placed",)"
        R"("datacontenttype":"application/json","data":{"b":1,"a":[2]}})");
  CHECK(
      gabion::to_cloudevents_json(order("text/plain", "{}")) ==
      R"({"specversion":"1.0","id":"1","source":"/orders","type":"order.placed","datacontenttype":"text/plain","data":"{}"})");
  CHECK(
      gabion::to_cloudevents_json(order("text/plain", "\xff")) ==
      R"({"specversion":"1.0","id":"1","source":"/orders","type":"order.placed","datacontenttype":"text/plain","data_base64":"/w=="})");
  // JSON that would be written in another form keeps its bytes
  CHECK_THAT(gabion::to_cloudevents_json(order("application/json", "{ }")),
             Contains(R"("data_base64":"eyB9")"));
  CHECK(gabion::to_cloudevents_json(order("", std::nullopt)) ==
        R"({"specversion":"1.0","id":"1","source":"/orders","type":"order.placed"})");
}

TEST_CASE("each message comes back from its JSON unchanged to the byte", "[json][cloudevents]") {
  gabion::xoshiro256 random{90};
  for (int i = 0; i < 5000; ++i) {
    const message m = testing_support::any_message(random);
    REQUIRE(there_and_back(m) == m);
  }
}

TEST_CASE("every payload of up to two bytes comes back with every kind of content type",
          "[json][cloudevents]") {
  for (const char* type : {"", "application/json", "text/plain"}) {
    CHECK(there_and_back(order(type, "")).data == "");
    CHECK(there_and_back(order(type, std::nullopt)).data == std::nullopt);
    for (int byte = 0; byte < 256; ++byte) {
      const std::string one(1, static_cast<char>(byte));
      if (there_and_back(order(type, one)).data != one) FAIL("byte " << byte);
      for (const char next : {'\0', '"', '5', '\xa9'})
        if (there_and_back(order(type, one + next)).data != one + next)
          FAIL("byte " << byte << " and one more");
    }
  }
}

TEST_CASE("the size of an event is bounded on both sides", "[json][cloudevents]") {
  const message m = order("text/plain", std::string(1000, 'x'));
  const std::string text = gabion::to_cloudevents_json(m);
  CHECK(gabion::to_cloudevents_json(m, {.max_bytes = text.size()}) == text);
  CHECK_THROWS_AS(gabion::to_cloudevents_json(m, {.max_bytes = text.size() - 1}), gabion::error);
  CHECK(refusal(text, errc::too_large, {.max_bytes = text.size()}).empty());
  CHECK_THAT(refusal(text, errc::too_large, {.max_bytes = text.size() - 1}),
             Contains("allowed: up to"));
  const message large = order("application/octet-stream", std::string(4U << 20U, '\xfe'));
  CHECK(there_and_back(large) == large);
}

TEST_CASE("events of others are read as they come", "[json][cloudevents]") {
  const message m = gabion::from_cloudevents_json(event_with(
      R"(,"time":"2026-01-31T10:05:07+01:00","flag":true,"count":-7,"gone":null,"subject":null,"data":{"a": 1.0})"));
  CHECK(m.headers == std::vector<gabion::header>{{"flag", "true"}, {"count", "-7"}});
  CHECK(m.subject.empty());
  CHECK(m.data == R"({"a":1.0})");
  CHECK(gabion::to_rfc3339(m.time) == "2026-01-31T09:05:07Z");
  CHECK(gabion::from_cloudevents_json(event_with(R"(,"data":"x")")).data == "\"x\"");
  CHECK(gabion::from_cloudevents_json(event_with(R"(,"datacontenttype":"text/plain","data":"x")"))
            .data == "x");
  CHECK(gabion::from_cloudevents_json(event_with(R"(,"data_base64":"")")).data == "");
}

TEST_CASE("a text that is no event is refused and what is wrong is named", "[json][cloudevents]") {
  CHECK(refusal(event_with("")).empty());
  CHECK_THAT(refusal(""), Contains("parse error"));
  CHECK_THAT(refusal("[]"), Contains("not a JSON object"));
  CHECK_THAT(refusal("{}"), Contains("`specversion` is missing"));
  CHECK_THAT(refusal(R"({"specversion":"1.0","id":"1","type":"t"})"),
             Contains("`source` is missing"));
  CHECK_THAT(refusal(R"({"specversion":"0.3","id":"1","source":"/s","type":"t"})"),
             Contains("`specversion` is \"0.3\""));
  CHECK_THAT(refusal(event_with(R"(,"x":[1])")),
             Contains("`x` is neither text, number nor boolean"));
  CHECK_THAT(refusal(event_with(R"(,"x":1.5)")), Contains("`x` is neither"));
  CHECK_THAT(refusal(event_with(R"(,"Bad":"v")")), Contains("a header's name is \"Bad\""));
  CHECK_THAT(refusal(event_with(R"(,"x":"a\nb")")),
             Contains("`x` is not UTF-8 or has a control character"));
  CHECK_THAT(refusal(event_with(R"(,"data":1,"data_base64":"")")), Contains("both there"));
  for (const char* bad :
       {"\"a\"", "\"ab=\"", "\"a===\"", "\"abc!\"", "\"abd=\"", "\"ab==cdef\"", "5"})
    CHECK_THAT(refusal(event_with(std::string{",\"data_base64\":"} + bad)),
               Contains("`data_base64` is not base64"));
  CHECK_THAT(refusal(event_with(R"(,"traceparent":"x")")), Contains("`traceparent` is not one"));
}

TEST_CASE("hostile shapes are refused before they cost anything", "[json][cloudevents]") {
  CHECK_THAT(refusal(event_with(",\"data\":" + std::string(1'000'000, '['))),
             Contains("nest deeper than 64"));
  std::string wide = ",\"data\":{\"k0\":0";
  for (int i = 1; i < 4096; ++i) wide += ",\"k" + std::to_string(i) + "\":0";
  CHECK(refusal(event_with(wide + "}")).empty());
  CHECK_THAT(refusal(event_with(wide + ",\"k4096\":0}")),
             Contains("an object has more than 4096 members"));
  CHECK_THROWS_AS(gabion::from_cloudevents_json("{}", {.max_depth = 0}), gabion::error);
  CHECK_THROWS_AS(gabion::to_cloudevents_json(order("", "{}"), {.max_depth = 0}), gabion::error);
}

TEST_CASE("payloads nested to the limit and beyond come back", "[json][cloudevents]") {
  for (const std::size_t depth : {62U, 63U, 64U, 65U, 1000U}) {
    const message m = order("application/json", std::string(depth, '[') + std::string(depth, ']'));
    CAPTURE(depth);
    CHECK(there_and_back(m) == m);
  }
  std::string wide = "{\"k0\":0";
  for (int i = 1; i < 5000; ++i) wide += ",\"k" + std::to_string(i) + "\":0";
  const message m = order("application/json", wide + "}");
  CHECK(there_and_back(m) == m);
}

TEST_CASE("reading an event takes any bytes", "[json][cloudevents]") {
  gabion::xoshiro256 random{91};
  int good = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string text = gabion::to_cloudevents_json(testing_support::any_message(random));
    for (std::uint64_t n = gabion::uniform(random, 3); n > 0; --n) {
      const std::size_t where = gabion::uniform(random, text.size());
      if (gabion::uniform(random, 2) == 0)
        text[where] = static_cast<char>(random());
      else
        text.erase(where, gabion::uniform(random, 4));
    }
    try {
      const message m = gabion::from_cloudevents_json(text);
      REQUIRE(there_and_back(m) == m);
      ++good;
    } catch (const gabion::error& e) {
      REQUIRE(e.code() == errc::corrupt);
    }
  }
  CHECK(good > 1000);
}
