// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <sqlite3.h>

#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {
namespace sqlite {

/// What a result code of SQLite means to a caller of gabion.
[[nodiscard]] inline errc classify(int code, std::string_view message) noexcept {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return errc::busy;
    case SQLITE_FULL:
    case SQLITE_NOMEM: return errc::full;
    case SQLITE_CONSTRAINT: return errc::duplicate;
    case SQLITE_TOOBIG: return errc::too_large;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return errc::corrupt;
    case SQLITE_MISUSE:
    case SQLITE_RANGE: return errc::invalid_argument;
    case SQLITE_ERROR:
      if (message.starts_with("no such savepoint") || message.ends_with("no transaction is active"))
        return errc::unavailable;
      // From here on the SQL is at fault: waiting does not mend it.
      if (message.starts_with("no such table")) return errc::schema_missing;
      if (message.starts_with("no such column") ||
          message.find(" has no column named ") != std::string_view::npos)
        return errc::schema_mismatch;
      return errc::invalid_argument;
    default: return errc::unavailable;
  }
}

/// An error of SQLite: `code()` is gabion's, `native()` SQLite's extended result code, `text()`
/// SQLite's own words.
class sqlite_error : public error {
 public:
  sqlite_error(int native, const std::string& text)
      : sqlite_error{classify(native, text), native, text} {}
  sqlite_error(errc as, int native, const std::string& text)
      : error{as, "sqlite: " + text}, native_{native}, text_{text} {}
  [[nodiscard]] int native() const noexcept { return native_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  int native_;
  std::string text_;
};

}  // namespace sqlite
}  // namespace v0
}  // namespace gabion
