// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <gabion/core/detail/compile_mode.hpp>
#include <gabion/core/error.hpp>

// The only place that knows whether exceptions are on, so that every core builds with
// -fno-exceptions.
namespace gabion {
inline namespace v0 {
namespace detail {

/// True if this translation unit is compiled with exceptions; for a static_assert on what could
/// only throw.
[[nodiscard]] consteval bool exceptions_enabled() noexcept {
#ifdef __cpp_exceptions
  return true;
#else
  return false;
#endif
}

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
[[noreturn]] inline void fail(errc code, const std::string& what) {
  detail::raise<error>(code, what);
}

/// The failure of a guarded call: empty code = no failure.
struct failure {
  std::error_code code{};
  std::string what{};
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(code); }
};

/// Runs `f()` and turns an exception into a value; anything that is not a std::system_error becomes
/// errc::rejected.
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

/// Runs `f()` and returns what it returns. If it throws, `seen(failure)` is called first and the
/// exception goes on unchanged.
template <class Function, class Watcher>
decltype(auto) watched(Function&& f, [[maybe_unused]] Watcher&& seen) {
#ifdef __cpp_exceptions
  try {
    return std::forward<Function>(f)();
  } catch (const std::system_error& e) {
    seen(failure{e.code(), e.what()});
    throw;
  } catch (const std::exception& e) {
    seen(failure{make_error_code(errc::rejected), e.what()});
    throw;
  } catch (...) {
    seen(failure{make_error_code(errc::rejected), "an exception that is not a std::exception"});
    throw;
  }
#else
  return std::forward<Function>(f)();
#endif
}

/// Runs `f()`. If it throws an Exception for which `handles(exception)` is true, answers false; any
/// other goes on unchanged.
template <class Exception, class Function, class Predicate>
[[nodiscard]] bool caught(Function&& f, [[maybe_unused]] Predicate&& handles) {
#ifdef __cpp_exceptions
  try {
    std::forward<Function>(f)();
  } catch (const Exception& e) {
    if (!handles(e)) throw;
    return false;
  }
  return true;
#else
  std::forward<Function>(f)();
  return true;
#endif
}

/// Runs `f()`. What it threw, or null.
template <class Function>
[[nodiscard]] std::exception_ptr captured(Function&& f) {
#ifdef __cpp_exceptions
  try {
    std::forward<Function>(f)();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
#else
  std::forward<Function>(f)();
  return nullptr;
#endif
}

/// Shows an exception to `seen`: as a Known if it is one, as a std::system_error if it is one, any
/// other not at all.
template <class Known, class Seen>
void inspect([[maybe_unused]] const std::exception_ptr& thrown, [[maybe_unused]] Seen&& seen) {
#ifdef __cpp_exceptions
  try {
    std::rethrow_exception(thrown);
  } catch (const Known& e) {
    seen(e);
  } catch (const std::system_error& e) {
    seen(e);
  } catch (...) {}
#endif
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
