// SPDX-License-Identifier: MIT
#include "http/read_request.hpp"

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include <gabion/cqrs/etag.hpp>
#include <gabion/cqrs/http.hpp>

#include "http/limits.hpp"

namespace shop {

namespace {

[[noreturn]] void refuse(int status, std::string title, std::string field, std::string detail) {
  throw bad_request{{.status = status,
                     .title = std::move(title),
                     .detail = field + ": " + detail,
                     .errors = {{field, detail}}}};
}

[[noreturn]] void refuse_parameter(const std::string& name, const std::string& detail) {
  refuse(400, "A parameter is not valid", name, detail);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

gabion::command_context read_context(const httplib::Request& request) {
  gabion::command_context context;
  context.idempotency_key = request.get_header_value(std::string{gabion::idempotency_header});
  if (context.idempotency_key.size() > api_limits::key)
    refuse(400, "A header is not valid", "Idempotency-Key",
           "has " + std::to_string(context.idempotency_key.size()) + " bytes; allowed: up to " +
               std::to_string(api_limits::key));
  const auto expected = gabion::expected_version_of(request.get_header_value("If-Match"));
  if (!expected)
    refuse(400, "A header is not valid", "If-Match",
           "must be one ETag of this order, such as \"3\", or *");
  if (request.has_header("If-Match")) context.expected = expected;
  return context;
}

void require_json(const httplib::Request& request) {
  const std::string type = request.get_header_value("Content-Type");
  if (type.starts_with("application/json")) return;
  refuse(415, "The content type is not supported", "Content-Type",
         "is '" + type + "'; allowed: application/json");
}

order_filter read_filter(const httplib::Request& request) {
  order_filter filter{.customer_id = request.get_param_value("customer"),
                      .after = request.get_param_value("after"),
                      .limit = api_limits::default_page};
  for (const auto& [name, value] : request.params)
    if (name != "status" && name != "customer" && name != "after" && name != "limit")
      refuse_parameter(name, "is not known; allowed: status, customer, after, limit");
  if (request.has_param("status")) {
    filter.status = parse_status(request.get_param_value("status"));
    if (!filter.status)
      refuse_parameter(
          "status",
          "allowed: placed, awaiting_payment, payment_queued, paid, payment_declined, cancelled");
  }
  if (request.has_param("limit")) {
    const auto limit = parse_number(request.get_param_value("limit"));
    if (!limit || *limit < 1 || *limit > api_limits::page)
      refuse_parameter("limit", "allowed: 1 to " + std::to_string(api_limits::page));
    filter.limit = static_cast<std::size_t>(*limit);
  }
  return filter;
}

std::optional<gabion::consistency_token> read_token(const httplib::Request& request) {
  const std::string name{gabion::consistency_header};
  if (!request.has_header(name)) return std::nullopt;
  auto token = gabion::parse_consistency_token(request.get_header_value(name));
  if (!token || token->source != token_source)
    refuse(400, "A header is not valid", name, "must be a token that this service gave out");
  return token;
}

}  // namespace shop
