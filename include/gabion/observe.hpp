// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

// What a running service tells of itself: counters, latencies, health, alert rules, and a page of
// metrics for Prometheus.
#include <gabion/observe/alert_rule.hpp>
#include <gabion/observe/counter.hpp>
#include <gabion/observe/health.hpp>
#include <gabion/observe/latency_histogram.hpp>
#include <gabion/observe/latency_snapshot.hpp>
#include <gabion/observe/prometheus.hpp>
