// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

// Every test program is linked with seed.cpp. A generator without a seed takes one from there
// instead of from the system, so each run of a test draws the same numbers. GABION_TEST_SEED
// selects others; a test that fails prints its seed.
namespace gabion_test {

/// Returns the seed of this run: GABION_TEST_SEED, or 1.
[[nodiscard]] std::uint64_t run_seed() noexcept;

/// Restarts the sequence of seeds. Called before each test case, with the seed of the run and
/// the name of the case, so that a case draws the same numbers alone and among others.
void restart_seeds(std::uint64_t from) noexcept;

}  // namespace gabion_test
