// SPDX-License-Identifier: MIT
// Opinions of circuits on a real Redis server.
#include <chrono>
#include <string>
#include <string_view>

#include <gabion/adapters/redis/circuit_opinion_store.hpp>
#include <gabion/testing/opinion_store_suite.hpp>

#include "adapters/redis/pass_time.hpp"
#include "adapters/redis/redis_server.hpp"
#include "support/catch.hpp"
#include "support/conformance.hpp"

using namespace std::chrono_literals;
using namespace redis_tests;
using gabion::circuit_opinion;
using gabion::circuit_state;
using gabion::errc;
namespace redis = gabion::redis;

namespace {

class redis_world {
 public:
  explicit redis_world(gabion::testing::manual_time& /*time*/)
      : connection_{empty_server().options()}, store_{connection_} {}
  auto& opinions() { return store_; }
  void pass(gabion::duration d) { pass_time(connection_, d); }
  static gabion::duration slack() { return 4s; }

 private:
  redis::connection connection_;
  redis::circuit_opinion_store store_;
};

std::optional<circuit_opinion> read(std::string_view text, std::int64_t left = 1000,
                                    std::string_view instance = "i") {
  return redis::detail::read_opinion(instance, text, left);
}

}  // namespace

TEST_CASE("the Redis store of opinions keeps what a store promises", "[redis][shared_circuit]") {
  gabion_test::check_suite<redis_world>(gabion::testing::opinion_store_suite<redis_world>());
}

TEST_CASE("an opinion is a few bytes that live no longer than it does", "[redis][shared_circuit]") {
  redis::connection c{empty_server().options()};
  redis::circuit_opinion_store store{c};
  const circuit_opinion mine{.instance = "pod-7",
                             .state = circuit_state::open,
                             .remaining = 29'500'001ns,
                             .failed = 5,
                             .calls = 10};
  REQUIRE_FALSE(store.publish("stock", mine, 15s));
  CHECK(c.command({"GET", "gabion:opinions:{stock}:pod-7"}).value().text() ==
        "1 o 0 30 15000 5 10");
  CHECK(c.command({"PTTL", "gabion:opinions:{stock}:pod-7"}).value().integer() > 0);
  CHECK(c.command({"PTTL", "gabion:opinions:{stock}"}).value().integer() > 0);
  redis::circuit_opinion_store other{c, "shop"};
  CHECK(other.read("stock").heard.empty());
  pass_time(c, 15s);
  CHECK(c.command({"DBSIZE"}).value().integer() == 0);
}

TEST_CASE("opinions that cannot be read are left out and counted", "[redis][shared_circuit]") {
  redis::connection c{empty_server().options()};
  redis::circuit_opinion_store store{c};
  REQUIRE_FALSE(store.publish("stock", {.instance = "a"}, 60s));
  REQUIRE_FALSE(store.publish("stock", {.instance = "b"}, 60s));
  REQUIRE(c.command({"SET", "gabion:opinions:{stock}:b", "2 something new", "PX", "60000"}));
  const auto heard = store.read("stock");
  CHECK(heard.heard.size() == 1);
  CHECK(heard.unreadable == 1);
}

TEST_CASE("the text of an opinion is read strictly", "[redis][shared_circuit]") {
  CHECK(read("1 o 0 30 1000 5 10") ==
        circuit_opinion{"i", circuit_state::open, false, 30ms, 5, 10});
  CHECK(read("1 o 1 30 1000 5 10", 990)->remaining == 20ms);
  CHECK(read("1 h 1 -1 1000 0 4294967295", 1)->remaining == (gabion::duration::max)());
  CHECK(read("1 o 0 30 1000 5 10", 2000)->remaining == 30ms);
  for (const std::string_view bad :
       {"", "1", "1 ", "1 o", "1 o ", "2 o 0 30 1000 5 10", "1 x 0 30 1000 5 10", "1 o 0 30 1000 5",
        "1 o 0 30 1000 5 10 ", "1 o 0 30 1000 5 10 1", "1 o 0  30 1000 5 10", "1 o 0 -2 1000 5 10",
        "1 o 0 30 -1 5 10", "1 o 0 30 1000 -5 10", "1 o 0 30 1000 5 4294967296",
        "1 o 0 30 1000 4294967296 10", "1 o 0 9223372036855 1000 5 10",
        "1 o 0 99999999999999999999 1000 5 10"})
    CHECK_FALSE(read(bad));
  CHECK_FALSE(read("1 o 0 30 1000 5 10", 1, "not an id"));
}

TEST_CASE("a store whose server is away answers with an error and recovers with it",
          "[redis][shared_circuit]") {
  redis_server server;
  redis::connection c{server.options()};
  redis::circuit_opinion_store store{c};
  REQUIRE_FALSE(store.publish("stock", {.instance = "a"}, 60s));
  server.stop();
  CHECK(store.publish("stock", {.instance = "a"}, 60s) == errc::unavailable);
  CHECK(store.read("stock").error == errc::unavailable);
  CHECK(store.read("stock").heard.empty());
  server.start();
  CHECK_FALSE(store.read("stock").error);
  CHECK_FALSE(store.publish("stock", {.instance = "a"}, 60s));
  CHECK(store.read("stock").heard.size() == 1);
}
