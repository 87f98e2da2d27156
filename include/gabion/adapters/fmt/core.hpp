// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <fmt/format.h>

#include <gabion/adapters/fmt/detail/named_formatter.hpp>
#include <gabion/core/error.hpp>
#include <gabion/core/uuid.hpp>

/// The 36 characters of its text form.
template <>
struct fmt::formatter<gabion::uuid> : gabion::detail::named_formatter<gabion::uuid> {};

/// The message of the error, as error_category().message() gives it.
template <>
struct fmt::formatter<gabion::errc> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(gabion::errc value, Context& context) const {
    const std::string text = gabion::make_error_code(value).message();
    return fmt::formatter<fmt::string_view>::format({text.data(), text.size()}, context);
  }
};
