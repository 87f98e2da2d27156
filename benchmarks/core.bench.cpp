// SPDX-License-Identifier: MIT
#include <array>
#include <charconv>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/cloudevents.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/subscriptions.hpp>
#include <gabion/core/uuid_v7.hpp>
#if __has_include(<gabion/core/tsc_clock.hpp>)
#include <gabion/core/tsc_clock.hpp>
#endif

#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using benchmark::State;

/// A multiplication and two shifts: what no generator of 64 random bits gets below.
void mix(State& state) {
  std::uint64_t n = 1;
  for (auto _ : state) {
    n ^= n >> 31U;
    n *= 0x9e3779b97f4a7c15U;
    benchmark::DoNotOptimize(n);
  }
}

/// Formats two 64-bit words in hexadecimal, without the hyphens of a UUID.
void two_words_to_hex(State& state) {
  std::uint64_t n = 0x0123456789abcdefU;
  for (auto _ : state) {
    benchmark::DoNotOptimize(n);
    std::array<char, 32> text;
    const auto half = std::to_chars(text.data(), text.data() + 16, n, 16).ptr;
    const auto end = std::to_chars(half, text.data() + 32, n, 16).ptr;
    benchmark::DoNotOptimize(std::string(text.data(), end));
  }
}

void hex_to_two_words(State& state) {
  const std::string text(32, 'a');
  for (auto _ : state) {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::from_chars(text.data(), text.data() + 16, high, 16);
    std::from_chars(text.data() + 16, text.data() + 32, low, 16);
    benchmark::DoNotOptimize(high);
    benchmark::DoNotOptimize(low);
  }
}

/// Fourteen strings in a vector: seven headers without the work of naming them.
void copy_of_seven_headers(State& state) {
  const std::vector<std::pair<std::string, std::string>> all(
      7, {"ce_datacontenttype", "018f0c2a-7f2e-7000-8000-000000000001"});
  for (auto _ : state) {
    auto copied = all;
    benchmark::DoNotOptimize(copied);
  }
}

void random_number(State& state) {
  gabion::xoshiro256 random{1};
  for (auto _ : state) benchmark::DoNotOptimize(random());
}

void backoff_delay(State& state) {
  gabion::xoshiro256 random{1};
  const gabion::backoff_options options;
  std::uint32_t attempt = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(gabion::next_delay(options, attempt++ % 16, {}, random));
}

void uuid_v7(State& state) {
  gabion::uuid_v7_generator next;
  for (auto _ : state) benchmark::DoNotOptimize(next());
}

void shared_uuid_v7(State& state) {
  static gabion::shared_uuid_v7_generator next;
  for (auto _ : state) benchmark::DoNotOptimize(next());
}

void uuid_to_text(State& state) {
  const gabion::uuid id{1, 2};
  for (auto _ : state) benchmark::DoNotOptimize(to_string(id));
}

void uuid_from_text(State& state) {
  const std::string text = to_string(gabion::uuid{1, 2});
  for (auto _ : state) benchmark::DoNotOptimize(gabion::uuid::parse(text));
}

void cloudevents_headers(State& state) {
  gabion::message m;
  m.id = "018f0c2a-7f2e-7000-8000-000000000001";
  m.source = "/orders";
  m.type = "order.placed";
  m.subject = "order-1";
  m.content_type = "application/json";
  for (auto _ : state)
    benchmark::DoNotOptimize(gabion::to_cloudevents_headers(m, gabion::cloudevents_binding::kafka));
}

void function_call(State& state) {
  int sum = 0;
  const std::function<void(int)> f = [&](int n) { sum += n; };
  for (auto _ : state) {
    f(1);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(sum);
}

template <int Listeners>
void notify(State& state) {
  gabion::subscriptions<int> hub;
  int sum = 0;
  std::vector<gabion::subscriptions<int>::subscription> all;
  for (int i = 0; i < Listeners; ++i) all.push_back(hub.subscribe([&](int n) { sum += n; }));
  for (auto _ : state) {
    hub(1);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(sum);
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("CAS", cas);
  baseline("steady clock reading", reading<gabion::steady_clock>);
  baseline("wall clock reading", reading<gabion::system_clock>);
  baseline("mix of one word", mix);
  baseline("two words to hexadecimal", two_words_to_hex);
  baseline("hexadecimal to two words", hex_to_two_words);
  baseline("copy of seven headers", copy_of_seven_headers);
  baseline("call of a `std::function`", function_call);
  on_two_threads(baseline("CAS, two threads", cas));
  on_two_threads(baseline("wall clock reading, two threads", reading<gabion::system_clock>));

  row("`coarse_clock::now()`", "steady clock reading", reading<gabion::coarse_clock>);
#if __has_include(<gabion/core/tsc_clock.hpp>)
  row("`tsc_clock::now()`", "steady clock reading", reading<gabion::tsc_clock>);
#endif
  row("`xoshiro256`", "mix of one word", random_number);
  row("`next_delay`, exponential, full jitter", "mix of one word", backoff_delay);
  row("`uuid_v7_generator`", "wall clock reading", uuid_v7);
  row("`shared_uuid_v7_generator`", "wall clock reading + CAS", shared_uuid_v7);
  on_two_threads(row("`shared_uuid_v7_generator`, two threads",
                     "wall clock reading, two threads + CAS, two threads", shared_uuid_v7));
  row("`to_string(uuid)`", "two words to hexadecimal", uuid_to_text);
  row("`uuid::parse`", "hexadecimal to two words", uuid_from_text);
  row("`to_cloudevents_headers`, 7 attributes", "copy of seven headers", cloudevents_headers);
  row("an event to `subscriptions` without listeners", "call of a `std::function`", notify<0>);
  row("an event to 1 listener", "call of a `std::function`", notify<1>);
  row("an event to 4 listeners", "4 call of a `std::function`", notify<4>);
  return true;
}();

}  // namespace
