// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include <gabion/core/detail/compile_mode.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/resilience/circuit_judgement.hpp>
#include <gabion/resilience/detail/refused_call.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/policy.hpp>
#include <gabion/resilience/refusal.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// A reference that a call has returned, kept as a pointer.
template <class T>
struct kept_reference {
  std::add_pointer_t<T> to;
};

/// How a result of type R is kept: `void` as no_value, a reference as a pointer.
template <class R>
struct kept_result {
  using type = std::remove_cv_t<R>;
};
template <>
struct kept_result<void> {
  using type = no_value;
};
template <class T>
  requires std::is_reference_v<T>
struct kept_result<T> {
  using type = kept_reference<T>;
};

/// Where an attempt leaves what it returned or threw.
template <class R>
class result_slot {
 public:
  using kept_type = typename kept_result<R>::type;
  static constexpr bool shown = !std::is_reference_v<R>;

  /// Keeps what f returns.
  template <class Function>
  void keep(Function&& f) {
    if constexpr (std::is_void_v<R>) {
      std::forward<Function>(f)();
      value_.emplace();
    } else if constexpr (std::is_reference_v<R>) {
      auto&& result = std::forward<Function>(f)();
      value_.emplace(kept_type{&result});
    } else {
      value_.emplace(std::forward<Function>(f)());
    }
  }
  /// Keeps what f returns. If f throws, keeps the exception and returns false.
  template <class Function>
  [[nodiscard, gnu::always_inline]] bool keep_or_catch(Function&& f) {
#ifdef __cpp_exceptions
    try {
      keep(std::forward<Function>(f));
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
#else
    keep(std::forward<Function>(f));
#endif
    return true;
  }
  [[nodiscard]] const std::exception_ptr& exception() const noexcept { return thrown_; }
  void keep_exception(std::exception_ptr thrown) noexcept { thrown_ = std::move(thrown); }

  void clear() noexcept {
    value_.reset();
    thrown_ = nullptr;
  }
  [[nodiscard]] std::optional<kept_type>& value() noexcept { return value_; }

  /// What the caller is told at the end.
  [[nodiscard]] R take(const call_outcome& outcome) {
    if (value_.has_value()) {
      if constexpr (std::is_reference_v<R>)
        return static_cast<R>(*value_->to);
      else if constexpr (std::is_void_v<R>)
        return;
      else
        return *std::move(value_);
    }
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    return detail::refused_call<R>(outcome.refused.value_or(refusal{}));
  }

 private:
  std::optional<kept_type> value_{};
  std::exception_ptr thrown_{};
};

/// The code of a result that carries one.
template <class R>
[[nodiscard]] std::error_code code_of([[maybe_unused]] const R& result) {
  if constexpr (error_code_like<R>) {
    return std::error_code{result};
  } else if constexpr (expected_like<R>) {
    if constexpr (std::convertible_to<decltype(result.error()), std::error_code>)
      return result.has_value() ? std::error_code{} : std::error_code{result.error()};
  }
  return {};
}

/// Notes that a failed call was itself refused by a policy further down, which is no failure of the
/// other side.
inline void note_code(call_outcome& outcome, const std::error_code& code) {
  for (const errc refused : {errc::circuit_open, errc::rate_limited, errc::overloaded})
    if (code == refused)
      outcome.refused = refusal{refused, outcome.retry_after.value_or(duration::zero())};
}

/// Records the result of an attempt that returned in `outcome`, which must be a success before.
template <class R, class Judge>
void judge_result(call_outcome& outcome, const R& result, Judge& judge) {
  outcome.verdict = judge(result);
  if constexpr (states_retry_after<R>) outcome.retry_after = gabion::stated_retry_after(result);
  if (outcome.verdict == verdict::failure) detail::note_code(outcome, detail::code_of(result));
}
/// The same as a value.
template <class R, class Judge>
[[nodiscard]] call_outcome outcome_of(const R& result, Judge& judge) {
  call_outcome outcome{};
  detail::judge_result(outcome, result, judge);
  return outcome;
}

/// How an attempt went that threw: a failure, but cancelled if the exception says so.
struct exception_reader {
  call_outcome& outcome;

  void operator()(const refused_error& e) const {
    if (e.retry_after() > duration::zero()) outcome.retry_after = e.retry_after();
    (*this)(static_cast<const std::system_error&>(e));
  }
  void operator()(const std::system_error& e) const {
    if (e.code() == make_error_code(errc::cancelled) || e.code() == std::errc::operation_canceled)
      outcome.verdict = verdict::cancelled;
    detail::note_code(outcome, e.code());
  }
};

/// A judge may also judge what was thrown.
template <class Judge>
concept judges_exceptions = requires(Judge& judge, const std::exception_ptr& thrown) {
  { judge.judge_exception(thrown) } -> std::same_as<verdict>;
};

/// It is one of those that a judgement leaves out.
[[nodiscard]] inline bool is_one_of(exception_types<> /*none*/,
                                    const std::exception_ptr& /*thrown*/) noexcept {
  return false;
}
template <class... Exceptions>
[[nodiscard]] bool is_one_of(exception_types<Exceptions...> these,
                             const std::exception_ptr& thrown) {
  bool found = false;
  static_cast<void>(detail::captured([&] {
    detail::watch_exceptions(these, [&] { std::rethrow_exception(thrown); }, [&] { found = true; });
  }));
  return found;
}

template <class Judge>
[[nodiscard]] call_outcome outcome_of_exception(const std::exception_ptr& thrown, Judge& judge) {
  call_outcome outcome{verdict::failure};
  detail::inspect<refused_error>(thrown, exception_reader{outcome});
  if (detail::is_one_of(detail::ignored_by(judge), thrown)) outcome.verdict = verdict::ignored;
  if constexpr (judges_exceptions<Judge>) outcome.verdict = judge.judge_exception(thrown);
  return outcome;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
