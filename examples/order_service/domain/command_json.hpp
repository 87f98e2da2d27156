// SPDX-License-Identifier: MIT
#pragma once

#include "domain/commands.hpp"
#include "domain/json.hpp"

// How commands are written down. Only the idempotency of commands needs it: it compares a repeated
// command with the first.
namespace shop {

inline void to_json(nlohmann::json& j, const place_order& c) {
  j = {{"customer", c.by}, {"items", c.items}};
}
inline void to_json(nlohmann::json& j, const change_order& c) {
  j = {{"order_id", c.order_id}, {"items", c.items}};
}
inline void to_json(nlohmann::json& j, const add_item& c) {
  j = {{"order_id", c.order_id}, {"item", c.added}};
}
inline void to_json(nlohmann::json& j, const cancel_order& c) { j = {{"order_id", c.order_id}}; }
inline void to_json(nlohmann::json& j, const queue_payment& c) {
  j = {{"order_id", c.order_id}, {"payment", c.number}};
}
inline void to_json(nlohmann::json& j, const record_payment& c) {
  j = {{"order_id", c.order_id}, {"payment", c.number}};
}
inline void to_json(nlohmann::json& j, const decline_payment& c) {
  j = {{"order_id", c.order_id}, {"payment", c.number}};
}

}  // namespace shop
