// SPDX-License-Identifier: MIT
#include "core/any_message.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <gabion/core/cloudevents.hpp>
#include <gabion/core/detail/utf8.hpp>
#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/trace_context.hpp>

#include "support/catch.hpp"

using gabion::cloudevents_binding;
using gabion::header;
using gabion::message;

namespace {

constexpr std::string_view trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
static_assert(gabion::is_traceparent(trace));

[[nodiscard]] message order() {
  message m;
  m.id = "1";
  m.source = "/orders";
  m.type = "order.placed";
  return m;
}

/// What check_cloudevents() says against a message, empty if nothing.
[[nodiscard]] std::string refusal(const message& m) {
  try {
    gabion::check_cloudevents(m);
  } catch (const gabion::error& e) {
    CHECK(e.code() == gabion::errc::invalid_argument);
    return e.what();
  }
  return {};
}

[[nodiscard]] message there_and_back(const message& m, cloudevents_binding binding) {
  return gabion::from_cloudevents_headers(gabion::to_cloudevents_headers(m, binding), m.data,
                                          binding);
}

using Catch::Matchers::Contains;

}  // namespace

TEST_CASE("a message becomes the headers of its protocol", "[core][cloudevents]") {
  message m = order();
  m.subject = "o-7";
  m.time = *gabion::parse_rfc3339("2026-01-31T09:05:07Z");
  m.content_type = "application/json";
  m.schema = "/schemas/order";
  m.headers = {{"traceparent", std::string{trace}}, {"note", "50% \"caf\u00e9\""}, {"empty", ""}};
  m.topic = "not an attribute";
  CHECK(gabion::to_cloudevents_headers(m, cloudevents_binding::http) ==
        std::vector<header>{{"ce-specversion", "1.0"},
                            {"ce-id", "1"},
                            {"ce-source", "/orders"},
                            {"ce-type", "order.placed"},
                            {"ce-subject", "o-7"},
                            {"ce-time", "2026-01-31T09:05:07Z"},
                            {"ce-dataschema", "/schemas/order"},
                            {"content-type", "application/json"},
                            {"ce-traceparent", std::string{trace}},
                            {"ce-note", "50%25%20%22caf%C3%A9%22"},
                            {"ce-empty", ""}});
  const auto kafka = gabion::to_cloudevents_headers(m, cloudevents_binding::kafka);
  CHECK(kafka[0] == header{"ce_specversion", "1.0"});
  CHECK(kafka[9] == header{"ce_note", "50% \"caf\u00e9\""});
}

TEST_CASE("each message that passes the check comes back from its headers unchanged",
          "[core][cloudevents]") {
  gabion::xoshiro256 random{50};
  for (int i = 0; i < 3000; ++i) {
    const message m = testing_support::any_message(random);
    REQUIRE(refusal(m).empty());
    REQUIRE(there_and_back(m, cloudevents_binding::http) == m);
    REQUIRE(there_and_back(m, cloudevents_binding::kafka) == m);
  }
}

TEST_CASE("absent data and empty data stay different", "[core][cloudevents]") {
  message m = order();
  CHECK(there_and_back(m, cloudevents_binding::kafka).data == std::nullopt);
  m.data = "";
  CHECK(there_and_back(m, cloudevents_binding::kafka).data == "");
  m.data = std::string("\0\r\n\xff", 4);
  CHECK(there_and_back(m, cloudevents_binding::kafka).data == m.data);
}

