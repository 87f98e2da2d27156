// SPDX-License-Identifier: MIT
#include "demo/stage.hpp"

#include <stdexcept>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace shop::demo {

namespace {

constexpr std::chrono::seconds start_within{20};
constexpr std::chrono::seconds stop_within{10};

}  // namespace

stage::stage(const stage_options& options) : options_{options} {
  const auto log = options_.folder / "payment_provider.log";
  provider_ = std::make_unique<child_process>(options_.programs / "payment_provider",
                                              std::vector<std::string>{"--port", "0"}, log);
  provider_port_ = provider_->wait_for_port(start_within);
  start_service();
}

void stage::start_service() {
  const std::vector<std::string> arguments{"--port",
                                           std::to_string(service_port_),
                                           "--db",
                                           database(),
                                           "--payment",
                                           "http://127.0.0.1:" + std::to_string(provider_port_),
                                           "--breaker-open",
                                           std::to_string(options_.breaker_open.count()),
                                           "--payment-timeout",
                                           "300"};
  service_ = std::make_unique<child_process>(options_.programs / "order_service", arguments,
                                             options_.folder / "order_service.log");
  service_port_ = service_->wait_for_port(start_within);
}

void stage::kill_and_restart() {
  service_->kill();
  start_service();
}

std::optional<int> stage::shut_down_service() { return service_->terminate(stop_within); }

void stage::require_running() {
  if (!provider_->running())
    throw std::runtime_error{"the payment provider has ended by itself; see payment_provider.log"};
  if (!service_->running())
    throw std::runtime_error{"the order service has ended by itself; see order_service.log"};
}

void stage::set_provider(const std::string& mood) {
  httplib::Client http{"127.0.0.1", provider_port_};
  const nlohmann::json body{{"mode", mood}, {"delay_ms", 200}};
  const httplib::Result told = http.Post("/control", body.dump(), "application/json");
  if (!told || told->status != 200)
    throw std::runtime_error{"the payment provider does not take orders"};
}

std::optional<std::string> stage::payment_health() const {
  httplib::Client http{"127.0.0.1", service_port_};
  http.set_connection_timeout(std::chrono::seconds{1});
  http.set_read_timeout(std::chrono::seconds{1});
  const httplib::Result health = http.Get("/health");
  if (!health) return std::nullopt;
  const auto body = nlohmann::json::parse(health->body, nullptr, false);
  if (body.is_discarded()) return std::nullopt;
  const auto payments =
      body.value(nlohmann::json::json_pointer{"/parts/payments"}, nlohmann::json::object());
  return payments.value("reason", std::string{"the circuit is closed"});
}

}  // namespace shop::demo
