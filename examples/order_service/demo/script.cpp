// SPDX-License-Identifier: MIT
#include "demo/script.hpp"

#include <istream>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "domain/json.hpp"

namespace shop::demo {

namespace {

using nlohmann::json;

/// The items in a body, or none: the service is there to say what is wrong with an order, and the
/// demo sends it all the same.
std::vector<item> items_in(const json& list) {
  try {
    return list.get<std::vector<item>>();
  } catch (const json::exception&) {
    return {};
  }
}

step read_then(const json& entry) {
  if (const auto added = entry.find("add_item"); added != entry.end())
    return {.kind = step_kind::add_item,
            .body = added->dump(),
            .items = items_in(json::array({*added}))};
  if (const auto changed = entry.find("change"); changed != entry.end())
    return {.kind = step_kind::change,
            .body = changed->dump(),
            .items = items_in(changed->value("items", json::array()))};
  if (entry.contains("cancel")) return {.kind = step_kind::cancel};
  throw std::runtime_error{"an entry of \"then\" is none of add_item, change and cancel"};
}

script read_script(const std::string& text, std::size_t line) {
  json order = json::parse(text);
  if (!order.is_object()) throw std::runtime_error{"is not a JSON object"};
  const json then = order.value("then", json::array());
  order.erase("then");
  script result{
      .steps = {{.body = order.dump(), .items = items_in(order.value("items", json::array()))}},
      .line = line};
  for (const json& entry : then) result.steps.push_back(read_then(entry));
  return result;
}

}  // namespace

std::vector<script> read_scripts(std::istream& in) {
  std::vector<script> scripts;
  std::string text;
  for (std::size_t line = 1; std::getline(in, text); ++line) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      scripts.push_back(read_script(text, line));
    } catch (const std::exception& e) {
      throw std::runtime_error{"line " + std::to_string(line) + ": " + e.what()};
    }
  }
  if (scripts.empty()) throw std::runtime_error{"there is no order in it"};
  return scripts;
}

std::vector<script> repeat_scripts(const std::vector<script>& from, std::size_t commands) {
  std::vector<script> result;
  for (std::size_t left = commands, i = 0; left > 0; ++i) {
    script next = from[i % from.size()];
    if (next.steps.size() > left) next.steps.resize(left);
    left -= next.steps.size();
    result.push_back(std::move(next));
  }
  return result;
}

}  // namespace shop::demo
