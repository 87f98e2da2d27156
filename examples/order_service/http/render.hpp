// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <gabion/observe/health.hpp>

#include "app/order_app.hpp"

// The bodies of the answers. Each names where to go from here (`_links`), so that a client need not
// build addresses.
namespace shop {

[[nodiscard]] nlohmann::ordered_json render(const receipt& r);
[[nodiscard]] nlohmann::ordered_json render(const order_view& view);
[[nodiscard]] nlohmann::ordered_json render(const customer_summary& summary);
[[nodiscard]] nlohmann::ordered_json render(const order_analytics& analytics);
[[nodiscard]] nlohmann::ordered_json render(const gabion::health_report& health);

/// A page of orders at `path`, with a link to the next one if there is more.
[[nodiscard]] nlohmann::ordered_json render(const order_page& page, const std::string& path,
                                            const order_filter& filter);

[[nodiscard]] inline std::string order_path(const std::string& order_id) {
  return "/orders/" + order_id;
}

}  // namespace shop
