// SPDX-License-Identifier: MIT
#include "http/errors.hpp"

#include <gabion/core/error.hpp>
#include <gabion/cqrs/validation.hpp>

#include "app/log.hpp"
#include "domain/order.hpp"
#include "http/read_body.hpp"
#include "http/read_request.hpp"

namespace shop {

namespace {

problem problem_of(const refusal& e) {
  const bool missing = e.why() == refusal::reason::no_such_order;
  return {.status = missing ? 404 : 409, .title = missing ? "There is no such order" : "The order can't do that now", .detail = e.what()};
}

problem problem_of(const gabion::validation_error& e) {
  return {.status = 422, .title = "The command is not valid", .detail = e.what(), .errors = {{e.found().field, e.found().problem}}};
}

/// The store did not do it, or nobody knows. The same request with the same key is safe in either case.
problem unavailable(const std::string& detail) {
  return {.status = 503, .title = "The service can't do this now", .detail = detail + "; try again with the same Idempotency-Key", .retry_after_seconds = 1};
}

problem problem_of(const gabion::error& e, bool conditional) {
  if (e.code() == gabion::errc::conflict)
    return {.status = conditional ? 412 : 409, .title = "The order was changed by somebody else", .detail = e.what()};
  if (e.code() == gabion::errc::duplicate)
    return {.status = 422,
            .title = "The Idempotency-Key was used for another command",
            .detail = e.what(),
            .errors = {{"Idempotency-Key", "was used before for another command; a new command needs a new key"}}};
  log_line("request failed", {{"reason", e.what()}});
  if (e.code() == gabion::errc::full) return unavailable("the disk is full");
  if (e.code() == gabion::errc::busy) return unavailable("the database is locked");
  if (e.code() == gabion::errc::in_doubt) return unavailable("it is not known whether it was done");
  return unavailable("the database does not work");
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
    return problem_of(e);
  } catch (const gabion::validation_error& e) {
    return problem_of(e);
  } catch (const gabion::error& e) {
    return problem_of(e, conditional);
  } catch (const std::exception& e) {
    log_line("request failed unexpectedly", {{"reason", e.what()}});
    return {.status = 500, .title = "Something went wrong", .detail = "see the service's log"};
  }
}

problem problem_of_status(int status) {
  switch (status) {
    case 404: return {.status = 404, .title = "There is nothing at this address", .detail = "no such method and path"};
    case 413: return {.status = 413, .title = "The request body is too long", .detail = "(body): allowed: up to 65536 bytes",
                      .errors = {{"(body)", "is too long; allowed: up to 65536 bytes"}}};
    case 414: return {.status = 414, .title = "The address is too long", .detail = "see the limits of the service"};
    default: return {.status = status, .title = "The request can't be read", .detail = "it is not well-formed HTTP"};
  }
}

void answer(httplib::Response& response, const problem& p, const std::string& instance) {
  response.status = p.status;
  if (p.retry_after_seconds > 0) response.set_header("Retry-After", std::to_string(p.retry_after_seconds));
  response.set_content(to_json_text(p, instance), problem::content_type);
}

}  // namespace shop
