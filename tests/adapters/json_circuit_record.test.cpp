// SPDX-License-Identifier: MIT
#include <chrono>
#include <string>
#include <string_view>

#include <gabion/adapters/nlohmann_json/circuit_record.hpp>
#include <gabion/adapters/nlohmann_json/codec.hpp>
#include <gabion/circuit_breaker.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using gabion::circuit_mode;
using gabion::circuit_record;
using gabion::circuit_state;

namespace {

const gabion::json_codec codec{};

constexpr std::string_view good =
    R"({"attempt":2,"consecutive_failures":0,"mode":"normal","open_left_ns":3000000000,"probes_failed":0,)"
    R"("probes_succeeded":0,"ramp_step":0,"state":"open","version":1})";

std::string refusal(const std::string& text) {
  try {
    static_cast<void>(codec.decode<circuit_record>(text));
    return {};
  } catch (const gabion::error& e) {
    CHECK(e.code() == gabion::errc::corrupt);
    return e.what();
  }
}

std::string with(std::string_view from, std::string_view to) {
  std::string text{good};
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

bool names(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a circuit record is a small JSON object", "[json][circuit_breaker]") {
  const circuit_record r{.state = circuit_state::open, .open_left = 3s, .attempt = 2};
  CHECK(codec.encode(r) == good);
  CHECK(codec.decode<circuit_record>(good) == r);
}

TEST_CASE("every circuit record comes back as it was", "[json][circuit_breaker]") {
  for (const circuit_mode mode : {circuit_mode::normal, circuit_mode::isolated,
                                  circuit_mode::disabled, circuit_mode::metrics_only})
    for (const circuit_state state : {circuit_state::closed, circuit_state::open,
                                      circuit_state::half_open, circuit_state::ramping}) {
      const circuit_record r{
          .mode = mode,
          .state = state,
          .open_left = state == circuit_state::open ? (gabion::duration::max)() : 0s,
          .consecutive_failures = 65'535,
          .probes_succeeded = 1'023,
          .probes_failed = 1'023,
          .ramp_step = 7,
          .attempt = 4'294'967'295};
      CHECK(codec.decode<circuit_record>(codec.encode(r)) == r);
    }
}

TEST_CASE("what is not a circuit record is refused and says why", "[json][circuit_breaker]") {
  CHECK(refusal(std::string{good}).empty());
  CHECK(names(refusal("[]"), "circuit_record: the text is not a JSON object"));
  CHECK(names(refusal("{}"), "circuit_record: version is missing"));
  CHECK(names(refusal(with("\"version\":1", "\"version\":2")),
              "circuit_record: version is 2; allowed: 1"));
  CHECK(names(refusal(with("\"version\":1", "\"version\":2,\"more\":1")),
              "circuit_record: version is 2; allowed: 1"));
  CHECK(names(refusal(with("\"version\":1", "\"version\":1,\"more\":1")),
              "circuit_record: \"more\" is not a member of it"));
  CHECK(names(refusal(with("\"attempt\":2,", "")), "circuit_record: attempt is missing"));
  CHECK(names(refusal(with("\"attempt\":2", "\"attempt\":-2")),
              "attempt is -2; allowed: a whole number, 0 to 4294967295"));
  CHECK(names(refusal(with("\"attempt\":2", "\"attempt\":2.5")),
              "attempt is 2.5; allowed: a whole number"));
  CHECK(names(refusal(with("\"attempt\":2", "\"attempt\":4294967296")), "attempt is 4294967296"));
  CHECK(names(refusal(with("\"attempt\":2", "\"attempt\":\"2\"")), "attempt is \"2\""));
  CHECK(names(refusal(with("\"open\"", "\"ajar\"")),
              "state is \"ajar\"; allowed: closed, open, half_open, ramping"));
  CHECK(names(refusal(with("\"open\"", "1")), "state is 1; allowed: closed"));
  CHECK(names(refusal(with("\"normal\"", "\"off\"")),
              "mode is \"off\"; allowed: normal, isolated, disabled, metrics_only"));
  CHECK(names(refusal(with("3000000000", "9223372036854775808")),
              "open_left_ns is 9223372036854775808"));
  CHECK(names(refusal(with("\"open\"", "\"closed\"")),
              "open_left is 3000000000 ns; allowed: 0 ns unless the state is open"));
  CHECK(names(refusal(with("\"ramp_step\":0", "\"ramp_step\":8")),
              "ramp_step is 8; allowed: 0 to 7"));
}

TEST_CASE("a record that is none is not written", "[json][circuit_breaker]") {
  CHECK_THROWS_AS(codec.encode(circuit_record{.state = static_cast<circuit_state>(9)}),
                  gabion::error);
}

TEST_CASE("a breaker goes on from the text that another one has left", "[json][circuit_breaker]") {
  gabion::circuit_breaker before{{.failures = 1}};
  before.trip(1h);
  gabion::circuit_breaker after{{.failures = 1}};
  after.restore(codec.decode<circuit_record>(codec.encode(before.save())));
  CHECK(after.state() == circuit_state::open);
  CHECK(after.snapshot().retry_after > 59min);
}
