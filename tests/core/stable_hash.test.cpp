// SPDX-License-Identifier: MIT
#include <gabion/core/stable_hash.hpp>

#include "support/catch.hpp"

using gabion::stable_hash;

TEST_CASE("the stable hash is FNV-1a with 64 bits and never changes because it is stored",
          "[core][stable_hash]") {
  CHECK(stable_hash("") == gabion::stable_hash_seed);
  CHECK(stable_hash("") == 14695981039346656037U);
  CHECK(stable_hash("a") == 0xaf63dc4c8601ec8cU);
  CHECK(stable_hash("foobar") == 0x85944171f73967e8U);
  CHECK(stable_hash("\xff") == 0xaf64724c8602eb6eU);
}

TEST_CASE("the stable hash of a text in two parts is that of the whole", "[core][stable_hash]") {
  CHECK(stable_hash("bar", stable_hash("foo")) == stable_hash("foobar"));
  static_assert(stable_hash("ab") != stable_hash("ba"));
}
