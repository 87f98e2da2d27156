// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string_view>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// The stable name of a type in stored and sent data, such as "order.placed". It never changes once
/// data exists, so it is given by hand and never taken from the compiler:
///
///   struct order_placed { static constexpr std::string_view wire_name = "order.placed"; ... };
///
/// or, for a type that is not yours:
///
///   template <> struct gabion::wire_name<order_placed> { static constexpr std::string_view value =
///   "order.placed"; };
template <class T>
struct wire_name {};

template <class T>
  requires requires {
    { T::wire_name } -> std::convertible_to<std::string_view>;
  }
struct wire_name<T> {
  static constexpr std::string_view value = T::wire_name;
};

/// A type that has a stable name.
template <class T>
concept wire_named = requires {
  { wire_name<T>::value } -> std::convertible_to<std::string_view>;
};

/// Says how to name T, in words.
template <class T>
consteval bool explain_wire_named() {
  static_assert(wire_named<T>,
                "wire_name: the type has no stable name; give it `static constexpr "
                "std::string_view wire_name = "
                "\"order.placed\";` or specialise gabion::wire_name for it");
  return wire_named<T>;
}

/// The stable name of T.
template <class T>
[[nodiscard]] consteval std::string_view wire_name_of() {
  static_assert(explain_wire_named<T>());
  if constexpr (wire_named<T>) {
    static_assert(!std::string_view{wire_name<T>::value}.empty(), "wire_name: the name is empty");
    return wire_name<T>::value;
  } else {
    return {};
  }
}

}  // namespace v0
}  // namespace gabion
