// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

// Makes the linker refuse a program that is compiled partly with and partly without exceptions:
// gabion's inline functions differ between the modes, and it would keep one of the two for all
// callers. Each mode has its own inline variable, which the linker merges, and a strong alias of
// it. Both aliases have the same name, so the two modes together define it twice.
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
// NOLINTNEXTLINE(misc-definitions-in-headers): the second definition is the point
[[gnu::alias("gabion_v0_mode_with_exceptions")]] extern char one_compile_mode __asm__(
    "gabion_v0_translation_units_with_and_without_exceptions_cannot_be_mixed");
#else
[[gnu::used]] inline char mode_without_exceptions __asm__("gabion_v0_mode_without_exceptions") = 0;
// NOLINTNEXTLINE(misc-definitions-in-headers): the second definition is the point
[[gnu::alias("gabion_v0_mode_without_exceptions")]] extern char one_compile_mode __asm__(
    "gabion_v0_translation_units_with_and_without_exceptions_cannot_be_mixed");
#endif

}  // namespace detail
}  // namespace v0
}  // namespace gabion
#endif
