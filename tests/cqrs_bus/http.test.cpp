// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>
#include <system_error>

#include <gabion/cqrs/http.hpp>

#include "support/catch.hpp"

namespace {

std::string_view value_of(const gabion::http_parts& parts, std::string_view name) {
  for (const gabion::header& h : parts.headers)
    if (h.name == name) return h.value;
  return "(no such header)";
}

}  // namespace

TEST_CASE("a command that will be done later is accepted with the place of its status",
          "[http][H1]") {
  const gabion::http_parts parts = gabion::accepted("/commands/c1");
  CHECK(parts == gabion::http_parts{.status = 202, .headers = {{"Location", "/commands/c1"}}});
}

TEST_CASE("a created thing has its place and its version", "[http][H2]") {
  CHECK(gabion::created("/orders/7", 1) ==
        gabion::http_parts{.status = 201,
                           .headers = {{"Location", "/orders/7"}, {"ETag", "W/\"1\""}}});
  CHECK(gabion::changed(2, gabion::etag_strength::strong) ==
        gabion::http_parts{.status = 204, .headers = {{"ETag", "\"2\""}}});
}

TEST_CASE("a client that has the version already gets 304 and no body", "[http][H3]") {
  const gabion::http_parts same = gabion::shown("{}", 3, "W/\"3\"");
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(value_of(same, "ETag") == "W/\"3\"");
  for (const std::string_view tag : {"\"3\"", "*", "\"1\", W/\"3\"", " \"3\" "})
    CHECK(gabion::shown("{}", 3, tag).status == 304);
  for (const std::string_view tag : {"", "W/\"2\"", "\"2\",\"4\"", "3", "\"03\"", "\"3x\""}) {
    CHECK(gabion::shown("{}", 3, tag).status == 200);
    CHECK(gabion::shown("{}", 3, tag).body == "{}");
  }
}

TEST_CASE("what never was is 404 and what was deleted is 410", "[http][H4]") {
  CHECK(gabion::http_status(gabion::make_error_code(gabion::errc::not_found)) == 404);
  CHECK(gabion::refused(gabion::gone("order 7 was deleted")).status == 410);
  CHECK(gabion::refused(gabion::gone()).body ==
        R"({"type":"about:blank","title":"Gone","status":410})");
}

TEST_CASE("the same result gives the same status and body every time", "[http][H5]") {
  CHECK(gabion::created("/orders/7", 1) == gabion::created("/orders/7", 1));
  CHECK(gabion::http_status(gabion::make_error_code(gabion::errc::duplicate)) == 409);
  CHECK(gabion::idempotency_header == "Idempotency-Key");
}

TEST_CASE("every error of gabion has a status", "[http][problem]") {
  using gabion::errc;
  const auto status = [](errc e, bool conditional = false) {
    return gabion::http_status(gabion::make_error_code(e), conditional);
  };
  CHECK(status(errc::invalid_argument) == 422);
  CHECK(status(errc::unknown_type) == 400);
  CHECK(status(errc::rate_limited) == 429);
  CHECK(status(errc::overloaded) == 503);
  CHECK(status(errc::conflict) == 409);
  CHECK(status(errc::conflict, true) == 412);
  CHECK(status(errc::too_large) == 413);
  CHECK(status(errc::rejected) == 422);
  for (const errc e :
       {errc::busy, errc::full, errc::unavailable, errc::fenced, errc::circuit_open}) {
    CHECK(status(e) == 503);
    CHECK(gabion::retry_after(gabion::make_error_code(e)).count() > 0);
  }
  for (const errc e : {errc::timeout, errc::in_doubt}) CHECK(status(e) == 504);
  CHECK(status(errc::cancelled) == 499);
  for (const errc e : {errc::corrupt, errc::schema_missing, errc::schema_mismatch})
    CHECK(status(e) == 500);
  CHECK(gabion::http_status({}) == 200);
  CHECK(gabion::http_status(std::make_error_code(std::errc::no_such_file_or_directory)) == 500);
  CHECK(gabion::retry_after(gabion::make_error_code(errc::conflict)).count() == 0);
  for (int value = 1; value <= static_cast<int>(errc::overloaded); ++value)
    CHECK(gabion::http_title(status(static_cast<errc>(value))) != std::string_view{"Error"});
}

TEST_CASE("a validation error becomes a problem that names the field", "[http][problem]") {
  const gabion::validation_error e{"order.place", {"quantity", "must be 1 to 100"}};
  CHECK(gabion::problem_of(e) == gabion::problem{.title = "Unprocessable Content",
                                                 .status = 422,
                                                 .detail = "must be 1 to 100",
                                                 .field = "quantity"});
  CHECK(
      to_json(gabion::problem_of(e)) ==
      R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"must be 1 to 100","field":"quantity"})");
}

