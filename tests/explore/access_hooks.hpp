// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace explored {

/// Called before each access to memory that instrumented code makes. Not called again while it
/// runs.
using access_hook = void (*)(std::uintptr_t where, std::size_t size, bool writes);
/// Called for memory that has just been allocated: what was there before is no concern of its new
/// owner.
using reuse_hook = void (*)(std::uintptr_t where, std::size_t size);

extern access_hook on_access;
extern reuse_hook on_reuse;

}  // namespace explored
