// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gabion/core/clock.hpp>
#include <gabion/resilience/circuit_opinion_store.hpp>

// An opinion as Redis keeps it: "1 o 0 29500 15000 5 10": version, state, second-hand, what is left
// of the open time and ttl in milliseconds, failed, calls. The instance is in the key.
namespace gabion {
inline namespace v0 {
namespace redis::detail {

inline constexpr std::string_view opinion_states = "cohr";

/// Rounded up, so that something left never reads as nothing; for ever stays for ever.
[[nodiscard]] constexpr std::int64_t whole_milliseconds(duration d) noexcept {
  return std::chrono::ceil<std::chrono::milliseconds>(d).count();
}

[[nodiscard]] inline std::string opinion_text(const circuit_opinion& o, duration ttl) {
  std::string text{"1 "};
  text += opinion_states[static_cast<std::size_t>(o.state)];
  for (const std::int64_t number :
       {std::int64_t{o.second_hand},
        o.remaining == (duration::max)() ? std::int64_t{-1} : whole_milliseconds(o.remaining),
        whole_milliseconds(ttl), std::int64_t{o.failed}, std::int64_t{o.calls}})
    text.append(" ").append(std::to_string(number));
  return text;
}

/// The numbers of a text, parted by single spaces; nothing if it is anything else.
template <std::size_t Count>
[[nodiscard]] std::optional<std::array<std::int64_t, Count>> numbers(
    std::string_view text) noexcept {
  std::array<std::int64_t, Count> found{};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < Count; ++i) {
    if (i != 0 && (at == end || *at++ != ' ')) return std::nullopt;
    const auto [next, failed] = std::from_chars(at, end, found[i]);
    if (failed != std::errc{}) return std::nullopt;
    at = next;
  }
  return at == end ? std::optional{found} : std::nullopt;
}

/// The opinion as it is now that `ttl_left` of its life is left; nothing if it cannot be read.
[[nodiscard]] inline std::optional<circuit_opinion> read_opinion(std::string_view instance,
                                                                 std::string_view text,
                                                                 std::int64_t ttl_left) {
  constexpr std::int64_t most = (duration::max)().count() / 1'000'000;
  if (!text.starts_with("1 ") || text.size() < 4 || text[3] != ' ' ||
      !gabion::detail::is_opinion_instance(instance))
    return std::nullopt;
  const std::size_t state = opinion_states.find(text[2]);
  const auto n = detail::numbers<5>(text.substr(4));
  if (state == std::string_view::npos || !n) return std::nullopt;
  const auto [second_hand, remaining, ttl, failed, calls] = *n;
  if (remaining < -1 || remaining > most || ttl < 0 || ttl > most || failed < 0 ||
      failed > UINT32_MAX || calls < 0 || calls > UINT32_MAX)
    return std::nullopt;
  circuit_opinion o{.instance = std::string{instance},
                    .state = static_cast<circuit_state>(state),
                    .second_hand = second_hand != 0,
                    .remaining = remaining == -1 ? (duration::max)()
                                                 : duration{std::chrono::milliseconds{remaining}},
                    .failed = static_cast<std::uint32_t>(failed),
                    .calls = static_cast<std::uint32_t>(calls)};
  gabion::detail::grow_old(o, std::chrono::milliseconds{ttl > ttl_left ? ttl - ttl_left : 0});
  return o;
}

}  // namespace redis::detail
}  // namespace v0
}  // namespace gabion
