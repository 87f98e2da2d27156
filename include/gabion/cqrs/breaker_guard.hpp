// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/cqrs/result_traits.hpp>

namespace gabion {
inline namespace v0 {

/// Middleware that runs the rest through `guard.call(f)`: a circuit breaker, a bulkhead, a whole
/// resilience pipeline.
///
/// `call(f)` must call f at most once before it returns, or again only if the handler may run
/// again, and give back what f returned. A rejection is the guard's own: thrown, or a result that
/// says so. The guard must outlive the bus; thread safety is the guard's.
template <class Guard>
class breaker_guard {
 public:
  constexpr explicit breaker_guard(Guard& guard) noexcept : guard_(&guard) {}

  template <class Context, class Message, class Next>
  auto operator()(Context& context, const Message& message, Next& next) const
      -> detail::next_result<Next, Context, Message> {
    return guard_->call(
        [&]() -> detail::next_result<Next, Context, Message> { return next(context, message); });
  }

 private:
  Guard* guard_;
};

}  // namespace v0
}  // namespace gabion
