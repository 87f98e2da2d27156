// SPDX-License-Identifier: MIT
#include <string>

#include "faults/outbox_fixture.hpp"
#include "support/catch.hpp"

using namespace gabion_test::outbox_faults;
using namespace std::string_literals;

namespace {

/// Whether an outbox refuses the message with invalid_argument and writes nothing.
bool is_refused(message m) {
  outbox_fixture f;
  try {
    f.put(std::move(m));
  } catch (const error& e) {
    return e.code() == errc::invalid_argument && f.store.stats().pending == 0;
  }
  return false;
}

}  // namespace

TEST_CASE("M14: a subject with CR, LF or NUL is refused", "[fault]") {
  for (const std::string& bad : {"a\rb"s, "a\nb"s, "a\0b"s, "\n"s, "a\0"s}) {
    CHECK(is_refused({.type = "t", .subject = bad}));
  }
  CHECK_FALSE(is_refused({.type = "t", .subject = "order 7/\xC3\xA4\t"}));
}

TEST_CASE("M14: a binary key travels encoded, and different keys stay different", "[fault]") {
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  CHECK_FALSE(is_refused({.type = "t", .subject = encode_key(all)}));
  CHECK(encode_key("order-7_a.b~C") == "order-7_a.b~C");
  CHECK(encode_key("a\r\0%"s + "\xff") == "a%0D%00%25%FF");
  CHECK(encode_key("") == "");
  CHECK(encode_key("%0D") != encode_key("\r"));
}
