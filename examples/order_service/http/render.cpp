// SPDX-License-Identifier: MIT
#include "http/render.hpp"

#include <string_view>

#include <gabion/core/rfc3339.hpp>

#include "domain/json.hpp"

namespace shop {

namespace {

using nlohmann::ordered_json;

ordered_json link(const std::string& href) { return {{"href", href}}; }
ordered_json link(const std::string& href, const char* method) {
  return {{"href", href}, {"method", method}};
}

/// Percent-encodes what is not plain in a part of an address.
std::string escaped(const std::string& text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result.append({'%', digits[byte >> 4U], digits[byte & 0xfU]});
  }
  return result;
}

ordered_json links_of(const order_view& view) {
  const std::string self = order_path(view.id);
  ordered_json links{
      {"self", link(self)},
      {"customer_orders", link("/customers/" + escaped(view.state.by.id) + "/orders")}};
  if (view.state.cancelled) return links;  // nothing can be done to it any more
  links["change"] = link(self, "PUT");
  links["add_item"] = link(self + "/items", "POST");
  links["cancel"] = link(self, "DELETE");
  return links;
}

std::string query_of(const order_filter& filter) {
  std::string query = "?limit=" + std::to_string(filter.limit);
  if (filter.status) query += "&status=" + std::string{to_string(*filter.status)};
  return query;
}

}  // namespace

ordered_json render(const receipt& r) {
  return {{"order_id", r.order_id},
          {"version", r.version},
          {"_links", {{"order", link(order_path(r.order_id))}}}};
}

ordered_json render(const order_view& view) {
  const order& o = view.state;
  return {{"order_id", view.id},
          {"version", view.version},
          {"status", to_string(o.status())},
          {"customer", nlohmann::json(o.by)},
          {"items", nlohmann::json(o.items)},
          {"item_count", units_in(o.items)},
          {"total_cents", o.total().cents},
          {"settled_cents", o.settled.cents},
          {"placed_at", gabion::to_rfc3339(view.placed_at)},
          {"updated_at", gabion::to_rfc3339(view.updated_at)},
          {"_links", links_of(view)}};
}

ordered_json render(const order_page& page, const std::string& path, const order_filter& filter) {
  ordered_json orders = ordered_json::array();
  for (const order_view& view : page.orders) orders.push_back(render(view));
  const std::string query = query_of(filter) + (filter.customer_id.empty() || path != "/orders"
                                                    ? ""
                                                    : "&customer=" + escaped(filter.customer_id));
  ordered_json links{
      {"self",
       link(path + query + (filter.after.empty() ? "" : "&after=" + escaped(filter.after)))}};
  if (page.more) links["next"] = link(path + query + "&after=" + escaped(page.orders.back().id));
  return {{"orders", orders}, {"_links", links}};
}

ordered_json render(const customer_summary& s) {
  return {{"customer_id", s.id},
          {"name", s.name},
          {"email", s.email},
          {"orders", s.orders},
          {"cancelled", s.cancelled},
          {"spent_cents", s.spent.cents},
          {"last_order_at", gabion::to_rfc3339(s.last_order_at)}};
}

ordered_json render(const order_analytics& analytics) {
  ordered_json totals = ordered_json::object();
  for (const auto& [name, amount] : analytics.totals) totals[name] = amount;
  ordered_json products = ordered_json::array();
  for (const auto& [product, units] : analytics.products)
    products.push_back({{"product", product}, {"units", units}});
  return {{"totals", totals},
          {"products", products},
          {"_links", {{"self", link("/analytics/orders")}, {"orders", link("/orders")}}}};
}

ordered_json render(const gabion::health_report& health) {
  ordered_json parts = ordered_json::object();
  for (const gabion::health_part& part : health.parts()) {
    parts[part.name] = {{"state", to_string(part.state)}};
    if (!part.reason.empty()) parts[part.name]["reason"] = part.reason;
  }
  return {{"state", to_string(health.state())}, {"parts", parts}};
}

}  // namespace shop
