// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/detail/hex.hpp>
#include <gabion/core/detail/utf8.hpp>
#include <gabion/core/message.hpp>
#include <gabion/core/rfc3339.hpp>
#include <gabion/core/trace_context.hpp>

namespace gabion {
inline namespace v0 {

/// The version of CloudEvents that gabion writes and reads.
inline constexpr std::string_view cloudevents_version = "1.0";
/// Longest name of an extension attribute, in bytes.
inline constexpr std::size_t cloudevents_max_name = 64;
/// Longest value of an attribute, in bytes.
inline constexpr std::size_t cloudevents_max_value = 8192;
/// Most extension attributes of one message.
inline constexpr std::size_t cloudevents_max_extensions = 128;

/// Which protocol the headers are for. They differ in the prefix and in the escape of characters
/// that a header can't hold.
enum class cloudevents_binding : std::uint8_t {
  http,   ///< "ce-id"; everything but printable ASCII is percent-encoded
  kafka,  ///< "ce_id"; UTF-8 as it is
};

namespace detail {

[[nodiscard]] constexpr std::string_view cloudevents_prefix(cloudevents_binding binding) noexcept {
  return binding == cloudevents_binding::http ? "ce-" : "ce_";
}

/// The names that are attributes of their own, or that the JSON form uses for something else.
[[nodiscard]] constexpr bool is_cloudevents_core_name(std::string_view name) noexcept {
  for (const std::string_view core : {"specversion", "id", "source", "type", "subject", "time",
                                      "datacontenttype", "dataschema", "data", "data_base64"})
    if (name == core) return true;
  return false;
}

[[nodiscard]] constexpr bool is_cloudevents_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > cloudevents_max_name) return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
  return true;
}

inline void check_cloudevents_value(std::string_view name, std::string_view value, errc code) {
  if (value.size() > cloudevents_max_value)
    detail::fail(code, "message: `" + std::string{name} + "` has " + std::to_string(value.size()) +
                           " bytes; allowed: up to " + std::to_string(cloudevents_max_value));
  if (!detail::is_printable_utf8(value))
    detail::fail(code,
                 "message: `" + std::string{name} + "` is not UTF-8 or has a control character");
}

inline void check_cloudevents_extensions(const message& m, errc code) {
  if (m.headers.size() > cloudevents_max_extensions)
    detail::fail(code, "message: " + std::to_string(m.headers.size()) +
                           " headers; allowed: up to " +
                           std::to_string(cloudevents_max_extensions));
  for (std::size_t i = 0; i < m.headers.size(); ++i) {
    const std::string& name = m.headers[i].name;
    if (!detail::is_cloudevents_name(name))
      detail::fail(code, "message: a header's name is \"" + name.substr(0, cloudevents_max_name) +
                             "\"; allowed: 1 to " + std::to_string(cloudevents_max_name) +
                             " of a-z and 0-9");
    if (detail::is_cloudevents_core_name(name))
      detail::fail(code,
                   "message: a header is named `" + name + "`, which is an attribute of its own");
    for (std::size_t earlier = 0; earlier < i; ++earlier)
      if (m.headers[earlier].name == name)
        detail::fail(code, "message: the header `" + name + "` is there twice");
    detail::check_cloudevents_value(name, m.headers[i].value, code);
  }
}

inline void check_cloudevents(const message& m, errc code) {
  const auto required = [code](std::string_view name, std::string_view value) {
    if (value.empty())
      detail::fail(code,
                   "message: `" + std::string{name} + "` is missing; CloudEvents requires it");
    detail::check_cloudevents_value(name, value, code);
  };
  required("id", m.id);
  required("source", m.source);
  required("type", m.type);
  detail::check_cloudevents_value("subject", m.subject, code);
  detail::check_cloudevents_value("datacontenttype", m.content_type, code);
  for (const char c : m.content_type)
    if (static_cast<unsigned char>(c) > 0x7e)
      detail::fail(code, "message: `datacontenttype` is not ASCII");
  detail::check_cloudevents_value("dataschema", m.schema, code);
  detail::check_cloudevents_extensions(m, code);
  if (const auto trace = find_header(m, "traceparent"); trace && !gabion::is_traceparent(*trace))
    detail::fail(code, "message: the header `traceparent` is not one of W3C Trace Context");
}

/// Percent-encoding of the HTTP binding, section 3.1.3.2: all but printable ASCII, and space, quote
/// and percent too.
[[nodiscard]] inline std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '"' && c != '%') {
      out += c;
    } else {
      out += '%';
      out += "0123456789ABCDEF"[byte >> 4U];
      out += "0123456789ABCDEF"[byte & 0xfU];
    }
  }
  return out;
}

