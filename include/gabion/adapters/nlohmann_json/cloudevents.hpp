// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <gabion/adapters/nlohmann_json/codec.hpp>
#include <gabion/adapters/nlohmann_json/detail/base64.hpp>
#include <gabion/adapters/nlohmann_json/detail/json_shape.hpp>
#include <gabion/core/cloudevents.hpp>
#include <gabion/core/message.hpp>

namespace gabion {
inline namespace v0 {

/// The content type of a message in structured mode.
inline constexpr std::string_view cloudevents_json_content_type =
    "application/cloudevents+json; charset=utf-8";

namespace detail {

/// Objects of the JSON form keep the order of their members, so that headers do too.
using cloudevents_json = ::nlohmann::ordered_json;

/// Each member of such an object costs a search of all before it, so a wider object is not read
/// into one.
inline constexpr std::size_t cloudevents_max_members = 4096;

/// True if data of that content type is JSON: the JSON form then shows it as JSON. No content type
/// means JSON there.
[[nodiscard]] inline bool is_json_content(std::string_view content_type) {
  const std::string name = detail::ascii_lower(content_type.substr(0, content_type.find(';')));
  return name.empty() || name == "application/json" || name == "text/json" ||
         name.ends_with("+json");
}

/// The data as a JSON value, if writing that value gives the same bytes again; nothing otherwise.
[[nodiscard]] inline std::optional<cloudevents_json> json_of_same_bytes(std::string_view data,
                                                                        std::size_t max_depth) {
  const json_shape shape = detail::shape_of_json(data, max_depth);
  if (shape.depth > max_depth || shape.members > cloudevents_max_members) return std::nullopt;
  auto value = cloudevents_json::parse(data.begin(), data.end(), nullptr, false);
  if (value.is_discarded() || value.dump() != data) return std::nullopt;
  return value;
}

/// Puts the bytes where they come back from unchanged: as JSON, as a text, or in base64.
inline void put_cloudevents_data(cloudevents_json& out, const message& m, std::size_t max_depth) {
  if (!m.data) return;
  if (detail::is_json_content(m.content_type)) {
    if (auto value = detail::json_of_same_bytes(*m.data, max_depth)) {
      out["data"] = *std::move(value);
      return;
    }
  } else if (detail::is_utf8(*m.data)) {
    out["data"] = *m.data;
    return;
  }
  out["data_base64"] = detail::base64_encode(*m.data);
}

/// A JSON scalar as the text of an attribute. Throws error(corrupt).
[[nodiscard]] inline std::string cloudevents_text(const std::string& name,
                                                  const cloudevents_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number_integer()) return value.dump();
  throw error{errc::corrupt, "message: `" + name.substr(0, cloudevents_max_name) +
                                 "` is neither text, number nor boolean"};
}

inline void take_cloudevents_data(message& m, const cloudevents_json& tree) {
  const auto plain = tree.find("data");
  const auto encoded = tree.find("data_base64");
  if (plain != tree.end() && encoded != tree.end())
    throw error{errc::corrupt, "message: `data` and `data_base64` are both there"};
  if (encoded != tree.end()) {
    std::optional<std::string> bytes;
    if (encoded->is_string()) bytes = detail::base64_decode(encoded->get_ref<const std::string&>());
    if (!bytes) throw error{errc::corrupt, "message: `data_base64` is not base64"};
    m.data = std::move(bytes);
  } else if (plain != tree.end()) {
    const bool text = plain->is_string() && !detail::is_json_content(m.content_type);
    m.data = text ? plain->get<std::string>() : plain->dump();
  }
}

}  // namespace detail

/// The message as one JSON document, structured mode, its data unchanged to the byte: as JSON if
/// the data is JSON that comes back the same, as text if it is text, in base64 otherwise. The topic
/// is an address and no part of it. Throws as check_cloudevents() does, error(too_large) beyond
/// max_bytes. Source: CloudEvents 1.0.2, JSON event format.
[[nodiscard]] inline std::string to_cloudevents_json(const message& m,
                                                     const json_codec_options& limits = {}) {
  gabion::validate(limits);
  gabion::check_cloudevents(m);
  detail::cloudevents_json out;
  const auto put_if_set = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  out["specversion"] = cloudevents_version;
  out["id"] = m.id;
  out["source"] = m.source;
  out["type"] = m.type;
  put_if_set("subject", m.subject);
  if (m.time != wall_time{}) out["time"] = gabion::to_rfc3339(m.time);
  put_if_set("datacontenttype", m.content_type);
  put_if_set("dataschema", m.schema);
  for (const header& extension : m.headers) out[extension.name] = extension.value;
  // One level is the event itself.
  detail::put_cloudevents_data(out, m, limits.max_depth - 1);
  std::string text = out.dump();
  if (text.size() > limits.max_bytes)
    throw error{errc::too_large, "message: " + std::to_string(text.size()) +
                                     " bytes as JSON; allowed: up to " +
                                     std::to_string(limits.max_bytes)};
  return text;
}

/// The message that was written so. Numbers and booleans among the extensions become text; null is
/// absent. Throws error(corrupt | too_large) that names what is wrong; total, whatever the bytes
/// are.
[[nodiscard]] inline message from_cloudevents_json(std::string_view text,
                                                   const json_codec_options& limits = {}) {
  gabion::validate(limits);
  if (detail::shape_of_json(text.substr(0, limits.max_bytes), limits.max_depth).members >
      detail::cloudevents_max_members)
    throw error{errc::corrupt, "message: an object has more than " +
                                   std::to_string(detail::cloudevents_max_members) + " members"};
  const auto tree = detail::parse_json<detail::cloudevents_json>(text, limits, "message");
  if (!tree.is_object()) throw error{errc::corrupt, "message: it is not a JSON object"};
  message m;
  bool versioned = false;
  for (const auto& [name, value] : tree.items()) {
    if (name == "data" || name == "data_base64" || value.is_null()) continue;
    versioned = versioned || name == "specversion";
    detail::assign_cloudevents(m, name, detail::cloudevents_text(name, value));
  }
  if (!versioned)
    throw error{errc::corrupt, "message: `specversion` is missing; CloudEvents requires it"};
  detail::take_cloudevents_data(m, tree);
  detail::check_cloudevents(m, errc::corrupt);
  return m;
}

}  // namespace v0
}  // namespace gabion
