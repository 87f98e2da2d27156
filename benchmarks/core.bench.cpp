// SPDX-License-Identifier: MIT
// What the small parts of the core cost, beside the operation that none of them can do without.
// Compare ratios within one run.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include <benchmark/benchmark.h>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/cloudevents.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/observe/counter.hpp>
#include <gabion/observe/latency_histogram.hpp>
#include <gabion/resilience/retry.hpp>

namespace {

// Floors.

void floor_add(benchmark::State& state) {
  static std::atomic<std::uint64_t> word{0};
  for (auto _ : state) word.fetch_add(1, std::memory_order_relaxed);
}
BENCHMARK(floor_add)->ThreadRange(1, 2);

template <class Clock>
void floor_now(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Clock::now());
}
BENCHMARK(floor_now<gabion::steady_clock>);
BENCHMARK(floor_now<gabion::coarse_clock>);
BENCHMARK(floor_now<gabion::system_clock>);

// Measuring.

void counter_add(benchmark::State& state) {
  static gabion::counter counter;
  for (auto _ : state) counter.add();
}
BENCHMARK(counter_add)->ThreadRange(1, 2);

void histogram_record(benchmark::State& state) {
  static gabion::latency_histogram histogram;
  gabion::xoshiro256 random{static_cast<std::uint64_t>(state.thread_index())};
  for (auto _ : state)
    histogram.record(gabion::duration{static_cast<gabion::duration::rep>(random() >> 40U)});
}
BENCHMARK(histogram_record)->ThreadRange(1, 2);

void histogram_quantile(benchmark::State& state) {
  gabion::latency_snapshot seen;
  gabion::xoshiro256 random{1};
  for (int i = 0; i < 10'000; ++i)
    seen.record(gabion::duration{static_cast<gabion::duration::rep>(random() >> 40U)});
  for (auto _ : state) benchmark::DoNotOptimize(seen.quantile(0.99));
}
BENCHMARK(histogram_quantile);

// Ids and chance.

void random_number(benchmark::State& state) {
  gabion::xoshiro256 random{1};
  for (auto _ : state) benchmark::DoNotOptimize(random());
}
BENCHMARK(random_number);

void uuid_v7(benchmark::State& state) {
  gabion::uuid_v7_generator next;
  for (auto _ : state) benchmark::DoNotOptimize(next());
}
BENCHMARK(uuid_v7);

void shared_uuid_v7(benchmark::State& state) {
  static gabion::shared_uuid_v7_generator next;
  for (auto _ : state) benchmark::DoNotOptimize(next());
}
BENCHMARK(shared_uuid_v7)->ThreadRange(1, 2);

void uuid_to_text(benchmark::State& state) {
  const gabion::uuid id{1, 2};
  for (auto _ : state) benchmark::DoNotOptimize(to_string(id));
}
BENCHMARK(uuid_to_text);

void uuid_from_text(benchmark::State& state) {
  const std::string text = to_string(gabion::uuid{1, 2});
  for (auto _ : state) benchmark::DoNotOptimize(gabion::uuid::parse(text));
}
BENCHMARK(uuid_from_text);

// Waiting and sending.

void backoff_delay(benchmark::State& state) {
  gabion::xoshiro256 random{1};
  const gabion::backoff_options options;
  std::uint32_t attempt = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(gabion::next_delay(options, attempt++ % 16, {}, random));
}
BENCHMARK(backoff_delay);

void retry_of_one_success(benchmark::State& state) {
  gabion::retry_machine retry;
  gabion::instant now{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(now);
    auto step = retry.begin(now);
    benchmark::DoNotOptimize(step);
    step = retry.next({}, now);
    benchmark::DoNotOptimize(step);
  }
}
BENCHMARK(retry_of_one_success);

void cloudevents_headers(benchmark::State& state) {
  gabion::message m;
  m.id = "018f0c2a-7f2e-7000-8000-000000000001";
  m.source = "/orders";
  m.type = "order.placed";
  m.subject = "order-1";
  m.content_type = "application/json";
  for (auto _ : state)
    benchmark::DoNotOptimize(gabion::to_cloudevents_headers(m, gabion::cloudevents_binding::kafka));
}
BENCHMARK(cloudevents_headers);

}  // namespace