TEST_CASE("a refusal that passes by itself says when to come back", "[http][problem]") {
  const gabion::http_parts busy =
      gabion::refused(gabion::error{gabion::errc::busy, "row 7 of table x"});
  CHECK(busy.status == 503);
  CHECK(value_of(busy, "Retry-After") == "1");
  CHECK(value_of(busy, "Content-Type") == "application/problem+json");
  CHECK(value_of(gabion::refused(gabion::error{gabion::errc::conflict, "x"}), "Retry-After") ==
        "(no such header)");
}

TEST_CASE("what an internal error says stays inside", "[http][problem]") {
  CHECK(gabion::refused(gabion::error{gabion::errc::corrupt, "secret path"}).body.find("secret") ==
        std::string::npos);
  CHECK(gabion::refused(gabion::error{gabion::errc::conflict, "stream 7 is at 3"})
            .body.find("stream 7 is at 3") != std::string::npos);
}

TEST_CASE("any bytes make a well formed problem", "[http][problem]") {
  const auto detail_of = [](std::string text) {
    return to_json(gabion::problem{.title = "t", .status = 400, .detail = std::move(text)});
  };
  const std::string head = R"({"type":"about:blank","title":"t","status":400,"detail":")";
  CHECK(detail_of("a\"b\\c") == head + R"(a\"b\\c"})");
  CHECK(detail_of(std::string("\0\n\x1f\x7f", 4)) == head + R"(\u0000\u000a\u001f\u007f"})");
  CHECK(detail_of("gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80") ==
        head + "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80\"}");
  // A lone continuation, a cut character, an overlong one, a surrogate, and one above the last code
  // point.
  CHECK(detail_of("\x80") == head + R"(\ufffd"})");
  CHECK(detail_of("\xe2\x82") == head + R"(\ufffd\ufffd"})");
  CHECK(detail_of("\xc0\xaf") == head + R"(\ufffd\ufffd"})");
  CHECK(detail_of("\xed\xa0\x80") == head + R"(\ufffd\ufffd\ufffd"})");
  CHECK(detail_of("\xf4\x90\x80\x80") == head + R"(\ufffd\ufffd\ufffd\ufffd"})");
}

TEST_CASE("conditions of a request become the expected version", "[http][etag]") {
  using gabion::expected_version;
  CHECK(gabion::expected_version_of("") == expected_version::any());
  CHECK(gabion::expected_version_of("*") == expected_version::exists());
  CHECK(gabion::expected_version_of("\"7\"") == expected_version::exact(7));
  CHECK(gabion::expected_version_of(" W/\"7\"\t") == expected_version::exact(7));
  CHECK(gabion::expected_version_of("", "*") == expected_version::no_stream());
  CHECK(gabion::expected_version_of("\"18446744073709551615\"") ==
        expected_version::exact(~std::uint64_t{0}));
  CHECK(gabion::expected_version_of(gabion::etag_of(12)) == expected_version::exact(12));
  for (const std::string_view bad : {"7", "\"\"", "\"", "W/", "\"x\"", "\"-1\"", "\"07\"",
                                     "\"1\",\"2\"", "\"18446744073709551616\"", "w/\"7\""})
    CHECK_FALSE(gabion::expected_version_of(bad).has_value());
  CHECK_FALSE(gabion::expected_version_of("", "\"7\"").has_value());
  CHECK_FALSE(gabion::expected_version_of("\"7\"", "*").has_value());
}

TEST_CASE("an answer carries its token and how far behind it is", "[http][consistency]") {
  const gabion::consistency_token wanted{"orders", gabion::position{10}};
  const gabion::http_parts written = gabion::with_token(gabion::changed(2), wanted);
  CHECK(gabion::parse_consistency_token(value_of(written, gabion::consistency_header)) == wanted);
  const gabion::http_parts stale =
      gabion::with_staleness(gabion::shown("{}", 1), {"orders", gabion::position{7}}, wanted);
  CHECK(value_of(stale, gabion::behind_header) == "3");
  CHECK(gabion::parse_consistency_token(value_of(stale, gabion::consistency_header))->at ==
        gabion::position{7});
}

TEST_CASE("links say what a client may do next and cannot break their line", "[http][links]") {
  const gabion::http_parts parts =
      gabion::with_link(gabion::with_link({}, "self", "/orders/7"), "cancel", "/orders/7/cancel");
  REQUIRE(parts.headers.size() == 2);
  CHECK(parts.headers[0].value == "</orders/7>; rel=\"self\"");
  CHECK(parts.headers[1].value == "</orders/7/cancel>; rel=\"cancel\"");
  CHECK_THROWS_AS(gabion::with_link({}, "self", "/a\r\nSet-Cookie: x"), gabion::error);
  CHECK_THROWS_AS(gabion::with_link({}, "se\"lf", "/a"), gabion::error);
  CHECK_THROWS_AS(gabion::accepted("/a\nb"), gabion::error);
  CHECK_THROWS_AS(gabion::created("/a>b", 1), gabion::error);
}
