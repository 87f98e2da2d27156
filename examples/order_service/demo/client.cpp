// SPDX-License-Identifier: MIT
#include "demo/client.hpp"

#include <thread>

#include <httplib.h>

namespace shop::demo {

namespace {

httplib::Result send(httplib::Client& http, const step& what, const std::string& order_id,
                     const httplib::Headers& headers) {
  switch (what.kind) {
    case step_kind::place: return http.Post("/orders", headers, what.body, "application/json");
    case step_kind::add_item:
      return http.Post("/orders/" + order_id + "/items", headers, what.body, "application/json");
    case step_kind::change:
      return http.Put("/orders/" + order_id, headers, what.body, "application/json");
    case step_kind::cancel: break;
  }
  return http.Delete("/orders/" + order_id, headers);
}

answer read_answer(const httplib::Response& response) {
  return {.status = response.status,
          .body = response.body,
          .location = response.get_header_value("Location"),
          .token = response.get_header_value("Consistency-Token"),
          .stale = response.has_header("Positions-Behind") &&
                   response.get_header_value("Positions-Behind") != "0"};
}

}  // namespace

client::client(int port, client_counters& counters)
    : http_{std::make_unique<httplib::Client>("127.0.0.1", port)},
      counters_{&counters},
      pause_{{.initial = std::chrono::milliseconds{20},
              .cap = std::chrono::milliseconds{500},
              .jitter = gabion::backoff_jitter::equal}} {
  http_->set_keep_alive(true);
  http_->set_tcp_nodelay(true);
  http_->set_connection_timeout(std::chrono::seconds{5});
  http_->set_read_timeout(std::chrono::seconds{10});
}

client::~client() = default;

std::optional<answer> client::command(const step& what, const std::string& order_id,
                                      const std::string& key, const patience& limit) {
  const httplib::Headers headers{{"Idempotency-Key", key}};
  for (pause_.reset();;) {
    const httplib::Result result = send(*http_, what, order_id, headers);
    if (result && result->status != 503 && result->status != 504) return read_answer(*result);
    ++(result ? counters_->unavailable : counters_->lost_connections);
    if (limit.over()) return std::nullopt;
    std::this_thread::sleep_for(pause_.next());
    ++counters_->retries;
  }
}

std::optional<answer> client::get(const std::string& path, const std::string& token,
                                  const patience& limit) {
  httplib::Headers headers;
  if (!token.empty()) headers.emplace("Consistency-Token", token);
  for (pause_.reset();;) {
    if (const httplib::Result result = http_->Get(path, headers)) return read_answer(*result);
    if (limit.over()) return std::nullopt;
    std::this_thread::sleep_for(pause_.next());
  }
}

}  // namespace shop::demo
