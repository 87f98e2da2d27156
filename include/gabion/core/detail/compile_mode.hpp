// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

// A function that is inline has one definition in a program. Compiled with and without exceptions,
// gabion's functions differ, and the linker would keep one of the two for all callers. This makes
// it refuse the mix. Each mode has an inline variable of its own, which the linker merges, and a
// strong alias of it, which goes with the variable. Both aliases have one name, so the two modes
// together define it twice.
#if defined(_MSC_VER)
#ifdef __cpp_exceptions
#pragma detect_mismatch("gabion: translation units with and without exceptions", "with")
#else
#pragma detect_mismatch("gabion: translation units with and without exceptions", "without")
#endif
#elif defined(__ELF__)
namespace gabion {
inline namespace v0 {
namespace detail {

#ifdef __cpp_exceptions
[[gnu::used]] inline char mode_with_exceptions __asm__("gabion_v0_mode_with_exceptions") = 0;
[[gnu::alias("gabion_v0_mode_with_exceptions")]] extern char one_compile_mode __asm__(
    "gabion_v0_translation_units_with_and_without_exceptions_cannot_be_mixed");
#else
[[gnu::used]] inline char mode_without_exceptions __asm__("gabion_v0_mode_without_exceptions") = 0;
[[gnu::alias("gabion_v0_mode_without_exceptions")]] extern char one_compile_mode __asm__(
    "gabion_v0_translation_units_with_and_without_exceptions_cannot_be_mixed");
#endif

}  // namespace detail
}  // namespace v0
}  // namespace gabion
#endif
