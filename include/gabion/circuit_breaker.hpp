// SPDX-License-Identifier: MIT
#pragma once

// The circuit breaker alone: it brings nothing but core with it.
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/circuit_open_error.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_permit.hpp>
#include <gabion/resilience/circuit_presets.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/version.hpp>
