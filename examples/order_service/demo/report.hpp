// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gabion/observe/latency_snapshot.hpp>

#include "demo/checks.hpp"
#include "demo/evidence.hpp"
#include "demo/load.hpp"

namespace shop::demo {

/// What the run was like; no promise depends on it.
struct run_figures {
  std::uint64_t commands = 0;
  double load_seconds = 0;
  std::size_t kills = 0;
  std::uint64_t lost_connections = 0;
  std::uint64_t unavailable = 0;
  std::uint64_t retries = 0;
  std::uint64_t declared_stale = 0;
  std::vector<refused_command> refused{};
  gabion::latency_snapshot latency{};
};

/// The report as text: figures, the breaker's history, then each promise with `kept` or `BROKEN`.
[[nodiscard]] std::string write_report(const evidence& e, const run_figures& figures,
                                       const std::vector<finding>& findings);

[[nodiscard]] bool all_kept(const std::vector<finding>& findings);

}  // namespace shop::demo
