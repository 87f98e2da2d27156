// SPDX-License-Identifier: MIT
// What a send costs over a direct call, with 10 and with 700 command types. The handlers are not
// inlined, so that the floor is a real call; compare rows of one run.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/open_bus.hpp>

namespace {

template <std::size_t Number>
struct command {
  std::uint64_t amount;
};

template <std::size_t Number>
struct handler {
  std::uint64_t* total;
  [[gnu::noinline]] std::uint64_t operator()(const command<Number>& c) const {
    return *total += c.amount + Number;
  }
};

struct count {
  std::uint64_t* calls;
  template <class Context, class Message, class Next>
  decltype(auto) operator()(Context& context, const Message& message, Next& next) const {
    ++*calls;
    return next(context, message);
  }
};

/// Every Nth of 8 commands that lie apart in the list, so that no row profits from one hot branch.
template <std::size_t Types, std::size_t Nth>
inline constexpr std::size_t picked = Nth * (Types - 1) / 7;

/// Sends 8 commands; one iteration is 8 sends.
template <std::size_t Types, class Send, std::size_t... Nth>
void send_eight(benchmark::State& state, Send send, std::index_sequence<Nth...>) {
  std::uint64_t amount = 1;
  for (auto _ : state) {
    (benchmark::DoNotOptimize(send(command<picked<Types, Nth>>{amount})), ...);
    ++amount;
  }
  state.SetItemsProcessed(state.iterations() * 8);
}
template <std::size_t Types, class Send>
void send_eight(benchmark::State& state, Send send) {
  send_eight<Types>(state, send, std::make_index_sequence<8>{});
}

template <std::size_t Types>
void direct(benchmark::State& state) {
  std::uint64_t total = 0;
  send_eight<Types>(state, [&]<std::size_t Number>(const command<Number>& c) {
    return handler<Number>{&total}(c);
  });
}

template <std::size_t... Numbers>
auto make_bus(std::uint64_t& total, std::index_sequence<Numbers...>) {
  return gabion::command_bus{gabion::handle<command<Numbers>>(handler<Numbers>{&total})...};
}
template <std::size_t Types>
void static_bus(benchmark::State& state) {
  std::uint64_t total = 0;
  auto bus = make_bus(total, std::make_index_sequence<Types>{});
  send_eight<Types>(state, [&](const auto& c) { return bus.send(c); });
}

/// The floor of the next one: the same three counts by hand in front of a direct call.
template <std::size_t Types>
void direct_and_three_counts(benchmark::State& state) {
  std::uint64_t total = 0;
  std::uint64_t calls[3] = {};
  send_eight<Types>(state, [&]<std::size_t Number>(const command<Number>& c) {
    ++calls[0];
    ++calls[1];
    ++calls[2];
    return handler<Number>{&total}(c);
  });
  benchmark::DoNotOptimize(calls);
}

template <std::size_t... Numbers>
auto make_bus_with_three(std::uint64_t& total, std::uint64_t* calls,
                         std::index_sequence<Numbers...>) {
  return gabion::command_bus{gabion::middlewares{count{calls}, count{calls + 1}, count{calls + 2}},
                             gabion::handle<command<Numbers>>(handler<Numbers>{&total})...};
}
template <std::size_t Types>
void three_middlewares(benchmark::State& state) {
  std::uint64_t total = 0;
  std::uint64_t calls[3] = {};
  auto bus = make_bus_with_three(total, calls, std::make_index_sequence<Types>{});
  send_eight<Types>(state, [&](const auto& c) { return bus.send(c); });
  benchmark::DoNotOptimize(calls);
}

template <std::size_t... Numbers>
void fill(gabion::open_bus& bus, std::uint64_t& total, std::index_sequence<Numbers...>) {
  (bus.add<command<Numbers>>(handler<Numbers>{&total}), ...);
}
template <std::size_t Types>
void open_bus_by_type(benchmark::State& state) {
  std::uint64_t total = 0;
  gabion::open_bus bus;
  fill(bus, total, std::make_index_sequence<Types>{});
  gabion::command_context context;
  send_eight<Types>(state, [&](const auto& c) { return bus.send<std::uint64_t>(c, context); });
}

/// Bytes are the amount itself, so that this row shows the lookup and not a codec.
struct raw_codec {
  template <class Command>
  Command decode(std::string_view bytes) const {
    return {bytes.size()};
  }
  static std::string encode(std::uint64_t) { return {}; }
};
void open_bus_by_name(benchmark::State& state) {
  std::uint64_t total = 0;
  gabion::open_bus bus;
  fill(bus, total, std::make_index_sequence<700>{});
  struct order {
    std::uint64_t amount;
  };
  bus.add([&](const order& c) { return total += c.amount; }, raw_codec{});
  const std::string name{gabion::message_name<order>()};
  gabion::command_context context;
  for (auto _ : state) benchmark::DoNotOptimize(bus.send_bytes(name, "bytes", context));
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(direct<10>);
BENCHMARK(static_bus<10>);
BENCHMARK(direct_and_three_counts<10>);
BENCHMARK(three_middlewares<10>);
BENCHMARK(open_bus_by_type<10>);
BENCHMARK(direct<700>);
BENCHMARK(static_bus<700>);
BENCHMARK(direct_and_three_counts<700>);
BENCHMARK(three_middlewares<700>);
BENCHMARK(open_bus_by_type<700>);
BENCHMARK(open_bus_by_name);

}  // namespace

BENCHMARK_MAIN();
