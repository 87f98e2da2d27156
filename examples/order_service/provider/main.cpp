// SPDX-License-Identifier: MIT
// The payment provider: somebody else's service, with moods. It charges each idempotency key once.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "http/server.hpp"
#include "process/shutdown_signal.hpp"
#include "provider/charge_book.hpp"
#include "provider/moods.hpp"

namespace {

using nlohmann::json;
using shop::charge_book;
using shop::mood;

struct provider {
  charge_book book;
  shop::moods moods{};
};

void answer(httplib::Response& response, int status, const json& body) {
  response.status = status;
  response.set_content(body.dump(), "application/json");
}

shop::charge read_charge(const httplib::Request& request) {
  const json body = json::parse(request.body);
  return {.key = request.get_header_value("Idempotency-Key"),
          .order_id = body.at("order_id").get<std::string>(),
          .amount_cents = body.at("amount_cents").get<std::int64_t>()};
}

void post_charge(provider& p, const httplib::Request& request, httplib::Response& response) {
  if (p.moods.now() == mood::fail) return answer(response, 503, {{"error", "out of order"}});
  const shop::charge wanted = read_charge(request);
  if (wanted.key.empty())
    return answer(response, 400, {{"error", "the Idempotency-Key header is missing"}});
  const charge_book::verdict verdict = p.book.charge_once(wanted);
  p.moods.sit_through();
  switch (verdict) {
    case charge_book::verdict::charged:
      return answer(response, 201, {{"key", wanted.key}, {"repeated", false}});
    case charge_book::verdict::repeated:
      return answer(response, 200, {{"key", wanted.key}, {"repeated", true}});
    case charge_book::verdict::declined:
      return answer(response, 402, {{"error", "over the limit of the card"}});
    case charge_book::verdict::key_reused:
      return answer(response, 422, {{"error", "this key was used for something else"}});
  }
}

void get_charges(const provider& p, httplib::Response& response) {
  json list = json::array();
  for (const shop::charge& c : p.book.all())
    list.push_back({{"key", c.key},
                    {"order_id", c.order_id},
                    {"amount_cents", c.amount_cents},
                    {"repeats", c.repeats}});
  answer(response, 200, {{"charges", list}});
}

void post_control(provider& p, const httplib::Request& request, httplib::Response& response) {
  const json body = json::parse(request.body);
  const auto mode = shop::parse_mood(body.at("mode").get<std::string>());
  if (!mode) return answer(response, 422, {{"error", "mode: allowed are ok, fail, hang, slow"}});
  p.moods.set(*mode, std::chrono::milliseconds{body.value("delay_ms", 1000)});
  answer(response, 200, {{"mode", body.at("mode")}});
}

/// A body that is not what it should be makes the JSON library throw; that is the sender's mistake.
void bad_request(const httplib::Request&, httplib::Response& response, std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const json::exception& e) {
    answer(response, 400, {{"error", e.what()}});
  } catch (const std::exception& e) {
    answer(response, 500, {{"error", e.what()}});
  }
}

void register_routes(httplib::Server& routes, provider& p) {
  routes.Post("/charges",
              [&p](const auto& request, auto& response) { post_charge(p, request, response); });
  routes.Get("/charges", [&p](const auto&, auto& response) { get_charges(p, response); });
  routes.Post("/control",
              [&p](const auto& request, auto& response) { post_control(p, request, response); });
  routes.set_exception_handler(bad_request);
}

int run(const shop::http_server_options& options, std::int64_t card_limit_cents) {
  const shop::shutdown_signal shutdown;
  provider p{charge_book{card_limit_cents}};
  shop::http_server server{options};
  register_routes(server.routes(), p);
  std::printf("listening on %d\n", server.start());
  std::fflush(stdout);
  shutdown.wait();
  p.moods.set(mood::ok, {});  // lets go of requests that hang
  server.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  shop::http_server_options options;
  std::int64_t card_limit_cents = 1'000'000;
  CLI::App app{
      "A payment provider that charges each idempotency key once and can be told to misbehave:\n"
      "POST /charges, GET /charges, POST /control {\"mode\": \"ok|fail|hang|slow\", \"delay_ms\": "
      "1000}"};
  app.add_option("--port", options.port, "port to listen on, 0 = any; it is printed")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--card-limit-cents", card_limit_cents, "a higher charge is declined")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options, card_limit_cents);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "payment_provider: %s\n", e.what());
    return 1;
  }
}
