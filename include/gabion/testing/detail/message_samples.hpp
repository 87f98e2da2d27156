// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gabion/core/message.hpp>
#include <gabion/testing/detail/store_case.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

[[nodiscard]] inline std::string all_bytes() {
  std::string all;
  for (int b = 0; b < 256; ++b) all.push_back(static_cast<char>(b));
  return all;
}

/// A message that a store must give back exactly, with the reason why it might not.
struct message_sample {
  std::string why{};
  message what{};
};

[[nodiscard]] inline message with_headers(message m, std::vector<header> headers) {
  m.headers = std::move(headers);
  return m;
}

[[nodiscard]] inline message at_time(message m, std::chrono::sys_days day,
                                     std::chrono::microseconds of_day) {
  m.time = wall_time{day} + of_day;
  return m;
}

[[nodiscard]] inline message without_data(message m) {
  m.data.reset();
  return m;
}

[[nodiscard]] inline message every_attribute() {
  return message{
      .id = (std::string("id\0with a nul", 13) + all_bytes()).substr(0, 255),
      .source = "/source/\xC3\xA4?x=1",
      .type = "type.of.it",
      .subject = "key '\" ; -- \xF0\x9F\x8D\x8B",
      .time = wall_time{std::chrono::microseconds{1'234'567'890'123'457}},
      .content_type = "application/json; charset=utf-8",
      .schema = "https://example.org/schema#1",
      .data = "{}",
      .headers = {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
      .topic = "orders.v1"};
}

/// Every kind of message that has broken a store before.
[[nodiscard]] inline std::vector<message_sample> message_samples() {
  using std::chrono::sys_days;
  using std::chrono::year;
  constexpr std::chrono::microseconds odd{1};
  std::vector<header> thousand;
  for (int i = 0; i < 1000; ++i)
    thousand.push_back({"header" + std::to_string(i % 10), std::to_string(i)});
  std::vector<message_sample> samples{
      {"every attribute", every_attribute()},
      {"no payload", without_data(letter_of("no payload"))},
      {"an empty payload", letter_of("empty payload", "k", "")},
      {"every byte as payload", letter_of("bytes", "k", all_bytes())},
      {"an empty key", letter_of("empty key", "")},
      {"a binary key", letter_of("binary key", all_bytes())},
      {"a key with a nul at its end", letter_of("nul key", std::string("k\0", 2))},
      {"a key of 64 KiB", letter_of("long key", std::string(65'536, 'k'))},
      {"a header without a value", with_headers(letter_of("empty header"), {{"name", ""}})},
      {"a thousand headers, names repeated",
       with_headers(letter_of("headers"), std::move(thousand))},
      {"a binary header", with_headers(letter_of("binary header"), {{all_bytes(), all_bytes()}})},
      {"the year 1900", at_time(letter_of("1900"), sys_days{year{1900} / 1 / 1}, odd)},
      {"the year 9999",
       at_time(letter_of("9999"), sys_days{year{9999} / 12 / 31}, std::chrono::hours{24} - odd)},
      {"a microsecond before 1970",
       at_time(letter_of("1969"), sys_days{year{1970} / 1 / 1}, -odd)}};
  for (message_sample& s : samples)
    // an epoch time would be filled in
    if (s.what.time == wall_time{}) s.what.time = wall_time{odd};
  return samples;
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