TEST_CASE("a message that headers can not carry is refused and the attribute named",
          "[core][cloudevents]") {
  const auto with = [](auto change) {
    message m = order();
    change(m);
    return refusal(m);
  };
  CHECK_THAT(with([](message& m) { m.id = ""; }), Contains("`id` is missing"));
  CHECK_THAT(with([](message& m) { m.source = ""; }), Contains("`source` is missing"));
  CHECK_THAT(with([](message& m) { m.type = ""; }), Contains("`type` is missing"));
  for (const char* bad : {"a\rb", "a\nb", "a\tb", "a\x7f", "\xc2\x80", "\xff", "\xed\xa0\x80",
                          "\xc0\xaf", "\xe2\x82", "\xf4\x90\x80\x80"}) {
    CHECK_THAT(with([&](message& m) { m.subject = bad; }),
               Contains("`subject` is not UTF-8 or has a control character"));
    CHECK_THAT(with([&](message& m) { m.headers = {{"x", bad}}; }), Contains("`x` is not UTF-8"));
  }
  CHECK_THAT(with([](message& m) { m.type = std::string("a\0b", 3); }),
             Contains("`type` is not UTF-8"));
  CHECK_THAT(with([](message& m) { m.content_type = "text/\u00e9"; }),
             Contains("`datacontenttype` is not ASCII"));
  for (const char* name : {"", "X", "a-b", "a_b", "a b", "\u00e9", "a\n"})
    CHECK_THAT(with([&](message& m) { m.headers = {{name, "v"}}; }),
               Contains("allowed: 1 to 64 of a-z and 0-9"));
  for (const char* name : {"id", "source", "type", "subject", "time", "specversion",
                           "datacontenttype", "dataschema", "data", "data_base64"})
    CHECK_FALSE(with([&](message& m) { m.headers = {{name, "v"}}; }).empty());
  CHECK_THAT(with([](message& m) { m.headers = {{"a", "1"}, {"b", "2"}, {"a", "3"}}; }),
             Contains("`a` is there twice"));
  CHECK_THAT(with([](message& m) { m.headers = {{"traceparent", "00-1-2-3"}}; }),
             Contains("`traceparent` is not one of W3C"));
  CHECK(with([](message&) {}).empty());
}

TEST_CASE("each bound of a message holds on both sides", "[core][cloudevents]") {
  message m = order();
  m.subject = std::string(gabion::cloudevents_max_value, 's');
  m.headers.assign(1, {std::string(gabion::cloudevents_max_name, 'n'),
                       std::string(gabion::cloudevents_max_value, 'v')});
  for (std::size_t i = 1; i < gabion::cloudevents_max_extensions; ++i)
    m.headers.push_back({"h" + std::to_string(i), "v"});
  CHECK(refusal(m).empty());
  CHECK(there_and_back(m, cloudevents_binding::http) == m);

  message over = m;
  over.subject += 's';
  CHECK_THAT(refusal(over), Contains("`subject` has 8193 bytes; allowed: up to 8192"));
  over = m;
  over.headers[0].name += 'n';
  CHECK_THAT(refusal(over), Contains("a header's name is"));
  over = m;
  over.headers[0].value += 'v';
  CHECK_THAT(refusal(over), Contains("8193 bytes"));
  over = m;
  over.headers.push_back({"onemore", "v"});
  CHECK_THAT(refusal(over), Contains("129 headers; allowed: up to 128"));
}

TEST_CASE("headers of others are read as they come", "[core][cloudevents]") {
  const std::vector<header> headers{
      {"Ce-SpecVersion", "1.0"}, {"CE-ID", "7"},          {"ce-source", "/s"}, {"ce-type", "t"},
      {"Content-Type", "x/y"},   {"Host", "example.org"}, {"ce-pct", "100%"},  {"ce-bad", "%zz%4"}};
  const message m =
      gabion::from_cloudevents_headers(headers, std::nullopt, cloudevents_binding::http);
  CHECK(m.id == "7");
  CHECK(m.content_type == "x/y");
  CHECK(m.headers == std::vector<header>{{"pct", "100%"}, {"bad", "%zz%4"}});
}