/// Undoes it; a percent sign that no two digits follow stands for itself.
[[nodiscard]] inline std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && text.size() - i > 2 ? detail::hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? detail::hex_value(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
    } else {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

/// Header names of HTTP don't depend on case; those of Kafka are compared in the same way, which
/// does no harm.
[[nodiscard]] inline std::string ascii_lower(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// The member that holds a text attribute, or nothing.
[[nodiscard]] inline std::string message::* cloudevents_member(std::string_view name) noexcept {
  if (name == "id") return &message::id;
  if (name == "source") return &message::source;
  if (name == "type") return &message::type;
  if (name == "subject") return &message::subject;
  if (name == "datacontenttype") return &message::content_type;
  if (name == "dataschema") return &message::schema;
  return nullptr;
}

/// Puts one attribute into its member, or into the headers if it is an extension. Throws
/// error(corrupt).
inline void assign_cloudevents(message& m, std::string_view name, std::string value) {
  if (std::string message::* const member = detail::cloudevents_member(name)) {
    if (!(m.*member).empty() && m.*member != value)
      detail::fail(errc::corrupt, "message: `" + std::string{name} + "` is there twice");
    m.*member = std::move(value);
  } else if (name == "time") {
    const std::optional<wall_time> at = gabion::parse_rfc3339(value);
    if (!at) detail::fail(errc::corrupt, "message: `time` is not a time stamp of RFC 3339");
    m.time = *at;
  } else if (name == "specversion") {
    if (value != cloudevents_version)
      detail::fail(errc::corrupt,
                   "message: `specversion` is \"" + value.substr(0, 16) + "\"; gabion reads 1.0");
  } else {
    m.headers.push_back({std::string{name}, std::move(value)});
  }
}

}  // namespace detail

/// Throws error(invalid_argument) that names the attribute if the message can't be written as a
/// CloudEvent: id, source or type missing, a value that is not UTF-8, has a control character (such
/// as CR, LF, NUL) or is too long, a header whose name is not made of a-z and 0-9, repeats or
/// belongs to an attribute, or a `traceparent` that is none.
inline void check_cloudevents(const message& m) {
  detail::check_cloudevents(m, errc::invalid_argument);
}

/// The message's attributes as protocol headers, binary mode: the data is then the body as it is.
/// The topic is an address and no part of it. Throws as check_cloudevents() does, or if the year of
/// `time` is not 0 to 9999. Source: CloudEvents 1.0.2, HTTP and Kafka protocol bindings,
/// section 3.1.
[[nodiscard]] inline std::vector<header> to_cloudevents_headers(const message& m,
                                                                cloudevents_binding binding) {
  gabion::check_cloudevents(m);
  std::vector<header> out;
  const auto put = [&](std::string_view name, const std::string& value) {
    out.push_back({std::string{detail::cloudevents_prefix(binding)}.append(name),
                   binding == cloudevents_binding::http ? detail::percent_encode(value) : value});
  };
  const auto put_if_set = [&put](std::string_view name, const std::string& value) {
    if (!value.empty()) put(name, value);
  };
  put("specversion", std::string{cloudevents_version});
  put("id", m.id);
  put("source", m.source);
  put("type", m.type);
  put_if_set("subject", m.subject);
  if (m.time != wall_time{}) put("time", gabion::to_rfc3339(m.time));
  put_if_set("dataschema", m.schema);
  if (!m.content_type.empty()) out.push_back({"content-type", m.content_type});
  for (const header& extension : m.headers) put(extension.name, extension.value);
  return out;
}

/// The message that was written so, with its data. Headers without the prefix are not part of the
/// event and are left out. Throws error(corrupt) that names the attribute; total, whatever the
/// bytes are.
[[nodiscard]] inline message from_cloudevents_headers(std::span<const header> headers,
                                                      std::optional<std::string> data,
                                                      cloudevents_binding binding) {
  message m;
  bool versioned = false;
  for (const header& h : headers) {
    const std::string name = detail::ascii_lower(h.name);
    if (name == "content-type") detail::assign_cloudevents(m, "datacontenttype", h.value);
    if (!name.starts_with(detail::cloudevents_prefix(binding))) continue;
    const std::string_view attribute = std::string_view{name}.substr(3);
    versioned = versioned || attribute == "specversion";
    detail::assign_cloudevents(
        m, attribute,
        binding == cloudevents_binding::http ? detail::percent_decode(h.value) : h.value);
  }
  if (!versioned)
    detail::fail(errc::corrupt, "message: `specversion` is missing; CloudEvents requires it");
  m.data = std::move(data);
  detail::check_cloudevents(m, errc::corrupt);
  return m;
}

}  // namespace v0
}  // namespace gabion
