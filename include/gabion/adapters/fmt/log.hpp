// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <fmt/format.h>

#include <gabion/adapters/fmt/detail/named_formatter.hpp>
#include <gabion/log/delivery.hpp>
#include <gabion/log/position.hpp>

/// Its number, with the options of a number.
template <>
struct fmt::formatter<gabion::position> : fmt::formatter<std::uint64_t> {
  template <class Context>
  auto format(gabion::position value, Context& context) const {
    return fmt::formatter<std::uint64_t>::format(gabion::to_number(value), context);
  }
};

template <>
struct fmt::formatter<gabion::outcome> : gabion::detail::named_formatter<gabion::outcome> {};
template <>
struct fmt::formatter<gabion::disposition> : gabion::detail::named_formatter<gabion::disposition> {
};
template <>
struct fmt::formatter<gabion::settle_status>
    : gabion::detail::named_formatter<gabion::settle_status> {};
template <>
struct fmt::formatter<gabion::poison_policy>
    : gabion::detail::named_formatter<gabion::poison_policy> {};
