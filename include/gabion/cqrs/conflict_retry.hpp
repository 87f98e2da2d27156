// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/random.hpp>
#include <gabion/cqrs/dispatch_events.hpp>
#include <gabion/cqrs/message_name.hpp>
#include <gabion/cqrs/result_traits.hpp>

namespace gabion {
inline namespace v0 {

/// How often a command is handled again after a conflict. Later members are only ever added at the
/// end.
struct conflict_retry_options {
  std::uint32_t max_attempts = 3;  ///< handlings in all, the first included; 1 to 100; default 3
  backoff_options backoff{.initial = std::chrono::milliseconds{5},
                          /// Default 5 to 500 ms, full jitter
                          .cap = std::chrono::milliseconds{500}};
};

/// What waits between two attempts: called with how long. A test gives one that only writes the
/// duration down.
template <class Sleeper>
concept delay_function = std::invocable<const Sleeper&, duration>;

/// Middleware that handles a command again, from its beginning, when it failed with errc::conflict:
/// thrown, or as its result.
///
/// Put it outside the unit of work, so that each attempt decides on fresh state in a transaction of
/// its own. At most `max_attempts` handlings; the last conflict goes on to the caller as it is. No
/// other failure is retried, and none at all if the caller gave an expected version: then the
/// conflict is the answer. If the deadline would pass while waiting, the conflict is given back at
/// once. Without exceptions only failing results are retried. Safe to use from several threads if
/// the sleeper, the observer and the clock are.
template <delay_function Sleeper, clock Clock = steady_clock, class Observer = no_observer>
class conflict_retry {
  static_assert(observes_any<const Observer, dispatch_retried>,
                "conflict_retry: the observer cannot be called, as const, with const "
                "gabion::dispatch_retried& (see gabion/cqrs/dispatch_events.hpp)");

 public:
  /// Throws error(invalid_argument) if an option is out of range.
  explicit conflict_retry(Sleeper sleep, conflict_retry_options options = {}, Clock time = Clock{},
                          Observer observer = Observer{})
      : sleep_(std::move(sleep)),
        options_(options),
        clock_(std::move(time)),
        observer_(std::move(observer)) {
    detail::check_range("conflict_retry_options.max_attempts", options_.max_attempts, 1, 100);
    gabion::validate(options_.backoff, "conflict_retry_options.backoff");
  }

  template <message_kind Kind, class Message>
  static constexpr bool applies = Kind == message_kind::command;

  template <class Context, class Message, class Next>
  auto operator()(Context& context, const Message& message, Next& next) const
      -> detail::next_result<Next, Context, Message> {
    using result = detail::next_result<Next, Context, Message>;
    static_assert(!std::is_reference_v<result>,
                  "gabion: conflict_retry cannot hold the reference that this handler returns");
    const command_context* const about = detail::find_command_context(context);
    attempts_left run{*this, about};
    while (run.may_repeat()) {
      if constexpr (std::is_void_v<result>) {
        if (detail::caught<std::system_error>([&] { next(context, message); },
                                              [&](const auto& e) { return run.again(e.code()); }))
          return;
      } else {
        std::optional<result> given;
        const bool returned =
            detail::caught<std::system_error>([&] { given.emplace(next(context, message)); },
                                              [&](const auto& e) { return run.again(e.code()); });
        if (returned && !run.again(detail::error_of(*given))) return *std::move(given);
      }
      gabion::notify(observer_,
                     dispatch_retried{message_name<Message>(), about, run.attempt, run.wait});
      sleep_(run.wait);
      ++run.attempt;
    }
    return next(context, message);
  }

 private:
  /// One send's attempts. The generator is seeded at the first conflict, so that a send without one
  /// pays nothing.
  struct attempts_left {
    const conflict_retry& owner;
    const command_context* about;
    std::uint32_t attempt = 1;
    duration wait{};
    std::optional<xoshiro256> random{};

    [[nodiscard]] bool may_repeat() const noexcept {
      return attempt < owner.options_.max_attempts && !(about != nullptr && about->expected);
    }

    /// Whether this failure is worth another attempt; then `wait` says after how long.
    [[nodiscard]] bool again(std::error_code code) {
      if (code != errc::conflict) return false;
      if (!random) random.emplace();
      wait = gabion::next_delay(owner.options_.backoff, attempt, wait, *random);
      return about == nullptr || about->expires.is_never() ||
             about->expires.remaining(owner.clock_.now()) > wait;
    }
  };

  [[no_unique_address]] Sleeper sleep_;
  conflict_retry_options options_;
  [[no_unique_address]] Clock clock_;
  [[no_unique_address]] Observer observer_;
};

}  // namespace v0
}  // namespace gabion
