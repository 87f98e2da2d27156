// SPDX-License-Identifier: MIT
#pragma once

// How a caller keeps standing when what it calls does not: the circuit breaker, and retry.
#include <gabion/circuit_breaker.hpp>
#include <gabion/resilience/adaptive_throttle.hpp>
#include <gabion/resilience/aimd_limit.hpp>
#include <gabion/resilience/attempt_budget.hpp>
#include <gabion/resilience/blocking_waiter.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/chaos.hpp>
#include <gabion/resilience/circuit_breaker_policy.hpp>
#include <gabion/resilience/concurrency_limiter.hpp>
#include <gabion/resilience/gradient2_limit.hpp>
#include <gabion/resilience/insist.hpp>
#include <gabion/resilience/limit_algorithm.hpp>
#include <gabion/resilience/load_shedder.hpp>
#include <gabion/resilience/load_source.hpp>
#include <gabion/resilience/pipeline.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/refusal.hpp>
#include <gabion/resilience/retry.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/retry_call.hpp>
#include <gabion/resilience/retry_options.hpp>
#include <gabion/resilience/retry_policy.hpp>
#include <gabion/resilience/shared_random.hpp>
#include <gabion/resilience/vegas_limit.hpp>
#include <gabion/resilience/waiter.hpp>
#include <gabion/resilience/windowed_retry_budget.hpp>
#include <gabion/version.hpp>
