// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/retry.hpp>
#include <gabion/resilience/retry_call.hpp>
