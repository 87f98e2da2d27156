// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/core/detail/exceptions.hpp>

namespace gabion {
inline namespace v0 {

namespace detail {

/// Reads decimal digits off the front of a text; a text that ends early or holds anything else
/// makes it fail for good.
class digit_reader {
 public:
  constexpr explicit digit_reader(std::string_view text) noexcept : text_{text} {}

  [[nodiscard]] constexpr int number(std::size_t digits) noexcept {
    int value = 0;
    for (; digits > 0 && good_; --digits) {
      if (text_.empty() || text_.front() < '0' || text_.front() > '9') {
        good_ = false;
        break;
      }
      value = value * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  /// Takes one of the characters in `allowed`, 0 if there is none.
  constexpr char one_of(std::string_view allowed) noexcept {
    if (!good_ || text_.empty() || allowed.find(text_.front()) == std::string_view::npos) {
      good_ = false;
      return 0;
    }
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  [[nodiscard]] constexpr bool next_is(char c) const noexcept {
    return good_ && !text_.empty() && text_.front() == c;
  }
  [[nodiscard]] constexpr bool next_is_digit() const noexcept {
    return good_ && !text_.empty() && text_.front() >= '0' && text_.front() <= '9';
  }
  constexpr void fail() noexcept { good_ = false; }
  [[nodiscard]] constexpr bool good() const noexcept { return good_; }
  [[nodiscard]] constexpr bool at_end() const noexcept { return good_ && text_.empty(); }

 private:
  std::string_view text_;
  bool good_ = true;
};

/// Reads ".123456789": at least one digit, microseconds kept, the rest cut off.
[[nodiscard]] constexpr std::chrono::microseconds read_fraction(digit_reader& in) noexcept {
  if (!in.next_is('.')) return {};
  in.one_of(".");
  if (!in.next_is_digit()) in.fail();
  std::int64_t value = 0;
  std::int64_t unit = 100'000;
  while (in.next_is_digit()) {
    value += in.number(1) * unit;
    unit /= 10;
  }
  return std::chrono::microseconds{value};
}

/// Reads "Z" or "+02:00".
[[nodiscard]] constexpr std::chrono::minutes read_offset(digit_reader& in) noexcept {
  const char sign = in.one_of("Zz+-");
  if (sign != '+' && sign != '-') return {};
  const int hours = in.number(2);
  in.one_of(":");
  const int minutes = in.number(2);
  if (hours > 23 || minutes > 59) in.fail();
  const std::chrono::minutes offset{hours * 60 + minutes};
  return sign == '-' ? -offset : offset;
}

/// The form has four digits for the year.
[[nodiscard]] constexpr bool has_rfc3339_year(wall_time at) noexcept {
  using std::chrono::sys_days, std::chrono::year, std::chrono::January;
  return at >= sys_days{year{0} / January / 1} && at < sys_days{year{10000} / January / 1};
}

inline void append_digits(std::string& out, std::int64_t value, std::size_t digits) {
  const std::size_t start = out.size();
  out.append(digits, '0');
  for (std::size_t i = digits; i > 0; --i, value /= 10)
    out[start + i - 1] = static_cast<char>('0' + value % 10);
}

}  // namespace detail

/// A moment in the form of RFC 3339, UTC, such as "2026-01-31T09:05:00.000250Z"; the fraction is
/// there only if it is not zero. Throws error(invalid_argument) if the year is not 0 to 9999, for
/// which the form has no room.
[[nodiscard]] inline std::string to_rfc3339(wall_time at) {
  if (!detail::has_rfc3339_year(at))
    detail::fail(errc::invalid_argument,
                 "to_rfc3339: the year is out of range; allowed: 0 to 9999");
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{at - day};
  std::string out;
  const auto part = [&out](std::int64_t value, std::size_t digits, char after) {
    detail::append_digits(out, value, digits);
    out += after;
  };
  part(static_cast<int>(date.year()), 4, '-');
  part(static_cast<unsigned>(date.month()), 2, '-');
  part(static_cast<unsigned>(date.day()), 2, 'T');
  part(time.hours().count(), 2, ':');
  part(time.minutes().count(), 2, ':');
  const bool fraction = time.subseconds().count() != 0;
  part(time.seconds().count(), 2, fraction ? '.' : 'Z');
  if (fraction) part(time.subseconds().count(), 6, 'Z');
  return out;
}

/// Reads the form of RFC 3339 with any offset and any number of fraction digits, cut to
/// microseconds; a leap second counts as the second after it. Nothing for any other text, and for a
/// moment that is not in the years 0 to 9999 of UTC: nobody could write it again.
[[nodiscard]] constexpr std::optional<wall_time> parse_rfc3339(std::string_view text) noexcept {
  detail::digit_reader in{text};
  const std::chrono::year year{in.number(4)};
  in.one_of("-");
  const std::chrono::month month{static_cast<unsigned>(in.number(2))};
  in.one_of("-");
  const std::chrono::year_month_day date{year, month,
                                         std::chrono::day{static_cast<unsigned>(in.number(2))}};
  in.one_of("Tt ");
  const int hours = in.number(2);
  in.one_of(":");
  const int minutes = in.number(2);
  in.one_of(":");
  const int seconds = in.number(2);
  const std::chrono::microseconds fraction = detail::read_fraction(in);
  const std::chrono::minutes offset = detail::read_offset(in);
  if (!in.at_end() || !date.ok() || hours > 23 || minutes > 59 || seconds > 60) return std::nullopt;
  const wall_time at{std::chrono::sys_days{date} + std::chrono::hours{hours} +
                     std::chrono::minutes{minutes} + std::chrono::seconds{seconds} + fraction -
                     offset};
  if (!detail::has_rfc3339_year(at)) return std::nullopt;
  return at;
}

}  // namespace v0
}  // namespace gabion
