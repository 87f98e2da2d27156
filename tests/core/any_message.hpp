// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/message.hpp>
#include <gabion/core/random.hpp>

namespace testing_support {

/// The UTF-8 form of a code point.
[[nodiscard]] inline std::string utf8(std::uint32_t c) {
  const auto byte = [](std::uint32_t b) {
    return static_cast<char>(static_cast<unsigned char>(b));
  };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0U | c >> 6U), byte(0x80U | (c & 0x3fU))};
  if (c < 0x10000)
    return {byte(0xe0U | c >> 12U), byte(0x80U | (c >> 6U & 0x3fU)), byte(0x80U | (c & 0x3fU))};
  return {byte(0xf0U | c >> 18U), byte(0x80U | (c >> 12U & 0x3fU)), byte(0x80U | (c >> 6U & 0x3fU)),
          byte(0x80U | (c & 0x3fU))};
}

/// Text without control characters, with what headers and JSON have to escape.
[[nodiscard]] inline std::string any_text(gabion::xoshiro256& random, std::uint64_t shortest) {
  static constexpr std::uint32_t special[] = {' ',   '"',    '%',    '\\',    '/',
                                              ':',   '{',    0xa0,   0xe9,    0x7ff,
                                              0x800, 0x20ac, 0xfffd, 0x10000, 0x10ffff};
  std::string text;
  for (std::uint64_t n = gabion::uniform(random, shortest, shortest + 12); n > 0; --n)
    text += gabion::uniform(random, 3) == 0
                ? utf8(special[gabion::uniform(random, std::size(special))])
                : utf8(static_cast<std::uint32_t>(gabion::uniform(random, 0x21, 0x7e)));
  return text;
}

/// Payloads: absent, empty, JSON, nearly JSON, text, any bytes.
[[nodiscard]] inline std::optional<std::string> any_data(gabion::xoshiro256& random) {
  static constexpr std::string_view samples[] = {"",
                                                 "{}",
                                                 "null",
                                                 "[1,2,{\"b\":1,\"a\":2}]",
                                                 "{ \"spaced\": 1 }",
                                                 "1.10",
                                                 "1e5",
                                                 "\"text\"",
                                                 "{\"a\":1,\"a\":2}",
                                                 "[1,2",
                                                 "plain",
                                                 "12345678901234567890123",
                                                 "\"\\u00e9\"",
                                                 "-0"};
  switch (gabion::uniform(random, 3)) {
    case 0: return std::nullopt;
    case 1: return std::string{samples[gabion::uniform(random, std::size(samples))]};
    default: break;
  }
  std::string bytes;
  for (std::uint64_t n = gabion::uniform(random, 40); n > 0; --n)
    bytes += static_cast<char>(random());
  return bytes;
}

/// Any message that can be written as a CloudEvent, with its topic empty.
[[nodiscard]] inline gabion::message any_message(gabion::xoshiro256& random) {
  static constexpr std::string_view types[] = {"", "application/json",
                                               "application/vnd.shop+json; charset=utf-8",
                                               "text/plain", "application/octet-stream"};
  gabion::message m;
  m.id = any_text(random, 1);
  m.source = any_text(random, 1);
  m.type = any_text(random, 1);
  m.subject = any_text(random, 0);
  if (gabion::uniform(random, 2) == 0)
    m.time =
        gabion::wall_time{std::chrono::microseconds{static_cast<std::int64_t>(random() >> 13U)}};
  m.content_type = types[gabion::uniform(random, std::size(types))];
  if (gabion::uniform(random, 2) == 0) m.schema = any_text(random, 1);
  m.data = any_data(random);
  for (std::uint64_t n = gabion::uniform(random, 4); n > 0; --n)
    m.headers.push_back({"x" + std::to_string(n * 7 % 5) + "z", any_text(random, 0)});
  if (gabion::uniform(random, 2) == 0)
    m.headers.push_back({"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"});
  return m;
}

}  // namespace testing_support
