// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <gabion/core/error.hpp>

// The only place that knows whether exceptions are on, so that every core builds with -fno-exceptions.
namespace gabion::inline v0::detail {

/// Throws `Exception(args...)`; without exceptions prints its message and aborts.
template <class Exception, class... Args>
[[noreturn]] void raise(Args&&... args) {
#ifdef __cpp_exceptions
  throw Exception(std::forward<Args>(args)...);
#else
  const Exception failure(std::forward<Args>(args)...);
  std::fprintf(stderr, "gabion: %s\n", failure.what());
  std::abort();
#endif
}

/// Throws error{code, what}.
[[noreturn]] inline void fail(errc code, const std::string& what) { detail::raise<error>(code, what); }

/// The failure of a guarded call: empty code = no failure.
struct failure {
  std::error_code code{};
  std::string what{};
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(code); }
};

/// Runs `f()` and turns an exception into a value; anything that is not a std::system_error becomes errc::rejected.
template <class Function>
[[nodiscard]] failure guarded(Function&& f) {
#ifdef __cpp_exceptions
  try {
    std::forward<Function>(f)();
    return {};
  } catch (const std::system_error& e) {
    return {e.code(), e.what()};
  } catch (const std::exception& e) {
    return {make_error_code(errc::rejected), e.what()};
  } catch (...) {
    return {make_error_code(errc::rejected), "an exception that is not a std::exception"};
  }
#else
  std::forward<Function>(f)();
  return {};
#endif
}

}  // namespace gabion::inline v0::detail
