// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace detail {

/// The parameters of a callable that has exactly one, non-template, signature.
template <class... Parameters>
struct parameter_list {
  static constexpr std::size_t size = sizeof...(Parameters);
};

template <class Parameters>
struct first_of {
  using type = void;
};
template <class First, class... Rest>
struct first_of<parameter_list<First, Rest...>> {
  using type = First;
};

/// The parameters, and whether the call leaves the callable itself unchanged.
template <bool Const, class... Parameters>
struct signature_parts {
  using parameters = parameter_list<Parameters...>;
  static constexpr bool is_const = Const;
};

template <class Result, class... Parameters>
signature_parts<true, Parameters...> parts_of(Result (*)(Parameters...));
template <class Result, class Class, class... Parameters>
signature_parts<false, Parameters...> parts_of(Result (Class::*)(Parameters...));
template <class Result, class Class, class... Parameters>
signature_parts<true, Parameters...> parts_of(Result (Class::*)(Parameters...) const);

template <class Function>
concept plain_function =
    std::is_pointer_v<Function> && std::is_function_v<std::remove_pointer_t<Function>>;

template <class Function>
concept plain_functor = requires { &Function::operator(); };

/// Has one signature that can be looked at: a function, or an object whose operator() is neither
/// overloaded nor a template.
template <class Function>
concept has_signature = plain_function<Function> || plain_functor<Function>;

template <class Function>
struct signature {};
template <plain_functor Function>
struct signature<Function> : decltype(detail::parts_of(&Function::operator())){};
template <plain_function Function>
struct signature<Function> : decltype(detail::parts_of(static_cast<Function>(nullptr))){};

/// The declared type of the first parameter, with its const and reference; void if there is none.
template <has_signature Function>
using first_parameter = typename first_of<typename signature<Function>::parameters>::type;

template <class Parameter>
inline constexpr bool is_mutable_reference =
    std::is_reference_v<Parameter> && !std::is_const_v<std::remove_reference_t<Parameter>>;

template <class... Parameters>
consteval bool takes_only_const(parameter_list<Parameters...>*) {
  return !(is_mutable_reference<Parameters> || ...);
}

/// Whether a callable changes nothing, as far as its signature shows. One that is overloaded or
/// generic is not looked at.
template <class Function>
consteval bool only_reads() {
  if constexpr (has_signature<Function>) {
    using parameters = typename signature<Function>::parameters;
    return signature<Function>::is_const &&
           detail::takes_only_const(static_cast<parameters*>(nullptr));
  } else {
    return true;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
