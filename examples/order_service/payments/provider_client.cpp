// SPDX-License-Identifier: MIT
#include "payments/provider_client.hpp"

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace shop {

provider_client::provider_client(const provider_options& options)
    : http_{std::make_unique<httplib::Client>(options.url)} {
  http_->set_keep_alive(true);
  http_->set_tcp_nodelay(true);
  http_->set_connection_timeout(options.timeout);
  http_->set_read_timeout(options.timeout);
}

provider_client::~provider_client() = default;

charge_answer provider_client::charge(const due_payment& payment) {
  const httplib::Headers headers{{"Idempotency-Key", payment.key()}};
  const nlohmann::json body{{"order_id", payment.order_id}, {"amount_cents", payment.amount.cents}};
  const httplib::Result answer = http_->Post("/charges", headers, body.dump(), "application/json");
  if (!answer) return {.reason = "no answer: " + httplib::to_string(answer.error())};
  if (answer->status == 200 || answer->status == 201) return {.what = charge_answer::kind::charged};
  if (answer->status == 402) return {.what = charge_answer::kind::declined, .reason = answer->body};
  return {.reason = "status " + std::to_string(answer->status)};
}

}  // namespace shop
