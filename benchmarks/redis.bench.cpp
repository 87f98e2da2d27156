// SPDX-License-Identifier: MIT
// One round trip to a Redis server that the program starts on this machine.
#include <chrono>
#include <cstdint>
#include <string>

#include <gabion/adapters/redis/circuit_opinion_store.hpp>
#include <gabion/adapters/redis/connection.hpp>
#include <gabion/adapters/redis/rate_limiter.hpp>

#include "../tests/adapters/redis/redis_server.hpp"
#include "support/baselines.hpp"
#include "support/rows.hpp"

namespace {

using namespace std::chrono_literals;
using benchmark::State;

redis_tests::redis_server& server() {
  static redis_tests::redis_server one;
  return one;
}

struct tcp {
  static gabion::redis::connection_options options() { return server().options(); }
};
struct unix_socket {
  static gabion::redis::connection_options options() {
    auto o = server().options();
    o.unix_socket = server().socket();
    return o;
  }
};

template <class Transport>
void ping(State& state) {
  gabion::redis::connection to{Transport::options()};
  for (auto _ : state) benchmark::DoNotOptimize(to.command({"PING"}));
}

template <class Transport>
void take(State& state) {
  gabion::redis::connection to{Transport::options()};
  gabion::redis::basic_rate_limiter limiter{to, {.limit = {1'000'000, 1s}}};
  for (auto _ : state)
    benchmark::DoNotOptimize(limiter.take("tenant-7", gabion::steady_clock::now()));
  if (limiter.status().alone != 0) state.SkipWithError("the server did not answer");
}

gabion::circuit_opinion opinion_of(int instance) {
  gabion::circuit_opinion mine;
  mine.instance = "instance-" + std::to_string(instance);
  return mine;
}

template <class Transport>
void publish(State& state) {
  gabion::redis::connection to{Transport::options()};
  gabion::redis::circuit_opinion_store store{to};
  const auto mine = opinion_of(1);
  for (auto _ : state)
    if (store.publish("stock", mine, 15s)) state.SkipWithError("not published");
}

template <class Transport>
void read(State& state) {
  gabion::redis::connection to{Transport::options()};
  gabion::redis::circuit_opinion_store store{to};
  for (int i = 0; i < 20; ++i)
    if (store.publish("search", opinion_of(i), 1h)) state.SkipWithError("not published");
  for (auto _ : state) benchmark::DoNotOptimize(store.read("search"));
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("`PING` over TCP", ping<tcp>)->UseRealTime();
  baseline("`PING` over a socket", ping<unix_socket>)->UseRealTime();
  row("`rate_limiter::take` over TCP", "`PING` over TCP", take<tcp>)->UseRealTime();
  row("`rate_limiter::take` over a socket", "`PING` over a socket", take<unix_socket>)
      ->UseRealTime();
  row("`publish` over TCP", "`PING` over TCP", publish<tcp>)->UseRealTime();
  row("`publish` over a socket", "`PING` over a socket", publish<unix_socket>)->UseRealTime();
  row("`read` of 20 opinions over TCP", "`PING` over TCP", read<tcp>)->UseRealTime();
  row("`read` of 20 opinions over a socket", "`PING` over a socket", read<unix_socket>)
      ->UseRealTime();
  return true;
}();

}  // namespace
