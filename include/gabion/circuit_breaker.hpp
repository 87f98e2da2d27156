// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

// The circuit breaker alone: it brings nothing but core with it.
#include <gabion/resilience/circuit_breaker.hpp>
#include <gabion/resilience/circuit_events.hpp>
#include <gabion/resilience/circuit_explanation.hpp>
#include <gabion/resilience/circuit_judgement.hpp>
#include <gabion/resilience/circuit_open_error.hpp>
#include <gabion/resilience/circuit_options.hpp>
#include <gabion/resilience/circuit_permit.hpp>
#include <gabion/resilience/circuit_presets.hpp>
#include <gabion/resilience/circuit_record.hpp>
#include <gabion/resilience/circuit_snapshot.hpp>
#include <gabion/resilience/circuit_state.hpp>
#include <gabion/resilience/circuit_validation.hpp>
#include <gabion/resilience/outcome_traits.hpp>
