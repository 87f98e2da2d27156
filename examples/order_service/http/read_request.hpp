// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include <httplib.h>

#include <gabion/cqrs/command_context.hpp>

#include "app/queries.hpp"
#include "http/problem.hpp"

namespace shop {

/// A request that can't be served as it is.
struct bad_request {
  problem why{};
};

/// Idempotency-Key and If-Match, as what travels with a command. Throws bad_request.
[[nodiscard]] gabion::command_context read_context(const httplib::Request& request);

/// Throws bad_request unless the body says that it is JSON.
void require_json(const httplib::Request& request);

/// The filter, page and consistency token of a query. Each throws bad_request that names the parameter.
[[nodiscard]] order_filter read_filter(const httplib::Request& request);
[[nodiscard]] freshness read_freshness(const httplib::Request& request);

}  // namespace shop
