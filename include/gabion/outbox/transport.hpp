// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/message.hpp>
#include <gabion/log/delivery.hpp>

namespace gabion {
inline namespace v0 {

/// A message on its way out. It stays alive and unmoved until its delivery has been polled, so a
/// client library may send it without a copy.
struct outgoing {
  position at{};
  const message* what = nullptr;
  std::uint32_t attempt = 1;  ///< 1 for the first time
};

/// Takes messages without waiting for them. Answers how many it took, from the front: fewer than
/// given is back-pressure, not failure. Never blocks. Throws only if nothing was taken.
template <class T>
concept submits_messages = requires(T& t, std::span<const outgoing> batch) {
  { t.submit(batch) } -> std::same_as<std::size_t>;
};

/// Appends the deliveries that are known by now, waiting at most `max_wait` for the first; zero
/// never blocks. Each message taken gets exactly one delivery.
template <class T>
concept polls_deliveries =
    requires(T& t, std::vector<delivery>& out, duration max_wait) { t.poll(out, max_wait); };

/// Says whether order within a key survives a failure inside a batch: once a message is not
/// delivered, no later one of its key that was submitted with or after it is delivered either. If
/// false, the pump keeps at most one message per key in flight.
template <class T>
concept declares_key_order = requires {
  { T::keeps_key_order } -> std::convertible_to<bool>;
};

/// A way to a broker. One relay uses it at a time; no other thread safety is asked for.
template <class T>
concept transport = submits_messages<T> && polls_deliveries<T> && declares_key_order<T>;

/// Names everything that T lacks to be a transport, in words.
template <class T>
consteval bool explain_transport() {
  static_assert(submits_messages<T>,
                "transport: `std::size_t submit(std::span<const outgoing>)` is missing");
  static_assert(
      polls_deliveries<T>,
      "transport: `void poll(std::vector<delivery>&, gabion::duration max_wait)` is missing");
  static_assert(declares_key_order<T>,
                "transport: `static constexpr bool keeps_key_order` is missing");
  return transport<T>;
}

}  // namespace v0
}  // namespace gabion
