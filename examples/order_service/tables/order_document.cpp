// SPDX-License-Identifier: MIT
#include "tables/order_document.hpp"

#include <gabion/adapters/nlohmann_json/codec.hpp>

#include "domain/json.hpp"

namespace shop {

void to_json(nlohmann::json& j, const open_payment& p) {
  j = {{"number", p.number}, {"amount_cents", p.amount}, {"queued", p.queued}};
}
void from_json(const nlohmann::json& j, open_payment& p) {
  j.at("number").get_to(p.number);
  j.at("amount_cents").get_to(p.amount);
  j.at("queued").get_to(p.queued);
}

void to_json(nlohmann::json& j, const order& o) {
  j = {{"customer", o.by},
       {"items", o.items},
       {"settled_cents", o.settled},
       {"payments", o.payments}};
  if (o.payment) j["payment"] = *o.payment;
  if (o.declined) j["declined"] = true;
  if (o.cancelled) j["cancelled"] = true;
}
void from_json(const nlohmann::json& j, order& o) {
  o.exists = true;
  j.at("customer").get_to(o.by);
  j.at("items").get_to(o.items);
  j.at("settled_cents").get_to(o.settled);
  j.at("payments").get_to(o.payments);
  if (const auto payment = j.find("payment"); payment != j.end())
    o.payment = payment->get<open_payment>();
  o.declined = j.value("declined", false);
  o.cancelled = j.value("cancelled", false);
}

std::string write_document(const order& o) { return gabion::json_codec{}.encode(o); }
order read_document(std::string_view text) { return gabion::json_codec{}.decode<order>(text); }

}  // namespace shop
