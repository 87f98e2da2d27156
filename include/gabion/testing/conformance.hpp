// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/testing/manual_clock.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// What one case of a conformance suite found. Not safe to use from several threads.
class findings {
 public:
  /// Notes that something was looked at, and keeps `what` if it was not as it must be. Gives `ok`
  /// back.
  bool expect(bool ok, std::string_view what) {
    ++checks_;
    if (!ok) failures_.emplace_back(what);
    return ok;
  }

  /// Expects a call to throw an error of that code.
  template <class Code, class Call>
  void expect_error(Code code, Call&& call, std::string_view what) {
    ++checks_;
    try {
      std::forward<Call>(call)();
    } catch (const std::system_error& e) {
      if (e.code() != code)
        failures_.push_back(std::string{what} + ": got '" + e.code().message() + "'");
      return;
    }
    failures_.push_back(std::string{what} + ": nothing was thrown");
  }

  [[nodiscard]] const std::vector<std::string>& failures() const noexcept { return failures_; }
  [[nodiscard]] std::size_t checks() const noexcept { return checks_; }

 private:
  std::vector<std::string> failures_{};
  std::size_t checks_ = 0;
};

/// One named case. It gets a fresh world and the time that the world runs on.
template <class World>
struct conformance_case {
  std::string_view name{};
  void (*run)(World& world, manual_time& time, findings& found) = nullptr;
};

/// Runs one case in a world of its own: `make(manual_time&)` gives the world. An exception that
/// leaves the case is a finding.
template <class World, class Make>
[[nodiscard]] findings run_case(const conformance_case<World>& c, Make&& make) {
  findings found;
  manual_time time;
  try {
    auto&& world = make(time);
    c.run(world, time, found);
  } catch (const std::exception& e) {
    found.expect(false, std::string{"an exception left the case: "} + e.what());
  }
  if (found.checks() == 0) found.expect(false, "the case looked at nothing");
  return found;
}

/// Runs all cases of a suite and hands each one's name and findings to `report`. True if nothing
/// was found wrong.
template <class Cases, class Make, class Report>
bool run_suite(const Cases& cases, Make make, Report report) {
  bool good = true;
  for (const auto& c : cases) {
    const findings found = testing::run_case(c, make);
    good = good && found.failures().empty();
    report(c.name, found);
  }
  return good;
}

}  // namespace testing
}  // namespace v0
}  // namespace gabion
