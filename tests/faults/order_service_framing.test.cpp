// SPDX-License-Identifier: MIT
// What a request line, header fields and the framing of a body may be: RFC 9110 and 9112.
#include "support/catch.hpp"

#include <chrono>
#include <string>

#include <nlohmann/json.hpp>

#include "faults/order_service_fixture.hpp"
#include "http/api.hpp"
#include "http/server.hpp"
#include "order_service/running_service.hpp"

using namespace order_faults;
using order_tests::good_order;

namespace {

constexpr std::chrono::milliseconds silence{200};

/// What the server answers, and whether it closes the connection afterwards.
struct exchange {
  std::string answer{};
  bool closed = false;
  [[nodiscard]] bool is(const std::string& status) const {
    return answer.starts_with("HTTP/1.1 " + status);
  }
  /// RFC 9112, section 6.3: what follows cannot be told from a body.
  [[nodiscard]] bool is_refused_for_good() const { return is("400") && closed; }
};

/// The HTTP edge alone, in front of an application that takes everything.
class edge {
 public:
  edge() {
    shop::register_api(server_.routes(), app_);
    port_ = server_.start();
  }

  exchange send(const std::string& text) const {
    const raw_connection connection{port_};
    static_cast<void>(connection.send(text));
    exchange result;
    while (connection.reacts_within(silence)) {
      const std::string part = connection.receive(silence);
      result.closed = part.empty();
      if (result.closed) break;
      result.answer += part;
    }
    return result;
  }
  exchange get(const std::string& path, const std::string& fields = {}) const {
    return send("GET " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
  }
  exchange post(const std::string& fields, const std::string& body = good_order) const {
    return send("POST /orders HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n" + fields +
                "\r\n" + body);
  }

 private:
  scripted_app app_{};
  shop::http_server server_{{.threads = 2}};
  int port_ = 0;
};

std::string length_of(const std::string& body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n";
}

}  // namespace

TEST_CASE("S2d: the number of header fields has a limit", "[fault][!shouldfail]") {
  std::string fields;
  for (int i = 0; i < 1'000; ++i) fields += "X: a\r\n";
  CHECK(edge{}.get("/orders", fields).is("431"));
}

TEST_CASE("S5n: a method that nobody knows is 501", "[fault][!shouldfail]") {
  CHECK(edge{}.send("BREW /orders HTTP/1.1\r\nHost: h\r\n\r\n").is("501"));
}

TEST_CASE("S5o: an answer to a range is 206, or whole", "[fault][!shouldfail]") {
  const exchange part = edge{}.get("/orders", "Range: bytes=0-4\r\n");
  REQUIRE((part.is("206") || part.is("200")));
  CHECK((part.is("206") || part.answer.ends_with('}')));
}

TEST_CASE("S5p: a header field that is too long is 431", "[fault][!shouldfail]") {
  CHECK(edge{}.get("/orders", "X: " + std::string(9'000, 'a') + "\r\n").is("431"));
}

TEST_CASE("S6i: a negative length is refused, and ends the connection", "[fault][!shouldfail]") {
  CHECK(edge{}.post("Content-Length: -1\r\n").is_refused_for_good());
}

TEST_CASE("S6j: a length that is no whole number is refused, and ends the connection",
          "[fault][!shouldfail]") {
  CHECK(edge{}.post("Content-Length: 1e3\r\n").is_refused_for_good());
}

TEST_CASE("S6k: two lengths that differ are refused, and end the connection",
          "[fault][!shouldfail]") {
  CHECK(edge{}.post(length_of(good_order) + "Content-Length: 5\r\n").is_refused_for_good());
}

TEST_CASE("S6l: a length beside chunks is refused, and ends the connection",
          "[fault][!shouldfail]") {
  CHECK(edge{}
            .post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")
            .is_refused_for_good());
}

TEST_CASE("S6m: a request without a host is 400", "[fault][!shouldfail]") {
  CHECK(edge{}.send("GET /orders HTTP/1.1\r\n\r\n").is("400"));
}

TEST_CASE("S6n: a parameter that comes twice is 400", "[fault][!shouldfail]") {
  CHECK(edge{}.get("/orders?limit=1&limit=500").is("400"));
}

TEST_CASE("S6o: two keys that differ are 400", "[fault][!shouldfail]") {
  const std::string keys = "Idempotency-Key: a\r\nIdempotency-Key: b\r\n";
  CHECK(edge{}.post(keys + length_of(good_order)).is("400"));
}

TEST_CASE("S6p: an id of white space alone is refused", "[fault][!shouldfail]") {
  std::string order = good_order;
  order.replace(order.find("c-1"), 3, " \\n");
  CHECK(edge{}.post(length_of(order), order).is("422"));
}

TEST_CASE("S6q: what a client reads of malformed JSON is a text for clients",
          "[fault][!shouldfail]") {
  const exchange refused = edge{}.post(length_of("{"), "{");
  REQUIRE(refused.is("400"));
  INFO(refused.answer);
  CHECK(refused.answer.find("json.exception") == std::string::npos);
}

TEST_CASE("S6r: a customer's orders take no other customer as a parameter",
          "[fault][!shouldfail]") {
  scripted_app app;
  app.customer.result.emplace();
  shop::http_server server{{.threads = 1}};
  shop::register_api(server.routes(), app);
  httplib::Client http{"127.0.0.1", server.start()};
  REQUIRE(http.Get("/customers/c-1/orders")->status == 200);
  CHECK(http.Get("/customers/c-1/orders?customer=c-2")->status == 400);
}
