// SPDX-License-Identifier: MIT
#include "http/api.hpp"

#include <exception>
#include <string>
#include <utility>

#include <gabion/observe/prometheus.hpp>

#include "http/errors.hpp"
#include "http/read_body.hpp"
#include "http/read_request.hpp"
#include "http/render.hpp"

namespace shop {

namespace {

using httplib::Request;
using httplib::Response;

constexpr const char* json_type = "application/json";

std::string id_in(const Request& request) { return request.matches[1].str(); }

/// 202: the command is durable; the read models follow. The token lets the client see its own write.
void accept(Response& response, const receipt& r) {
  response.status = 202;
  response.set_header("Location", order_path(r.order_id));
  response.set_header("Consistency-Token", std::to_string(gabion::to_number(r.at)));
  response.set_content(render(r).dump(), json_type);
}

/// 200, or 304 if the client has this already. A stale answer says so, and so does everyone that is behind.
template <class Result>
void show(const Request& request, Response& response, const answered<Result>& from, const std::string& tag, const nlohmann::ordered_json& body) {
  response.set_header("Read-Model-Lag", std::to_string(from.lag()) + " events");
  response.set_header("Consistency-Token", std::to_string(gabion::to_number(from.read_model_at)));
  if (from.stale) response.set_header("Read-Model-Stale", "true");
  response.set_header("ETag", tag);
  response.set_header("Cache-Control", "no-cache");  // may be kept, but must be asked for again with If-None-Match
  if (request.get_header_value("If-None-Match") == tag) {
    response.status = 304;
    return;
  }
  response.set_content(body.dump(), json_type);
}

/// A list changes only when its read model does.
template <class Result>
std::string list_tag(const answered<Result>& from) {
  return "\"p" + std::to_string(gabion::to_number(from.read_model_at)) + "\"";
}

void place(order_app& app, const Request& request, Response& response) {
  require_json(request);
  place_body body = read_place_body(request.body);
  accept(response, app.send(place_order{.by = std::move(body.by), .items = std::move(body.items)}, read_context(request)));
}

void change(order_app& app, const Request& request, Response& response) {
  require_json(request);
  accept(response, app.send(change_order{.order_id = id_in(request), .items = read_items_body(request.body)}, read_context(request)));
}

void add(order_app& app, const Request& request, Response& response) {
  require_json(request);
  accept(response, app.send(add_item{.order_id = id_in(request), .added = read_item_body(request.body)}, read_context(request)));
}

void cancel(order_app& app, const Request& request, Response& response) {
  accept(response, app.send(cancel_order{.order_id = id_in(request)}, read_context(request)));
}

void show_order(order_app& app, const Request& request, Response& response) {
  const auto found = app.ask(get_order{.order_id = id_in(request), .fresh = read_freshness(request)});
  if (found.stale) response.set_header("Read-Model-Stale", "true");
  if (!found.result)
    throw refusal{refusal::reason::no_such_order, "there is no order '" + id_in(request) + "', or it is not shown yet"};
  show(request, response, found, "\"" + std::to_string(found.result->version) + "\"", render(*found.result));
}

void show_orders(order_app& app, const Request& request, Response& response) {
  const order_filter filter = read_filter(request);
  const auto found = app.ask(list_orders{.filter = filter, .fresh = read_freshness(request)});
  show(request, response, found, list_tag(found), render(found.result, "/orders", filter));
}

void show_customer(order_app& app, const Request& request, Response& response) {
  order_filter filter = read_filter(request);
  filter.customer_id = id_in(request);
  const freshness fresh = read_freshness(request);
  const auto who = app.ask(get_customer{.customer_id = filter.customer_id, .fresh = fresh});
  if (!who.result)
    throw bad_request{{.status = 404, .title = "There is no such customer", .detail = "nobody with this id has ordered anything"}};
  const auto orders = app.ask(list_orders{.filter = filter, .fresh = fresh});
  nlohmann::ordered_json body = render(orders.result, request.path, filter);
  body["customer"] = render(*who.result);
  show(request, response, orders, list_tag(orders), body);
}

void show_analytics(order_app& app, const Request& request, Response& response) {
  const auto found = app.ask(get_analytics{.fresh = read_freshness(request)});
  show(request, response, found, list_tag(found), render(found.result));
}

void show_health(order_app& app, Response& response) {
  const gabion::health_report health = app.health();
  response.status = health.serves() ? 200 : 503;
  response.set_content(render(health).dump(), json_type);
}

void show_metrics(order_app& app, Response& response) {
  std::string page;
  app.write_metrics(page);
  response.set_content(page, std::string{gabion::prometheus_content_type}.c_str());
}

/// What httplib refuses by itself has no body yet.
void explain_refusal(const Request& request, Response& response) {
  if (response.body.empty()) answer(response, problem_of_status(response.status), request.path);
}

void explain_exception(const Request& request, Response& response, std::exception_ptr thrown) {
  answer(response, problem_of(thrown, request.has_header("If-Match")), request.path);
}

}  // namespace

void register_api(httplib::Server& routes, order_app& app) {
  const auto with_app = [&app](void (*handler)(order_app&, const Request&, Response&)) {
    return [&app, handler](const Request& request, Response& response) { handler(app, request, response); };
  };
  routes.Post("/orders", with_app(place));
  routes.Put("/orders/([^/]+)", with_app(change));
  routes.Post("/orders/([^/]+)/items", with_app(add));
  routes.Delete("/orders/([^/]+)", with_app(cancel));
  routes.Get("/orders/([^/]+)", with_app(show_order));
  routes.Get("/orders", with_app(show_orders));
  routes.Get("/customers/([^/]+)/orders", with_app(show_customer));
  routes.Get("/analytics/orders", with_app(show_analytics));
  routes.Get("/health", [&app](const Request&, Response& response) { show_health(app, response); });
  routes.Get("/metrics", [&app](const Request&, Response& response) { show_metrics(app, response); });
  routes.set_exception_handler(explain_exception);
  routes.set_error_handler(explain_refusal);
}

}  // namespace shop
