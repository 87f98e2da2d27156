// SPDX-License-Identifier: MIT
#include "http/api.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <gabion/cqrs/http.hpp>
#include <gabion/observe/prometheus.hpp>

#include "http/errors.hpp"
#include "http/limits.hpp"
#include "http/read_body.hpp"
#include "http/read_request.hpp"
#include "http/render.hpp"

namespace shop {

namespace {

using httplib::Request;
using httplib::Response;

constexpr const char* json_type = "application/json";

std::string id_in(const Request& request) { return request.matches[1].str(); }

void respond(Response& response, const gabion::http_parts& parts, const char* type) {
  response.status = parts.status;
  for (const gabion::header& h : parts.headers) response.set_header(h.name, h.value);
  if (!parts.body.empty()) response.set_content(parts.body, type);
}

gabion::consistency_token token_at(gabion::position at) {
  return {.source = token_source, .at = at};
}

/// 202: the command is durable; the read models follow. The token lets the client see its own
/// write.
void accept(Response& response, const receipt& r) {
  gabion::http_parts parts =
      gabion::with_token(gabion::accepted(order_path(r.order_id)), token_at(r.at));
  parts.body = render(r).dump();
  respond(response, parts, json_type);
}

/// A query, and what it demands of the read model.
template <class Query>
auto ask(order_app& app, Query query, const std::optional<gabion::consistency_token>& token) {
  if (token) query.fresh.at_least = token->at;
  return app.ask(query);
}

/// How far the answer is behind the log, and behind the client's own token.
template <class Result>
gabion::http_parts with_freshness(gabion::http_parts parts, const answered<Result>& from,
                                  const std::optional<gabion::consistency_token>& token) {
  const gabion::consistency_token seen = token_at(from.read_model_at);
  parts.headers.push_back({"Read-Model-Lag", std::to_string(from.lag()) + " events"});
  return gabion::with_staleness(std::move(parts), seen, token.value_or(seen));
}

/// 200, or 304 if the client has this version already.
template <class Result>
void show(const Request& request, Response& response, const answered<Result>& from,
          std::uint64_t version, const nlohmann::ordered_json& body) {
  gabion::http_parts parts =
      gabion::shown(body.dump(), version, request.get_header_value("If-None-Match"));
  // may be kept, but must be asked for again with If-None-Match
  parts.headers.push_back({"Cache-Control", "no-cache"});
  respond(response, with_freshness(std::move(parts), from, read_token(request)), json_type);
}

/// A list changes only when its read model does, so that one's position is its version.
template <class Result>
std::uint64_t list_version(const answered<Result>& from) {
  return gabion::to_number(from.read_model_at);
}

void place(order_app& app, const Request& request, const std::string& body, Response& response) {
  require_json(request);
  place_body order = read_place_body(body);
  accept(response, app.send(place_order{.by = std::move(order.by), .items = std::move(order.items)},
                            read_context(request)));
}

void change(order_app& app, const Request& request, const std::string& body, Response& response) {
  require_json(request);
  accept(response,
         app.send(change_order{.order_id = id_in(request), .items = read_items_body(body)},
                  read_context(request)));
}

void add(order_app& app, const Request& request, const std::string& body, Response& response) {
  require_json(request);
  accept(response, app.send(add_item{.order_id = id_in(request), .added = read_item_body(body)},
                            read_context(request)));
}

void cancel(order_app& app, const Request& request, const std::string& /*body*/,
            Response& response) {
  accept(response, app.send(cancel_order{.order_id = id_in(request)}, read_context(request)));
}

void show_order(order_app& app, const Request& request, Response& response) {
  const auto token = read_token(request);
  const auto found = ask(app, get_order{.order_id = id_in(request)}, token);
  if (found.result)
    return show(request, response, found, found.result->version, render(*found.result));
  const problem missing{
      .status = 404,
      .title = "There is no such order",
      .detail = "there is no order '" + id_in(request) + "', or it is not shown yet"};
  respond(response,
          with_freshness({.status = missing.status, .body = to_json_text(missing, request.path)},
                         found, token),
          problem::content_type);
}

void show_orders(order_app& app, const Request& request, Response& response) {
  const order_filter filter = read_filter(request);
  const auto found = ask(app, list_orders{.filter = filter}, read_token(request));
  show(request, response, found, list_version(found), render(found.result, "/orders", filter));
}

void show_customer(order_app& app, const Request& request, Response& response) {
  order_filter filter = read_filter(request);
  filter.customer_id = id_in(request);
  const auto token = read_token(request);
  const auto who = ask(app, get_customer{.customer_id = filter.customer_id}, token);
  if (!who.result)
    throw bad_request{{.status = 404,
                       .title = "There is no such customer",
                       .detail = "nobody with this id has ordered anything"}};
  const auto orders = ask(app, list_orders{.filter = filter}, token);
  nlohmann::ordered_json body = render(orders.result, request.path, filter);
  body["customer"] = render(*who.result);
  show(request, response, orders, list_version(orders), body);
}

void show_analytics(order_app& app, const Request& request, Response& response) {
  const auto found = ask(app, get_analytics{}, read_token(request));
  show(request, response, found, list_version(found), render(found.result));
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

/// Reads the body into bounded memory. httplib's own limit looks at Content-Length only, and a body
/// in chunks has none, nor says a compressed one how long it will be. What is too long is read to
/// its end all the same, or the rest would pass for the next request.
std::string read_body(const httplib::ContentReader& read, const Response& response) {
  std::string body;
  bool too_long = false;
  const bool complete = read([&](const char* data, std::size_t size) {
    too_long = too_long || size > api_limits::body - body.size();
    if (!too_long) body.append(data, size);
    return true;
  });
  // httplib has set that one
  if (too_long || response.status == 413) throw bad_request{problem_of_status(413)};
  if (!complete) throw bad_request{problem_of_status(400)};
  return body;
}

using command_handler = void (*)(order_app&, const Request&, const std::string& body, Response&);
using query_handler = void (*)(order_app&, const Request&, Response&);

auto command(order_app& app, command_handler handler) {
  return [&app, handler](const Request& request, Response& response,
                         const httplib::ContentReader& read) {
    handler(app, request, read_body(read, response), response);
  };
}

auto query(order_app& app, query_handler handler) {
  return [&app, handler](const Request& request, Response& response) {
    handler(app, request, response);
  };
}

void nothing_here(order_app&, const Request&, const std::string& /*body*/, Response&) {
  throw bad_request{problem_of_status(404)};
}

}  // namespace

void register_api(httplib::Server& routes, order_app& app) {
  routes.Post("/orders", command(app, place));
  routes.Put("/orders/([^/]+)", command(app, change));
  routes.Post("/orders/([^/]+)/items", command(app, add));
  routes.Delete("/orders/([^/]+)", command(app, cancel));
  routes.Get("/orders/([^/]+)", query(app, show_order));
  routes.Get("/orders", query(app, show_orders));
  routes.Get("/customers/([^/]+)/orders", query(app, show_customer));
  routes.Get("/analytics/orders", query(app, show_analytics));
  routes.Get("/health", [&app](const Request&, Response& response) { show_health(app, response); });
  routes.Get("/metrics",
             [&app](const Request&, Response& response) { show_metrics(app, response); });
  // Last: whatever else has a body must not be read without a limit either.
  routes.Post(".*", command(app, nothing_here));
  routes.Put(".*", command(app, nothing_here));
  routes.Patch(".*", command(app, nothing_here));
  routes.Delete(".*", command(app, nothing_here));
  routes.set_exception_handler(explain_exception);
  routes.set_error_handler(explain_refusal);
}

}  // namespace shop
