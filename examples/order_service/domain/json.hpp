// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include "domain/events.hpp"
#include "domain/order.hpp"

// How events and orders are written down. nlohmann_json finds these functions by the type of their
// argument.
namespace shop {

inline void to_json(nlohmann::json& j, money m) { j = m.cents; }
inline void from_json(const nlohmann::json& j, money& m) { m.cents = j.get<std::int64_t>(); }

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(customer, id, name, email)

inline void to_json(nlohmann::json& j, const item& i) {
  j = {{"product", i.product}, {"quantity", i.quantity}, {"unit_price_cents", i.unit_price}};
}
inline void from_json(const nlohmann::json& j, item& i) {
  j.at("product").get_to(i.product);
  j.at("quantity").get_to(i.quantity);
  j.at("unit_price_cents").get_to(i.unit_price);
}

inline void to_json(nlohmann::json& j, const order_placed& e) {
  j = {{"customer", e.by}, {"items", e.items}};
}
inline void from_json(const nlohmann::json& j, order_placed& e) {
  j.at("customer").get_to(e.by);
  j.at("items").get_to(e.items);
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_changed, before, items)

inline void to_json(nlohmann::json& j, const item_added& e) { j = {{"item", e.added}}; }
inline void from_json(const nlohmann::json& j, item_added& e) { j.at("item").get_to(e.added); }

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_cancelled, customer_id, items)

inline void to_json(nlohmann::json& j, const payment_requested& e) {
  j = {{"payment", e.number}, {"amount_cents", e.amount}};
}
inline void from_json(const nlohmann::json& j, payment_requested& e) {
  j.at("payment").get_to(e.number);
  j.at("amount_cents").get_to(e.amount);
}

inline void to_json(nlohmann::json& j, const payment_queued& e) {
  j = {{"payment", e.number}, {"reason", e.reason}};
}
inline void from_json(const nlohmann::json& j, payment_queued& e) {
  j.at("payment").get_to(e.number);
  j.at("reason").get_to(e.reason);
}

inline void to_json(nlohmann::json& j, const payment_received& e) {
  j = {{"payment", e.number}, {"amount_cents", e.amount}, {"customer_id", e.customer_id}};
}
inline void from_json(const nlohmann::json& j, payment_received& e) {
  j.at("payment").get_to(e.number);
  j.at("amount_cents").get_to(e.amount);
  j.at("customer_id").get_to(e.customer_id);
}

inline void to_json(nlohmann::json& j, const payment_declined& e) {
  j = {{"payment", e.number}, {"reason", e.reason}};
}
inline void from_json(const nlohmann::json& j, payment_declined& e) {
  j.at("payment").get_to(e.number);
  j.at("reason").get_to(e.reason);
}

}  // namespace shop
