// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <string>

#include <httplib.h>

#include "http/problem.hpp"

namespace shop {

/// What to answer for something that a handler threw. `conditional`: the request named the version
/// it expects (If-Match).
[[nodiscard]] problem problem_of(const std::exception_ptr& thrown, bool conditional);

/// What to answer where httplib itself refused the request, for example because its body is too
/// long.
[[nodiscard]] problem problem_of_status(int status);

void answer(httplib::Response& response, const problem& p, const std::string& instance);

}  // namespace shop
