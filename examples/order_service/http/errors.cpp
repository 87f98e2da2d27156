// SPDX-License-Identifier: MIT
#include "http/errors.hpp"

#include <gabion/cqrs/http.hpp>

#include "app/log.hpp"
#include "domain/order.hpp"
#include "http/limits.hpp"
#include "http/read_body.hpp"
#include "http/read_request.hpp"

namespace shop {

namespace {

problem explain(const gabion::validation_error& e) {
  return {.status = 422,
          .title = "The command is not valid",
          .detail = e.what(),
          .errors = {{e.found().field, e.found().problem}}};
}

/// An order that can't do that now is a conflict with its state, not a bad request.
problem explain(const refusal& e) {
  const bool missing = e.code() == gabion::errc::not_found;
  return {.status = missing ? 404 : 409,
          .title = missing ? "There is no such order" : "The order can't do that now",
          .detail = e.what()};
}

/// gabion says which failure has which status, and when trying again helps. What went wrong in the
/// store is for the log.
problem explain(const gabion::error& e, bool conditional) {
  const gabion::problem known = gabion::problem_of(e, conditional);
  problem p{.status = known.status, .title = known.title, .detail = known.detail};
  p.retry_after_seconds = static_cast<int>(gabion::retry_after(e.code()).count());
  if (e.code() == gabion::errc::duplicate)
    p.errors = {{std::string{gabion::idempotency_header}, "was used before for another command"}};
  if (p.status >= 500) log_line("request failed", {{"reason", e.what()}});
  return p;
}

}  // namespace

problem problem_of(const std::exception_ptr& thrown, bool conditional) {
  try {
    std::rethrow_exception(thrown);
  } catch (const bad_body& e) {
    return e.why;
  } catch (const bad_request& e) {
    return e.why;
  } catch (const refusal& e) {
    return explain(e);
  } catch (const gabion::validation_error& e) {
    return explain(e);
  } catch (const gabion::error& e) {
    return explain(e, conditional);
  } catch (const std::exception& e) {
    log_line("request failed unexpectedly", {{"reason", e.what()}});
    return {.status = 500, .title = "Something went wrong", .detail = "see the service's log"};
  }
}

problem problem_of_status(int status) {
  const std::string too_long =
      "is too long; allowed: up to " + std::to_string(api_limits::body) + " bytes";
  switch (status) {
    case 404:
      return {.status = 404,
              .title = "There is nothing at this address",
              .detail = "no such method and path"};
    case 413:
      return {.status = 413,
              .title = "The request body is too long",
              .detail = "(body): " + too_long,
              .errors = {{"(body)", too_long}}};
    case 414:
      return {.status = 414,
              .title = "The address is too long",
              .detail = "see the limits of the service"};
    default:
      return {.status = status,
              .title = "The request can't be read",
              .detail = "it is not well-formed HTTP"};
  }
}

void answer(httplib::Response& response, const problem& p, const std::string& instance) {
  response.status = p.status;
  if (p.retry_after_seconds > 0)
    response.set_header("Retry-After", std::to_string(p.retry_after_seconds));
  response.set_content(to_json_text(p, instance), problem::content_type);
}

}  // namespace shop
