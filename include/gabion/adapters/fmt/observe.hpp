// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <gabion/adapters/fmt/detail/named_formatter.hpp>
#include <gabion/observe/alert_rule.hpp>
#include <gabion/observe/health.hpp>

template <>
struct fmt::formatter<gabion::health_state>
    : gabion::detail::named_formatter<gabion::health_state> {};
template <>
struct fmt::formatter<gabion::alert_level> : gabion::detail::named_formatter<gabion::alert_level> {
};
