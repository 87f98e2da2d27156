// SPDX-License-Identifier: MIT
#pragma once

// Assertions without a try block each: compiles faster, and an unexpected exception is still
// reported.
#define CATCH_CONFIG_FAST_COMPILE

// Catch2 2.x, as Debian 12 has it, and 3.x differ in the header's name only, as far as these tests
// use them.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
