// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gabion/core/error.hpp>

namespace gabion {
inline namespace v0 {

/// What publish does when a handler fails.
enum class publish_policy : unsigned char {
  stop_at_first_error,  ///< later handlers do not run; the failure goes on as it is. The default
  run_all,              ///< every handler runs; then one publish_error with all failures
};

/// One handler that failed.
struct handler_failure {
  std::size_t index = 0;  ///< among the handlers of this event, from 0, in the order of the bus
  std::error_code code{};
  std::string what{};
};

/// All handlers of an event ran, and at least one failed. Its text names every failure.
class publish_error : public error {
 public:
  publish_error(std::string_view event, std::size_t handlers, std::vector<handler_failure> failures)
      : error{errc::rejected, describe(event, handlers, failures)},
        failures_(std::move(failures)) {}

  /// In the order of the bus; never empty.
  [[nodiscard]] const std::vector<handler_failure>& failures() const noexcept { return failures_; }

 private:
  static std::string describe(std::string_view event, std::size_t handlers,
                              const std::vector<handler_failure>& failures) {
    std::string text = std::string{event} + ": " + std::to_string(failures.size()) + " of " +
                       std::to_string(handlers) + " handlers failed";
    for (const handler_failure& f : failures)
      text += "; handler " + std::to_string(f.index) + ": " + f.what;
    return text;
  }

  std::vector<handler_failure> failures_;
};

}  // namespace v0
}  // namespace gabion
