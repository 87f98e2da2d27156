// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <gabion/core/clock.hpp>
#include <gabion/core/error.hpp>
#include <gabion/resilience/circuit_state.hpp>

// What instances of a service tell each other about a circuit. Nobody waits for it: calls go by the
// local breaker alone.
namespace gabion {
inline namespace v0 {

/// What one instance thinks of a circuit.
struct circuit_opinion {
  std::string instance{};  ///< whose it is; 1 to 64 letters, digits and `._:@/-`
  circuit_state state = circuit_state::closed;
  /// It is open because others said so, or by hand, not because of failures of its own
  bool second_hand = false;
  duration remaining{};  ///< open: what is left of the open time, when it is published and when it
                         ///< is read
  std::uint32_t failed = 0;  ///< failures in the window, or in a row
  std::uint32_t calls = 0;   ///< calls in the window; 0 without one
  friend bool operator==(const circuit_opinion&, const circuit_opinion&) = default;
};

/// What a store has heard of one circuit.
struct [[nodiscard("it may be an error")]] circuit_opinions {
  std::error_code error{};  ///< set: the store could not be asked, and nothing is known
  /// One for each instance, in no order; at most `max_circuit_opinions`
  std::vector<circuit_opinion> heard{};
  /// Opinions left out because they cannot be read, such as those of a newer version
  std::size_t unreadable = 0;
};

/// How many instances' opinions of one circuit a store keeps. One more instance's is refused with
/// errc::full.
inline constexpr std::size_t max_circuit_opinions = 256;
inline constexpr std::size_t max_opinion_circuit = 128;  ///< bytes of a circuit's name in a store
inline constexpr std::size_t max_opinion_instance = 64;  ///< bytes of an instance's id
inline constexpr duration max_opinion_ttl = std::chrono::hours{24};

/// Takes an opinion in the place of the same instance's former one; it is gone when `ttl` is over.
/// Errors are values.
template <class S>
concept publishes_opinions =
    requires(S& s, std::string_view circuit, const circuit_opinion& mine, duration ttl) {
      { s.publish(circuit, mine, ttl) } -> std::same_as<std::error_code>;
    };

/// Gives every opinion of that circuit that has not expired. Errors are values.
template <class S>
concept reads_opinions = requires(S& s, std::string_view circuit) {
  { s.read(circuit) } -> std::same_as<circuit_opinions>;
};

/// Where instances leave their opinions for each other. Expiry and the passing of `remaining` are
/// judged by the store's own clock, so the instances' clocks are never compared. Safe to use from
/// several threads. It should answer soon or not at all: whoever shares a circuit waits for it,
/// though no call does.
template <class S>
concept circuit_opinion_store = publishes_opinions<S> && reads_opinions<S>;

/// Names everything that S lacks to be an opinion store, in words.
template <class S>
consteval bool explain_circuit_opinion_store() {
  static_assert(publishes_opinions<S>,
                "circuit_opinion_store: `std::error_code publish(std::string_view circuit, const "
                "gabion::circuit_opinion& mine, "
                "gabion::duration ttl)` is missing");
  static_assert(reads_opinions<S>,
                "circuit_opinion_store: `gabion::circuit_opinions read(std::string_view circuit)` "
                "is missing");
  return circuit_opinion_store<S>;
}

namespace detail {

[[nodiscard]] constexpr bool is_opinion_instance(std::string_view id) noexcept {
  constexpr std::string_view signs = "._:@/-";
  for (const char c : id) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && signs.find(c) == std::string_view::npos) return false;
  }
  return !id.empty() && id.size() <= max_opinion_instance;
}

[[nodiscard]] constexpr bool is_opinion_circuit(std::string_view circuit) noexcept {
  return !circuit.empty() && circuit.size() <= max_opinion_circuit;
}

/// What every store says to an opinion that it cannot take.
[[nodiscard]] inline std::error_code check_opinion(std::string_view circuit,
                                                   const circuit_opinion& mine,
                                                   duration ttl) noexcept {
  const bool good = is_opinion_circuit(circuit) && is_opinion_instance(mine.instance) &&
                    mine.remaining >= duration::zero() && ttl > duration::zero() &&
                    ttl <= max_opinion_ttl;
  return good ? std::error_code{} : make_error_code(errc::invalid_argument);
}

/// The opinion as it is after `age`: what was left then is less now.
constexpr void grow_old(circuit_opinion& opinion, duration age) noexcept {
  if (opinion.remaining == (duration::max)()) return;
  opinion.remaining = opinion.remaining > age ? opinion.remaining - age : duration::zero();
}

}  // namespace detail

}  // namespace v0
}  // namespace gabion
