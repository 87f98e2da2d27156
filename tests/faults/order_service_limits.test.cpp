// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <chrono>
#include <string>

#include "faults/order_service_fixture.hpp"
#include "http/api.hpp"
#include "http/server.hpp"

using namespace order_faults;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 600ms;  ///< limits below are set to a sixth of it

/// The HTTP edge with two threads, and a short time for each read.
struct small_edge {
  small_edge() {
    shop::register_api(server.routes(), app);
    server.routes().set_read_timeout(patience / 6);
    port = server.start();
  }

  scripted_app app{};
  shop::http_server server{{.threads = 2}};
  int port = 0;
};

/// Sends `piece` again and again, faster than the time for each read, until the server reacts;
/// false if it has not within `patience`.
bool is_stopped(const raw_connection& slow, const std::string& piece) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until)
    if (!slow.send(piece) || slow.reacts_within(patience / 20)) return true;
  return false;
}

const std::string begun = "POST /orders HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";

}  // namespace

TEST_CASE("S2: clients that are slow to send do not keep others from being served",
          "[fault][!shouldfail]") {
  scripted_app app;
  shop::http_server server{{.threads = 2}};
  shop::register_api(server.routes(), app);
  const int port = server.start();
  {
    const raw_connection first{port};
    const raw_connection second{port};
    REQUIRE((first.send(begun) && second.send(begun)));
    const raw_connection quick{port};
    REQUIRE(quick.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK(quick.receive(patience).starts_with("HTTP/1.1 200"));
  }
}

TEST_CASE("S2a: a header has a time in which it must be complete", "[fault][!shouldfail]") {
  small_edge e;
  const raw_connection slow{e.port};
  REQUIRE(slow.send(begun));
  CHECK(is_stopped(slow, "X: y\r\n"));
}

TEST_CASE("S2b: a body has a time in which it must be complete", "[fault][!shouldfail]") {
  small_edge e;
  const raw_connection slow{e.port};
  REQUIRE(slow.send(begun + "Content-Length: 60000\r\n\r\n"));
  CHECK(is_stopped(slow, " "));
}

TEST_CASE("S2c: a request line has a time in which it must be complete", "[fault][!shouldfail]") {
  small_edge e;
  const raw_connection slow{e.port};
  REQUIRE(slow.send("GET /"));
  CHECK(is_stopped(slow, "a"));
}

TEST_CASE("S6f: a POST without a length and without a body is answered at once",
          "[fault][!shouldfail]") {
  scripted_app app;
  shop::http_server server{{.threads = 1}};
  shop::register_api(server.routes(), app);
  const raw_connection client{server.start()};
  REQUIRE(client.send(begun + "\r\n"));
  const std::string answer = client.receive(patience);
  CHECK((answer.starts_with("HTTP/1.1 411") || answer.starts_with("HTTP/1.1 400")));
}
