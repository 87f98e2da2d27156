// SPDX-License-Identifier: MIT
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <gabion/core/error.hpp>
#include <gabion/cqrs/open_bus.hpp>

#include "cqrs_bus/orders.hpp"
#include "support/catch.hpp"

namespace {

/// The code of the error that f throws; errc{} if it throws nothing.
template <class Function>
gabion::errc thrown_by(Function f, std::string* what = nullptr) {
  try {
    f();
  } catch (const gabion::error& e) {
    if (what != nullptr) *what = e.what();
    return static_cast<gabion::errc>(e.code().value());
  }
  return {};
}

struct impostor {
  static constexpr std::string_view wire_name = "order.place";
};

template <int Number>
struct numbered {
  int value = Number;
};

template <int... Numbers>
void add_all(gabion::open_bus& bus, std::integer_sequence<int, Numbers...>) {
  (bus.add([](const numbered<Numbers>& c) { return c.value; }), ...);
}
template <int... Numbers>
bool all_answer(gabion::open_bus& bus, std::integer_sequence<int, Numbers...>) {
  return ((bus.send<int>(numbered<Numbers>{}) == Numbers) && ...);
}

}  // namespace

TEST_CASE("a typed send on an open bus gives back what the handler returned", "[open_bus]") {
  gabion::open_bus bus;
  int stored = 0;
  bus.add([](const place_order& c) { return c.id + "!"; });
  bus.add<cancel_order>([&](const auto&) { ++stored; });
  bus.add([](const ship_order&) { return std::make_unique<int>(3); });
  CHECK(bus.send<std::string>(place_order{"7"}) == "7!");
  bus.send(cancel_order{});
  CHECK(stored == 1);
  CHECK(*bus.send<std::unique_ptr<int>>(ship_order{}) == 3);
  CHECK(bus.handles("order.place"));
  CHECK_FALSE(bus.handles("order.lose"));
}

TEST_CASE("a command that arrives as a name and bytes is decoded and its result encoded",
          "[open_bus][wire]") {
  gabion::open_bus bus;
  std::string cancelled;
  bus.add([](const place_order& c) { return c.quantity * 2; }, text_codec{});
  bus.add([&](const cancel_order& c) { cancelled = c.id; }, text_codec{});
  CHECK(bus.send_bytes("order.place", "7/21") == "42");
  CHECK(bus.send_bytes("order.cancel", "9").empty());
  CHECK(cancelled == "9");
  CHECK(thrown_by([&] { bus.send_bytes("order.place", "no slash"); }) == gabion::errc::corrupt);
}

TEST_CASE("an unknown name is refused and the error names it", "[open_bus][errors][B4]") {
  gabion::open_bus bus;
  std::string what;
  CHECK(thrown_by([&] { bus.send_bytes("order.lose", ""); }, &what) == gabion::errc::unknown_type);
  CHECK(what.find("'order.lose'") != std::string::npos);
  CHECK(thrown_by([&] { bus.send(place_order{}); }, &what) == gabion::errc::unknown_type);
  CHECK(what.find("'order.place'") != std::string::npos);
  bus.add([](const ship_order&) {});
  CHECK(thrown_by([&] { bus.send_bytes("ship_order", ""); }, &what) == gabion::errc::unknown_type);
  CHECK(what.find("no codec") != std::string::npos);
}

TEST_CASE("a second handler is refused and the first stays", "[open_bus][errors][B2]") {
  gabion::open_bus bus;
  bus.add([](const place_order&) { return 1; });
  std::string what;
  CHECK(thrown_by([&] { bus.add([](const place_order&) { return 2; }); }, &what) ==
        gabion::errc::duplicate);
  CHECK(what.find("'order.place'") != std::string::npos);
  CHECK(bus.send<int>(place_order{}) == 1);
  CHECK(bus.size() == 1);
}

TEST_CASE("a send that expects another result type is refused before the handler runs",
          "[open_bus][errors]") {
  gabion::open_bus bus;
  int runs = 0;
  bus.add([&](const place_order&) { return ++runs; });
  std::string what;
  CHECK(thrown_by([&] { bus.send<std::string>(place_order{}); }, &what) ==
        gabion::errc::invalid_argument);
  CHECK(what.find("returns int, not std::") != std::string::npos);
  CHECK(thrown_by([&] { bus.send(place_order{}); }) == gabion::errc::invalid_argument);
  CHECK(runs == 0);
}

