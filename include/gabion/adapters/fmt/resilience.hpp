// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <gabion/adapters/fmt/detail/named_formatter.hpp>
#include <gabion/resilience/circuit_explanation.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/retry.hpp>

template <>
struct fmt::formatter<gabion::circuit_state>
    : gabion::detail::named_formatter<gabion::circuit_state> {};
template <>
struct fmt::formatter<gabion::circuit_mode>
    : gabion::detail::named_formatter<gabion::circuit_mode> {};
template <>
struct fmt::formatter<gabion::circuit_cause>
    : gabion::detail::named_formatter<gabion::circuit_cause> {};
template <>
struct fmt::formatter<gabion::circuit_refusal>
    : gabion::detail::named_formatter<gabion::circuit_refusal> {};
template <>
struct fmt::formatter<gabion::circuit_explanation>
    : gabion::detail::named_formatter<gabion::circuit_explanation> {};
template <>
struct fmt::formatter<gabion::attempt_verdict>
    : gabion::detail::named_formatter<gabion::attempt_verdict> {};
template <>
struct fmt::formatter<gabion::retry_stop> : gabion::detail::named_formatter<gabion::retry_stop> {};
