// SPDX-License-Identifier: MIT
#pragma once

/// The single source of the version: CMake, pkg-config and the package files read it here.
#define GABION_VERSION_MAJOR 0
#define GABION_VERSION_MINOR 1
#define GABION_VERSION_PATCH 0

#if !(__cplusplus >= 202002L || (defined(_MSVC_LANG) && _MSVC_LANG >= 202002L))
// An include that cannot be found ends the compilation here, with one error instead of a thousand.
#include "gabion needs C++20: compile with -std=c++20 (MSVC: /std:c++20)"
#endif
