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

TEST_CASE("M14: a subject with CR, LF or NUL is refused", "[fault][!shouldfail]") {
  for (const std::string& bad : {"a\rb"s, "a\nb"s, "a\0b"s, "\n"s, "a\0"s}) {
    CHECK(is_refused({.type = "t", .subject = bad}));
  }
  CHECK_FALSE(is_refused({.type = "t", .subject = "order 7/\xC3\xA4\t"}));
}
