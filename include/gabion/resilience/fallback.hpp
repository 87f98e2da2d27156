// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <gabion/core/env.hpp>
#include <gabion/resilience/call_context.hpp>
#include <gabion/resilience/detail/blocking_result.hpp>
#include <gabion/resilience/detail/fallback_handler.hpp>
#include <gabion/resilience/detail/pipeline_result.hpp>
#include <gabion/resilience/outcome_traits.hpp>
#include <gabion/resilience/pipeline_run.hpp>
#include <gabion/resilience/policy.hpp>

namespace gabion {
inline namespace v0 {

/// A result, and whether it is the real one.
template <class Result>
struct served {
  Result value;
  bool degraded = false;  ///< it came from a fallback
};

/// What a fallback has done so far.
struct fallback_counts {
  std::uint64_t used = 0;      ///< calls that were answered by it
  std::uint64_t declined = 0;  ///< failed calls for which it had nothing
  std::uint64_t failed = 0;    ///< its own failures: what it gave was a failure itself, or it threw
  friend bool operator==(const fallback_counts&, const fallback_counts&) = default;
};

/// The same value each time: a placeholder.
template <class Value>
struct fallback_value {
  Value value;
  [[nodiscard]] Value operator()() const { return value; }
};
template <class Value>
fallback_value(Value) -> fallback_value<Value>;

/// Another answer for a call that failed or was refused.
///
/// The handler's parameters say what it is for. `const refusal&`: calls that were refused. `const
/// call_outcome&`, with or without `const call_context&` after it, or nothing: refused and failed
/// calls, and exceptions. It returns what the call returns, or a std::optional of it: empty means
/// that it has nothing, and the failure passes as if there were no fallback. A mistake of the
/// caller (verdict ignored) and a call that was cancelled are left alone.
///
/// A fallback that fails is not swallowed: its failed result, or its exception, is what the caller
/// gets, and it is counted. That an answer is degraded can be seen by `serve`, or in the result if
/// its outcome_traits have `mark_degraded(Result&)`. To queue a call for later, let the handler do
/// so and return what stands for "accepted".
///
/// The handler is called on the calling thread, outside every lock, by several threads at the same
/// time: it must be safe for that. A call that succeeds costs nothing here. Neither copied nor
/// moved.
template <class Handler, env Env = native_env>
class basic_fallback {
  static_assert(detail::explain_fallback_handler<Handler>());

 public:
  static constexpr policy_kind kind = policy_kind::fallback;

  explicit basic_fallback(Handler handler) : handler_{std::move(handler)} {}
  basic_fallback(const basic_fallback&) = delete;
  basic_fallback& operator=(const basic_fallback&) = delete;

  /// One call's passage.
  class run {
   public:
    explicit run(basic_fallback& policy) noexcept : policy_{&policy} {}

    template <class Now>
    [[nodiscard]] entry_step enter(const call_context& /*context*/,
                                   const Now& /*now*/) const noexcept {
      return entry_step::pass();
    }
    template <class Result, class Now>
    void settle_result(std::optional<Result>& result, call_outcome& outcome,
                       const call_context& context, const Now& /*now*/) {
      static_cast<void>(policy_->replace(result, outcome, context));
    }
    template <class Now>
    [[nodiscard]] exit_step leave(const call_outcome& /*outcome*/, const call_context& /*context*/,
                                  const Now& /*now*/) const noexcept {
      return exit_step::up();
    }

   private:
    basic_fallback* policy_;
  };

  /// Calls f, which takes nothing or `const call_context&`, judges its result by `outcome_traits`,
  /// and returns it or what the fallback has in its place. An exception that the fallback does not
  /// answer goes on unchanged.
  template <pipeline_callable Function>
  detail::call_result<Function> call(const call_context& context, Function&& f) {
    detail::result_slot<detail::call_result<Function>> slot;
    const call_outcome outcome = attempt(slot, context, f).second;
    return slot.take(outcome);
  }
  template <pipeline_callable Function>
  detail::call_result<Function> call(Function&& f) {
    return call(call_context{}, std::forward<Function>(f));
  }

  /// The same, and says whether the answer is the real one.
  template <pipeline_callable Function>
    requires(!std::is_void_v<detail::call_result<Function>>)
  [[nodiscard]] served<detail::call_result<Function>> serve(const call_context& context,
                                                            Function&& f) {
    detail::result_slot<detail::call_result<Function>> slot;
    const auto [degraded, outcome] = attempt(slot, context, f);
    return {slot.take(outcome), degraded};
  }
  template <pipeline_callable Function>
    requires(!std::is_void_v<detail::call_result<Function>>)
  [[nodiscard]] served<detail::call_result<Function>> serve(Function&& f) {
    return serve(call_context{}, std::forward<Function>(f));
  }

  [[nodiscard]] fallback_counts counts() const noexcept {
    const auto read = [](const auto& c) { return c.load(std::memory_order_relaxed); };
    return {read(used_), read(declined_), read(failed_)};
  }

 private:
  using counter = typename Env::template atomic<std::uint64_t>;
  static void count(counter& c) noexcept { c.fetch_add(1, std::memory_order_relaxed); }

  /// Whether the fallback has answered, and how it went.
  template <class Result, class Function>
  [[nodiscard]] std::pair<bool, call_outcome> attempt(detail::result_slot<Result>& slot,
                                                      const call_context& context, Function& f) {
    static_assert(!std::is_reference_v<Result>,
                  "fallback: the function must return a value, not a reference");
    static_assert(detail::explain_blocking<Result>());
    detail::judge_by_traits judge;
    std::exception_ptr thrown = detail::captured(
        [&] { slot.keep([&]() -> Result { return detail::call_with(f, context); }); });
    call_outcome outcome =
        thrown ? detail::outcome_of_exception(thrown, judge) : judged<Result>(slot, judge);
    const bool replaced = replace(slot.value(), outcome, context);
    if (!replaced) slot.keep_exception(std::move(thrown));
    return {replaced, outcome};
  }
  template <class Result>
  [[nodiscard]] static call_outcome judged(detail::result_slot<Result>& slot,
                                           detail::judge_by_traits& judge) {
    if constexpr (std::is_void_v<Result>)
      return {};
    else
      return detail::outcome_of(std::as_const(*slot.value()), judge);
  }

  /// True if the fallback has given the answer.
  template <class Result>
  [[nodiscard]] bool replace(std::optional<Result>& result, call_outcome& outcome,
                             const call_context& context) {
    if (!detail::fallback_wants<Handler>(outcome)) return false;
    const auto ask = [&] {
      return detail::ask_fallback<Result>(handler_, std::as_const(outcome), context);
    };
    std::optional<Result> answer =
        detail::watched(ask, [&](const detail::failure&) { count(failed_); });
    if (!answer.has_value()) {
      count(declined_);
      return false;
    }
    outcome = call_outcome{outcome_traits<Result>::judge(std::as_const(*answer))};
    if (outcome.verdict == verdict::failure)
      outcome.retry_after = gabion::stated_retry_after(*answer);
    if constexpr (detail::marks_degraded<Result>) outcome_traits<Result>::mark_degraded(*answer);
    result.reset();
    result.emplace(*std::move(answer));
    count(outcome.verdict == verdict::failure ? failed_ : used_);
    return true;
  }

  Handler handler_;
  counter used_{0};
  counter declined_{0};
  counter failed_{0};
};

template <class Handler>
basic_fallback(Handler) -> basic_fallback<Handler>;

/// A fallback that hands its calls to `handler`. \code auto placeholder = fallback([](const
/// refusal&) { return page{}; }); \endcode
template <class Handler>
[[nodiscard]] basic_fallback<Handler> fallback(Handler handler) {
  return basic_fallback<Handler>{std::move(handler)};
}

}  // namespace v0
}  // namespace gabion
