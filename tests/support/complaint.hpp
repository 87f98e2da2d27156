// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <gabion/core/error.hpp>

namespace gabion_test {

/// What `make()` is told about an argument that is not valid; empty if it is accepted.
template <class Make>
std::string complaint(Make make) {
  try {
    make();
  } catch (const gabion::error& e) {
    return e.code() == gabion::errc::invalid_argument ? e.what() : "another code";
  }
  return {};
}

}  // namespace gabion_test
