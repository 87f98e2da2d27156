// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <fmt/format.h>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// Formats what has a to_string() in gabion as that text, with the options of a text: width, fill,
/// alignment, precision.
template <class T>
struct named_formatter : ::fmt::formatter<::fmt::string_view> {
  template <class Context>
  auto format(const T& value, Context& context) const {
    const auto text = to_string(value);
    const std::string_view view{text};
    return ::fmt::formatter<::fmt::string_view>::format({view.data(), view.size()}, context);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace gabion
