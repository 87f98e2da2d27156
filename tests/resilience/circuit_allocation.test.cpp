// SPDX-License-Identifier: MIT
// No path of a call allocates. This executable counts every allocation.
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>

#include "resilience/circuit_fixture.hpp"
#include "support/catch.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace circuit_tests;

namespace {

struct counter {
  int* heard;
  void operator()(const circuit_transition&) const { ++*heard; }
};

template <class Step>
std::size_t allocations_in(Step step) {
  const std::size_t before = allocations;
  step();
  return allocations - before;
}

}  // namespace

TEST_CASE("admission and verdict and rejection and transition allocate nothing", "[circuit_breaker][allocation]") {
  gabion::testing::manual_time time;
  int heard = 0;
  gabion::basic_circuit_breaker b{
      circuit_breaker_options{.failures = 5, .window = {.calls = 100}, .open_for = 60s, .successes_to_close = 1}, time.clock(),
      counter{&heard}};
  CHECK(allocations_in([&] {
          for (int round = 0; round < 10; ++round) {
            for (int i = 0; i < 500; ++i) b.try_acquire()->success();
            b.try_acquire()->ignore();
            { const auto dropped = b.try_acquire(); }
            for (int i = 0; i < 5; ++i) b.try_acquire()->failure();
            for (int i = 0; i < 100; ++i) static_cast<void>(b.try_acquire().rejection());
            static_cast<void>(b.call([] { return std::optional<int>{1}; }));
            time.advance(60s);
            static_cast<void>(b.call([] { return std::optional<int>{1}; }, [] { return std::optional<int>{2}; }));
            static_cast<void>(b.snapshot());
            b.reset();
          }
        }) == 0);
  CHECK(heard == 30);
}

TEST_CASE("a breaker without a window allocates nothing at all", "[circuit_breaker][allocation]") {
  CHECK(allocations_in([] { gabion::circuit_breaker b{{.failures = 3}}; }) == 0);
  CHECK(allocations_in([] { gabion::circuit_breaker b{{.window = {.calls = 8191}}}; }) == 1);
}
