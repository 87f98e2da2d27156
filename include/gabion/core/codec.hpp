// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// Says what the bytes are, for a message's content type: "application/json".
template <class C>
concept names_content_type = requires(const C& c) {
  { c.content_type() } -> std::convertible_to<std::string_view>;
};

/// Turns a value into bytes. Throws error(invalid_argument) if the format can't carry the value.
template <class C, class T>
concept encodes = requires(const C& c, const T& value) {
  { c.encode(value) } -> std::same_as<std::string>;
};

/// Turns bytes back into a value. Total: any bytes give a value or throw error(corrupt | too_large)
/// that names what is wrong.
template <class C, class T>
concept decodes = requires(const C& c, std::string_view bytes) {
  { c.template decode<T>(bytes) } -> std::same_as<T>;
};

/// Values of type T to bytes and back, such that decode(encode(value)) equals the value. Safe to
/// use from several threads.
template <class C, class T>
concept codec_for = names_content_type<C> && encodes<C, T> && decodes<C, T>;

/// Names everything that C lacks to be a codec for T, in words.
template <class C, class T>
consteval bool explain_codec_for() {
  static_assert(names_content_type<C>,
                "codec_for: `std::string_view content_type() const` is missing");
  static_assert(encodes<C, T>,
                "codec_for: `std::string encode(const T&) const` is missing or does not accept T");
  static_assert(decodes<C, T>,
                "codec_for: `template <class T> T decode(std::string_view) const` is missing or "
                "does not accept T");
  return codec_for<C, T>;
}

}  // namespace v0
}  // namespace gabion
