// SPDX-License-Identifier: MIT
#pragma once

// How a caller keeps standing when what it calls does not: the circuit breaker, and retry.
#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/retry.hpp>
#include <gabion/resilience/retry_call.hpp>
#include <gabion/version.hpp>