TEST_CASE("headers that are no event are refused and the attribute named", "[core][cloudevents]") {
  const auto read = [](std::vector<header> headers) -> std::string {
    try {
      static_cast<void>(
          gabion::from_cloudevents_headers(headers, std::nullopt, cloudevents_binding::kafka));
    } catch (const gabion::error& e) {
      CHECK(e.code() == gabion::errc::corrupt);
      return e.what();
    }
    return {};
  };
  const std::vector<header> good{
      {"ce_specversion", "1.0"}, {"ce_id", "1"}, {"ce_source", "/s"}, {"ce_type", "t"}};
  CHECK(read(good).empty());
  for (std::size_t gone = 0; gone < good.size(); ++gone) {
    std::vector<header> headers = good;
    headers.erase(headers.begin() + static_cast<std::ptrdiff_t>(gone));
    CHECK_THAT(read(headers), Contains("`" + good[gone].name.substr(3) + "` is missing"));
  }
  const auto with = [&](header extra) {
    std::vector<header> headers = good;
    headers.push_back(std::move(extra));
    return read(headers);
  };
  CHECK_THAT(with({"ce_time", "yesterday"}), Contains("`time` is not a time stamp"));
  CHECK_THAT(with({"ce_specversion", "0.3"}), Contains("`specversion` is \"0.3\""));
  CHECK_THAT(with({"ce_id", "2"}), Contains("`id` is there twice"));
  CHECK_THAT(with({"ce_data", "x"}), Contains("attribute of its own"));
  CHECK_THAT(with({"ce_", "x"}), Contains("a header's name is \"\""));
  CHECK_THAT(with({"ce_subject", "\n"}), Contains("`subject` is not UTF-8"));
}

TEST_CASE("reading headers is total", "[core][cloudevents]") {
  gabion::xoshiro256 random{51};
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto headers = gabion::to_cloudevents_headers(testing_support::any_message(random),
                                                  cloudevents_binding::http);
    for (std::uint64_t n = gabion::uniform(random, 3); n > 0; --n) {
      header& h = headers[gabion::uniform(random, headers.size())];
      std::string& text = gabion::uniform(random, 2) == 0 ? h.name : h.value;
      if (!text.empty()) text[gabion::uniform(random, text.size())] = static_cast<char>(random());
    }
    try {
      const message m = gabion::from_cloudevents_headers(headers, "x", cloudevents_binding::http);
      REQUIRE(there_and_back(m, cloudevents_binding::http) == m);
      ++good;
    } catch (const gabion::error& e) {
      REQUIRE(e.code() == gabion::errc::corrupt);
    }
  }
  CHECK(good > 1000);
  CHECK(good < 19'000);
}

TEST_CASE("a traceparent is what the standard says", "[core][trace]") {
  CHECK(gabion::is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"));
  CHECK(gabion::is_traceparent(
      "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings"));
  CHECK(gabion::is_traceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  for (const std::string_view bad :
       {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.x",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01"})
    CHECK_FALSE(gabion::is_traceparent(bad));
}

TEST_CASE("judging a traceparent is total", "[core][trace]") {
  gabion::xoshiro256 random{52};
  int good = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text{trace};
    text[gabion::uniform(random, text.size())] = "0f-gx"[gabion::uniform(random, 5)];
    if (gabion::uniform(random, 4) == 0)
      text[gabion::uniform(random, text.size())] = static_cast<char>(random());
    if (gabion::uniform(random, 8) == 0) text.resize(gabion::uniform(random, 120), '-');
    good += gabion::is_traceparent(text) ? 1 : 0;
  }
  CHECK(good > 1000);
}

TEST_CASE("a character of UTF-8 is decoded only from its shortest form", "[core][utf8]") {
  std::string all;
  std::size_t characters = 0;
  for (std::uint32_t c = 0; c < 0x110000; c += 7) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const std::string text = testing_support::utf8(c);
    const auto decoded = gabion::detail::next_code_point(text);
    if (decoded.value != c || decoded.length != text.size()) FAIL("U+" << std::hex << c);
    // Neither a cut end nor a longer form of the same character is accepted.
    if (text.size() > 1 && gabion::detail::is_utf8(text.substr(0, text.size() - 1)))
      FAIL("cut U+" << std::hex << c);
    ++characters;
  }
  CHECK(characters > 150'000);
  for (const std::string_view bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xbf\xbf",
        "\xf5\x80\x80\x80", "\xc3("})
    CHECK_FALSE(gabion::detail::is_utf8(bad));
}