TEST_CASE("another type under the same wire name is refused instead of misread",
          "[open_bus][errors]") {
  gabion::open_bus bus;
  bus.add([](const place_order&) {});
  std::string what;
  CHECK(thrown_by([&] { bus.send(impostor{}); }, &what) == gabion::errc::invalid_argument);
  CHECK(what.find("takes place_order") != std::string::npos);
}

TEST_CASE("an open bus keeps to its limit of handlers", "[open_bus][bounds]") {
  gabion::open_bus bus{{.max_handlers = 2}};
  bus.add([](const place_order&) {});
  bus.add([](const cancel_order&) {});
  CHECK(thrown_by([&] { bus.add([](const ship_order&) {}); }) == gabion::errc::full);
  CHECK(bus.remove("order.place"));
  bus.add([](const ship_order&) {});
  CHECK(bus.size() == 2);
  CHECK(thrown_by([] { gabion::open_bus{{.max_handlers = 0}}; }) == gabion::errc::invalid_argument);
  CHECK(thrown_by([] { gabion::open_bus{{.max_handlers = 1'000'001}}; }) ==
        gabion::errc::invalid_argument);
  CHECK(thrown_by([] { gabion::open_bus{{.max_handlers = 1'000'000}}; }) == gabion::errc{});
}

TEST_CASE("a removed handler is destroyed and the others are still found", "[open_bus]") {
  const auto token = std::make_shared<int>(1);
  gabion::open_bus bus;
  bus.add([token](const place_order&) { return *token; });
  add_all(bus, std::make_integer_sequence<int, 100>{});
  CHECK(token.use_count() == 2);
  CHECK(bus.remove("order.place"));
  CHECK_FALSE(bus.remove("order.place"));
  CHECK(token.use_count() == 1);
  CHECK(thrown_by([&] { bus.send<int>(place_order{}); }) == gabion::errc::unknown_type);
  CHECK(all_answer(bus, std::make_integer_sequence<int, 100>{}));
}

TEST_CASE("handlers of an open bus are destroyed with it", "[open_bus]") {
  const auto token = std::make_shared<int>(1);
  {
    gabion::open_bus bus;
    bus.add([token](const place_order&) {});
    CHECK(token.use_count() == 2);
  }
  CHECK(token.use_count() == 1);
}

TEST_CASE("middlewares of an open bus run for typed sends and for bytes",
          "[open_bus][middleware]") {
  int around = 0;
  gabion::basic_open_bus bus{
      gabion::middlewares{[&](auto& context, const auto& message, auto& next) -> decltype(auto) {
        ++around;
        context.tenant = "t1";
        return next(context, message);
      }}};
  bus.add([](const place_order&, gabion::command_context& c) { return c.tenant; }, text_codec{});
  CHECK(bus.send<std::string>(place_order{}) == "t1");
  CHECK(bus.send_bytes("order.place", "1/1") == "t1");
  CHECK(around == 2);
}

TEST_CASE("an exception of a handler passes an open bus unchanged", "[open_bus][errors]") {
  gabion::open_bus bus;
  bus.add([](const place_order&) -> int { throw std::out_of_range{"no such shelf"}; },
          text_codec{});
  CHECK_THROWS_AS(bus.send<int>(place_order{}), std::out_of_range);
  CHECK_THROWS_AS(bus.send_bytes("order.place", "1/1"), std::out_of_range);
}

TEST_CASE("the hash of a name is the same in the compiler and in the program", "[open_bus]") {
  constexpr std::string_view text = "order.placed.and.shipped";
  constexpr std::uint64_t hashes[] = {
      gabion::detail::name_hash(text.substr(0, 0)), gabion::detail::name_hash(text.substr(0, 5)),
      gabion::detail::name_hash(text.substr(0, 8)), gabion::detail::name_hash(text)};
  const std::string copy{text};
  CHECK(gabion::detail::name_hash(std::string_view{copy}.substr(0, 0)) == hashes[0]);
  CHECK(gabion::detail::name_hash(std::string_view{copy}.substr(0, 5)) == hashes[1]);
  CHECK(gabion::detail::name_hash(std::string_view{copy}.substr(0, 8)) == hashes[2]);
  CHECK(gabion::detail::name_hash(copy) == hashes[3]);
}
