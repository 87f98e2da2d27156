// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <system_error>

#include <gabion/core/error.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/retry_options.hpp>

// How outcomes and errors read to a retry.
namespace gabion {
inline namespace v0 {
namespace detail {

/// The errors by which a policy says that it did not let the call through.
[[nodiscard]] inline bool says_rejected(const std::error_code& code) noexcept {
  return code == make_error_code(errc::circuit_open) ||
         code == make_error_code(errc::rate_limited) || code == make_error_code(errc::overloaded) ||
         code == make_error_code(errc::rejected);
}

/// A refusal because the attempt's time was over is a failure that may pass, as any other time-out.
[[nodiscard]] constexpr attempt_report report_of(const refusal& why,
                                                 std::optional<duration> stated) noexcept {
  if (!stated && why.retry_after > duration::zero()) stated = why.retry_after;
  switch (why.code) {
    case errc::timeout: return {attempt_verdict::retryable, stated};
    case errc::cancelled: return {attempt_verdict::fatal};
    default: return {attempt_verdict::rejected, stated};
  }
}

[[nodiscard]] constexpr attempt_report report_of(const call_outcome& outcome) noexcept {
  if (outcome.refused) return detail::report_of(*outcome.refused, outcome.retry_after);
  switch (outcome.verdict) {
    case verdict::success: return {attempt_verdict::success};
    case verdict::failure: return {attempt_verdict::retryable, outcome.retry_after};
    case verdict::ignored:
    case verdict::cancelled: break;
  }
  return {attempt_verdict::fatal};
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
