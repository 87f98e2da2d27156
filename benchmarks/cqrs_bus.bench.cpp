// SPDX-License-Identifier: MIT
// Handlers are not inlined, so that the baseline is a real call.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/open_bus.hpp>

#include "support/baselines.hpp"
#include "support/rows.hpp"

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

/// Sends 8 commands; the time is that of one send.
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

/// Three counts by hand in front of a direct call.
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

void name_look_up(benchmark::State& state) {
  std::unordered_map<std::string, int> all;
  for (int i = 0; i < 700; ++i) all["command number " + std::to_string(i)] = i;
  const std::string name = "command number 350";
  for (auto _ : state) benchmark::DoNotOptimize(all.find(name)->second);
}

[[maybe_unused]] const bool listed = [] {
  using namespace bench;
  baseline("direct call, 10 types", direct<10>);
  baseline("direct call, 700 types", direct<700>);
  baseline("direct call behind three counters, 10 types", direct_and_three_counts<10>);
  baseline("direct call behind three counters, 700 types", direct_and_three_counts<700>);
  baseline("look-up in an `unordered_map` of 700 names", name_look_up);
  row("`command_bus`, 10 types", "direct call, 10 types", static_bus<10>);
  row("`command_bus`, 700 types", "direct call, 700 types", static_bus<700>);
  row("`command_bus` with three middlewares, 10 types",
      "direct call behind three counters, 10 types", three_middlewares<10>);
  row("`command_bus` with three middlewares, 700 types",
      "direct call behind three counters, 700 types", three_middlewares<700>);
  row("`open_bus` by type, 10 types", "direct call, 10 types", open_bus_by_type<10>);
  row("`open_bus` by type, 700 types", "direct call, 700 types", open_bus_by_type<700>);
  row("`open_bus` by name, 700 types, without the codec",
      "look-up in an `unordered_map` of 700 names", open_bus_by_name);
  return true;
}();

}  // namespace
