// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

namespace gabion::inline v0::detail {

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

template <class Result, class... Parameters>
parameter_list<Parameters...> parameters_of(Result (*)(Parameters...));
template <class Result, class Class, class... Parameters>
parameter_list<Parameters...> parameters_of(Result (Class::*)(Parameters...));
template <class Result, class Class, class... Parameters>
parameter_list<Parameters...> parameters_of(Result (Class::*)(Parameters...) const);

template <class Function>
concept plain_function = std::is_pointer_v<Function> && std::is_function_v<std::remove_pointer_t<Function>>;

template <class Function>
concept plain_functor = requires { &Function::operator(); };

/// Has one signature that can be looked at: a function, or an object whose operator() is neither overloaded nor a template.
template <class Function>
concept has_signature = plain_function<Function> || plain_functor<Function>;

template <class Function>
struct signature {};
template <plain_functor Function>
struct signature<Function> {
  using parameters = decltype(detail::parameters_of(&Function::operator()));
};
template <plain_function Function>
struct signature<Function> {
  using parameters = decltype(detail::parameters_of(static_cast<Function>(nullptr)));
};

/// The declared type of the first parameter, with its const and reference; void if there is none.
template <has_signature Function>
using first_parameter = typename first_of<typename signature<Function>::parameters>::type;

}  // namespace gabion::inline v0::detail
