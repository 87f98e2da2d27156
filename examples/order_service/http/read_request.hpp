// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include <httplib.h>

#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/consistency_token.hpp>

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

/// The filter and page of a query. Throws bad_request that names the parameter.
[[nodiscard]] order_filter read_filter(const httplib::Request& request);

/// What the client's consistency token demands; nothing if it sent none. Throws bad_request if it
/// is none of ours.
[[nodiscard]] std::optional<gabion::consistency_token> read_token(const httplib::Request& request);

/// Names the log of this service in its consistency tokens.
inline constexpr const char* token_source = "orders";

}  // namespace shop
