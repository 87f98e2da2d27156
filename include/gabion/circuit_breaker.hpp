// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/circuit_open_error.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_permit.hpp>
#include <gabion/resilience/circuit_presets.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/outcome_traits.hpp>
