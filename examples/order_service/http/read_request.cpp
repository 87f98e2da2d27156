// SPDX-License-Identifier: MIT
#include "http/read_request.hpp"

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include "http/limits.hpp"

namespace shop {

namespace {

[[noreturn]] void refuse(int status, std::string title, std::string field, std::string detail) {
  throw bad_request{{.status = status, .title = std::move(title), .detail = field + ": " + detail, .errors = {{field, detail}}}};
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

/// The version in an entity tag: "7" in quotes.
std::optional<std::uint64_t> parse_tag(std::string_view tag) {
  if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') return std::nullopt;
  return parse_number(tag.substr(1, tag.size() - 2));
}

}  // namespace

gabion::command_context read_context(const httplib::Request& request) {
  gabion::command_context context;
  context.idempotency_key = request.get_header_value("Idempotency-Key");
  if (context.idempotency_key.size() > api_limits::key)
    refuse(400, "A header is not valid", "Idempotency-Key",
           "has " + std::to_string(context.idempotency_key.size()) + " bytes; allowed: up to " + std::to_string(api_limits::key));
  if (!request.has_header("If-Match") || request.get_header_value("If-Match") == "*") return context;
  const auto version = parse_tag(request.get_header_value("If-Match"));
  if (!version) refuse(400, "A header is not valid", "If-Match", "must be one ETag of this order, such as \"3\", or *");
  context.expected = gabion::expected_version::exact(*version);
  return context;
}

void require_json(const httplib::Request& request) {
  const std::string type = request.get_header_value("Content-Type");
  if (type.starts_with("application/json")) return;
  refuse(415, "The content type is not supported", "Content-Type", "is '" + type + "'; allowed: application/json");
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
      refuse_parameter("status", "allowed: placed, awaiting_payment, payment_queued, paid, payment_declined, cancelled");
  }
  if (request.has_param("limit")) {
    const auto limit = parse_number(request.get_param_value("limit"));
    if (!limit || *limit < 1 || *limit > api_limits::page) refuse_parameter("limit", "allowed: 1 to " + std::to_string(api_limits::page));
    filter.limit = static_cast<std::size_t>(*limit);
  }
  return filter;
}

freshness read_freshness(const httplib::Request& request) {
  if (!request.has_header("Consistency-Token")) return {};
  const auto at = parse_number(request.get_header_value("Consistency-Token"));
  if (!at) refuse(400, "A header is not valid", "Consistency-Token", "must be a token that this service gave out");
  return {.at_least = gabion::position{*at}};
}

}  // namespace shop
