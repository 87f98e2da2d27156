// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace gabion_test::crash {

/// Looks at the files that a dead service left, and names every promise that they break.
/// `at_rest`: it had come to rest, so that what is not done is lost.
[[nodiscard]] std::vector<std::string> broken_promises(const std::string& directory, bool at_rest);

}  // namespace gabion_test::crash
