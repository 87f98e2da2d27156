// SPDX-License-Identifier: MIT
// What a compiler calls before each access to memory if it is told to instrument for the thread
// sanitizer; here it goes to the explorer instead of to the sanitizer's own runtime, which cannot
// follow fibers. This file itself is not instrumented.
#include "explore/access_hooks.hpp"

#include <cstdint>
#include <cstdlib>
#include <new>

namespace explored {

constinit access_hook on_access = nullptr;
constinit reuse_hook on_reuse = nullptr;

}  // namespace explored

namespace {

constinit bool busy = false;

void seen(const void* where, std::size_t size, bool writes) {
  if (busy || explored::on_access == nullptr) return;
  busy = true;
  explored::on_access(reinterpret_cast<std::uintptr_t>(where), size, writes);
  busy = false;
}

void* taken(std::size_t size) {
  void* const p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) std::abort();
  if (!busy && explored::on_reuse != nullptr) {
    busy = true;
    explored::on_reuse(reinterpret_cast<std::uintptr_t>(p), size);
    busy = false;
  }
  return p;
}

}  // namespace

void* operator new(std::size_t size) { return taken(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  void* const p = std::aligned_alloc(step, (size + step - 1) / step * step);
  if (p == nullptr) std::abort();
  if (!busy && explored::on_reuse != nullptr) {
    busy = true;
    explored::on_reuse(reinterpret_cast<std::uintptr_t>(p), size);
    busy = false;
  }
  return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t /*size*/) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t /*alignment*/) noexcept { std::free(p); }
void operator delete(void* p, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  std::free(p);
}

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void** where, void*) { seen(where, sizeof(void*), true); }
void __tsan_vptr_read(void** where) { seen(where, sizeof(void*), false); }
void __tsan_read_range(void* where, unsigned long size) { seen(where, size, false); }
void __tsan_write_range(void* where, unsigned long size) { seen(where, size, true); }

#define GABION_HOOK(size)                                                     \
  void __tsan_read##size(void* where) { seen(where, size, false); }           \
  void __tsan_write##size(void* where) { seen(where, size, true); }           \
  void __tsan_unaligned_read##size(void* where) { seen(where, size, false); } \
  void __tsan_unaligned_write##size(void* where) { seen(where, size, true); }
GABION_HOOK(1)
GABION_HOOK(2)
GABION_HOOK(4)
GABION_HOOK(8)
GABION_HOOK(16)
#undef GABION_HOOK

// Atomics that are not the explorer's, as those of std::stop_token: one real thread, so any way of
// doing it is right.
#define GABION_HOOK(bits, type)                                                                   \
  type __tsan_atomic##bits##_load(const volatile type* a, int) { return *a; }                     \
  void __tsan_atomic##bits##_store(volatile type* a, type v, int) { *a = v; }                     \
  type __tsan_atomic##bits##_exchange(volatile type* a, type v, int) {                            \
    return __atomic_exchange_n(a, v, __ATOMIC_SEQ_CST);                                           \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_add(volatile type* a, type v, int) {                           \
    return __atomic_fetch_add(a, v, __ATOMIC_SEQ_CST);                                            \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_sub(volatile type* a, type v, int) {                           \
    return __atomic_fetch_sub(a, v, __ATOMIC_SEQ_CST);                                            \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_or(volatile type* a, type v, int) {                            \
    return __atomic_fetch_or(a, v, __ATOMIC_SEQ_CST);                                             \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_and(volatile type* a, type v, int) {                           \
    return __atomic_fetch_and(a, v, __ATOMIC_SEQ_CST);                                            \
  }                                                                                               \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile type* a, type* c, type v, int,      \
                                                     int) {                                       \
    return __atomic_compare_exchange_n(a, c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
  }                                                                                               \
  type __tsan_atomic##bits##_compare_exchange_val(volatile type* a, type c, type v, int, int) {   \
    __atomic_compare_exchange_n(a, &c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);             \
    return c;                                                                                     \
  }                                                                                               \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile type* a, type* c, type v, int, int) { \
    return __atomic_compare_exchange_n(a, c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
  }
GABION_HOOK(8, std::uint8_t)
GABION_HOOK(16, std::uint16_t)
GABION_HOOK(32, std::uint32_t)
GABION_HOOK(64, std::uint64_t)
#undef GABION_HOOK
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}

}  // extern "C"
