// SPDX-License-Identifier: MIT
#include "http/problem.hpp"

#include <nlohmann/json.hpp>

namespace shop {

std::string to_json_text(const problem& p, const std::string& instance) {
  nlohmann::ordered_json body{{"type", "about:blank"},
                              {"title", p.title},
                              {"status", p.status},
                              {"detail", p.detail},
                              {"instance", instance}};
  for (const field_error& e : p.errors)
    body["errors"].push_back({{"field", e.field}, {"detail", e.detail}});
  // What a client sent comes back in these texts, and it need not be UTF-8.
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace shop
