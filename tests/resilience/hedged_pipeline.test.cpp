// SPDX-License-Identifier: MIT
// A hedge in the middle of a pipeline: outside it once, inside it for each attempt.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <system_error>

#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/hedged_pipeline.hpp>
#include <gabion/resilience/retry_budget.hpp>
#include <gabion/resilience/retry_policy.hpp>

#include "resilience/spawners.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::call_context;
using gabion::errc;
using spawner_tests::pool;

TEST_CASE("what stands inside a hedge is passed by each attempt and what stands outside once",
          "[pipeline][hedge]") {
  pool threads{2};
  gabion::retry_budget budget{};
  gabion::basic_hedge hedge{{.delay = 1h}, threads, budget};
  gabion::bulkhead outside{{.limit = 1}};
  gabion::bulkhead inside{{.limit = 2}};
  auto guarded = gabion::pipeline(outside, hedge, inside);
  std::atomic<std::uint32_t> attempts{0};
  const auto send = [&](const call_context& context) {
    attempts.fetch_add(1);
    // The first attempt fails, which starts the second at once.
    return context.attempt == 1 ? std::make_error_code(std::errc::connection_reset)
                                : std::error_code{};
  };
  CHECK(guarded.call(call_context{.idempotent = true}, send) == std::error_code{});
  CHECK(attempts.load() == 2);
  CHECK(outside.snapshot().in_use == 0);
  CHECK(guarded.call(send) == std::errc::connection_reset);
  CHECK(attempts.load() == 3);
}

TEST_CASE("a retry outside a hedge hedges each of its attempts and counts on",
          "[pipeline][hedge]") {
  pool threads{2};
  gabion::retry_budget budget{};
  gabion::basic_hedge hedge{{.delay = 1h}, threads, budget};
  gabion::retry_policy retry{{.max_attempts = 2, .backoff = {.initial = 0ms, .cap = 0ms}}};
  auto guarded = gabion::pipeline(retry, hedge);
  std::atomic<int> calls{0};
  const auto fail = [&] {
    calls.fetch_add(1);
    return std::make_error_code(std::errc::connection_reset);
  };
  CHECK(guarded.call(call_context{.idempotent = true}, fail) == std::errc::connection_reset);
  CHECK(calls.load() == 4);
}

TEST_CASE("a refusal inside a hedge reaches the caller with its reason", "[pipeline][hedge]") {
  pool threads{2};
  gabion::retry_budget budget{};
  gabion::basic_hedge hedge{{}, threads, budget};
  gabion::bulkhead closed{{.limit = 0}};
  auto guarded = gabion::pipeline(hedge, closed);
  CHECK(guarded.call([] { return std::error_code{}; }) == make_error_code(errc::overloaded));
  CHECK_THROWS_AS(guarded.call([] {}), gabion::refused_error);
}
