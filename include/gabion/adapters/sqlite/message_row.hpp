// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/adapters/sqlite/statement.hpp>
#include <gabion/core/header_block.hpp>
#include <gabion/core/message.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// The columns that hold a message, in the order in which read_message and message_columns see
/// them.
inline constexpr const char* message_column_names =
    "event_id, source, event_type, subject, occurred_at, content_type, data_schema, payload, "
    "headers, topic";

/// Reads a message from ten columns starting at `first`, without its headers.
[[nodiscard]] inline message read_message_body(const statement& row, int first) {
  return message{.id = row.text(first),
                 .source = row.text(first + 1),
                 .type = row.text(first + 2),
                 .subject = row.text(first + 3),
                 .time = row.time(first + 4),
                 .content_type = row.text(first + 5),
                 .schema = row.text(first + 6),
                 .data = row.optional_text(first + 7),
                 .topic = row.text(first + 9)};
}

/// Reads a message from ten columns starting at `first`. Throws error(corrupt) if its headers can
/// not be read back.
[[nodiscard]] inline message read_message(const statement& row, int first) {
  message m = read_message_body(row, first);
  m.headers = decode_headers(row.view(first + 8));
  return m;
}

/// The same as a value: why the row is corrupt, or an empty text and the message.
[[nodiscard]] inline std::string read_message_unless_corrupt(message& into, const statement& row,
                                                             int first) {
  std::string why;
  const bool readable =
      gabion::detail::caught<error>([&] { into = read_message(row, first); },
                                    [&](const error& e) {
                                      why = std::string{"cannot be read back: "} + e.what();
                                      return e.code() == errc::corrupt;
                                    });
  return readable ? std::string{} : why;
}

/// The same for people who look at what is broken: without the headers if they can not be read
/// back.
[[nodiscard]] inline message read_message_or_rest(const statement& row, int first) {
  message m = read_message_body(row, first);
  const gabion::detail::failure unreadable =
      gabion::detail::guarded([&] { m.headers = decode_headers(row.view(first + 8)); });
  if (unreadable) m.headers.clear();
  return m;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
