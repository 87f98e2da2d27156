// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "demo/evidence.hpp"

namespace shop::demo {

/// Reads all orders through GET /orders, page by page. Throws std::runtime_error if the service
/// does not answer.
void gather_shown_orders(evidence& into, int service_port);

/// Reads the provider's books. Throws std::runtime_error if it does not answer.
void gather_charges(evidence& into, int provider_port);

/// Reads the database file as anybody could, read-only and beside the service.
void gather_from_file(evidence& into, const std::string& path);

/// How much is still on its way: not yet published, not yet consumed, not yet projected, not yet
/// paid. 0: all is quiet.
[[nodiscard]] std::uint64_t count_in_flight(const std::string& path);

}  // namespace shop::demo
