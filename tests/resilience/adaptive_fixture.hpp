// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>
#include <gabion/resilience/policy.hpp>

#include "support/complaint.hpp"

// What the tests of the adaptive policies share.
namespace adaptive_tests {

using gabion::call_context;
using gabion::call_outcome;
using gabion::call_priority;
using gabion::duration;
using gabion::entry_step;
using gabion::errc;
using gabion::exit_step;
using gabion::instant;
using gabion::refusal;
using gabion::verdict;
using gabion_test::complaint;
using namespace std::chrono_literals;

inline constexpr instant start{1h};

/// A time that stands still, as a run asks for it.
struct standing {
  instant at = start;
  instant operator()() const noexcept { return at; }
};

}  // namespace adaptive_tests
