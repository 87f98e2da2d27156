// SPDX-License-Identifier: MIT
#include "http/read_body.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

namespace shop {

namespace {

using nlohmann::json;

constexpr std::size_t longest_id = 64;
constexpr std::size_t longest_text = 200;

/// Goes through a body and keeps what is wrong with it, so that one answer names everything.
class body_reader {
 public:
  void wrong(const std::string& field, std::string detail) {
    errors_.push_back({field, std::move(detail)});
  }

  /// The member, or null after noting that it is missing.
  const json* member(const json& in, const std::string& path, const char* name) {
    const auto found = in.find(name);
    if (found != in.end()) return &*found;
    wrong(join(path, name), "is missing");
    return nullptr;
  }

  /// A misspelt member must not be taken for one that was left out.
  void only(const json& in, const std::string& path, std::initializer_list<const char*> known) {
    for (const auto& [name, value] : in.items())
      if (std::find(known.begin(), known.end(), name) == known.end())
        wrong(join(path, name), "is not known here");
  }

  bool object(const json& value, const std::string& path) {
    if (value.is_object()) return true;
    wrong(path.empty() ? "(body)" : path,
          std::string{"must be an object, not "} + value.type_name());
    return false;
  }

  std::string text(const json& in, const std::string& path, const char* name, std::size_t longest) {
    const json* value = member(in, path, name);
    if (value == nullptr) return {};
    const std::string field = join(path, name);
    if (!value->is_string())
      return wrong(field, std::string{"must be a string, not "} + value->type_name()),
             std::string{};
    auto result = value->get<std::string>();
    if (result.empty()) wrong(field, "must not be empty");
    if (result.size() > longest)
      wrong(field, "has " + std::to_string(result.size()) + " bytes; allowed: up to " +
                       std::to_string(longest));
    return result;
  }

  std::int64_t number(const json& in, const std::string& path, const char* name, std::int64_t low,
                      std::int64_t high) {
    const json* value = member(in, path, name);
    if (value == nullptr) return low;
    const std::string field = join(path, name);
    const std::string allowed = "; allowed: " + std::to_string(low) + " to " + std::to_string(high);
    if (!value->is_number_integer()) {
      // Only a number is quoted: writing out what nests deeply would take a deep stack.
      const std::string found =
          value->is_number() ? value->dump() : std::string{value->type_name()};
      return wrong(field, "is " + found + ", not a whole number" + allowed), low;
    }
    constexpr auto largest = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
    const bool fits = !value->is_number_unsigned() || value->get<std::uint64_t>() <= largest;
    if (fits && value->get<std::int64_t>() >= low && value->get<std::int64_t>() <= high)
      return value->get<std::int64_t>();
    wrong(field, "is " + value->dump() + allowed);
    return low;
  }

  void finish() const {
    if (errors_.empty()) return;
    throw bad_body{{.status = 422,
                    .title = "The request body is not valid",
                    .detail = errors_.front().field + ": " + errors_.front().detail,
                    .errors = errors_}};
  }

 private:
  static std::string join(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
  }

  std::vector<field_error> errors_{};
};

json parse(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& e) {
    throw bad_body{{.status = 400,
                    .title = "The request body is not JSON",
                    .detail = e.what(),
                    .errors = {{"(body)", e.what()}}}};
  }
}

item read_item(body_reader& reader, const json& in, const std::string& path) {
  if (!reader.object(in, path)) return {};
  reader.only(in, path, {"product", "quantity", "unit_price_cents"});
  return {.product = reader.text(in, path, "product", longest_id),
          .quantity = reader.number(in, path, "quantity", 1, order_limits::quantity),
          .unit_price = {
              reader.number(in, path, "unit_price_cents", 0, order_limits::unit_price.cents)}};
}

std::vector<item> read_items(body_reader& reader, const json& in) {
  const json* list = reader.member(in, "", "items");
  if (list == nullptr) return {};
  if (!list->is_array())
    return reader.wrong("items", std::string{"must be an array, not "} + list->type_name()),
           std::vector<item>{};
  if (list->empty() || list->size() > order_limits::items) {
    reader.wrong("items", "has " + std::to_string(list->size()) + " items; allowed: 1 to " +
                              std::to_string(order_limits::items));
    return {};
  }
  std::vector<item> items;
  for (std::size_t i = 0; i < list->size(); ++i)
    items.push_back(read_item(reader, (*list)[i], "items[" + std::to_string(i) + "]"));
  return items;
}

customer read_customer(body_reader& reader, const json& in) {
  const json* who = reader.member(in, "", "customer");
  if (who == nullptr || !reader.object(*who, "customer")) return {};
  reader.only(*who, "customer", {"id", "name", "email"});
  customer result{.id = reader.text(*who, "customer", "id", longest_id),
                  .name = reader.text(*who, "customer", "name", longest_text),
                  .email = reader.text(*who, "customer", "email", longest_text)};
  if (!result.email.empty() && result.email.find('@') == std::string::npos)
    reader.wrong("customer.email", "has no @");
  return result;
}

/// Parses, reads with `read(reader, json)`, and throws if anything was wrong.
template <class Read>
auto read_object(std::string_view text, std::initializer_list<const char*> known, Read read) {
  const json body = parse(text);
  body_reader reader;
  if (!reader.object(body, "")) reader.finish();
  reader.only(body, "", known);
  auto result = read(reader, body);
  reader.finish();
  return result;
}

}  // namespace

place_body read_place_body(std::string_view text) {
  return read_object(text, {"customer", "items"}, [](body_reader& reader, const json& body) {
    return place_body{.by = read_customer(reader, body), .items = read_items(reader, body)};
  });
}

std::vector<item> read_items_body(std::string_view text) {
  return read_object(text, {"items"}, [](body_reader& reader, const json& body) {
    return read_items(reader, body);
  });
}

item read_item_body(std::string_view text) {
  return read_object(
      text, {"product", "quantity", "unit_price_cents"},
      [](body_reader& reader, const json& body) { return read_item(reader, body, ""); });
}

}  // namespace shop
