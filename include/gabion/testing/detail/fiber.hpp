// SPDX-License-Identifier: MIT
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

inline constexpr std::size_t fiber_stack_size = std::size_t{128} * 1024;

/// A stack of its own and a place in a function, by the standard calls. Each change makes a system
/// call, for the signal mask.
class context_fiber {
 public:
  using entry = void (*)();

  /// The next change to this fiber calls `start`, which must never return.
  void prepare(entry start) {
    if (!stack_) stack_ = std::make_unique_for_overwrite<std::byte[]>(fiber_stack_size);
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.get();
    context_.uc_stack.ss_size = fiber_stack_size;
    context_.uc_link = nullptr;
    makecontext(&context_, start, 0);
  }

  static void change(context_fiber& from, context_fiber& to) noexcept {
    swapcontext(&from.context_, &to.context_);
  }

 private:
  std::unique_ptr<std::byte[]> stack_{};
  ucontext_t context_{};
};

/// The same by a few instructions: what a function may rely on across a call is kept by the
/// compiler, the rest on the stack.
class register_fiber {
 public:
  using entry = void (*)();
  // What `prepare` puts onto the stack; what is left of it when `start` begins is aligned as the
  // ABI wants it.
#if defined(__aarch64__)
  static constexpr std::ptrdiff_t words = 4;
#else
  static constexpr std::ptrdiff_t words = 3;
#endif

  void prepare(entry start) {
    if (!stack_) stack_ = std::make_unique_for_overwrite<std::byte[]>(fiber_stack_size);
    const auto end =
        reinterpret_cast<std::uintptr_t>(stack_.get() + fiber_stack_size) & ~std::uintptr_t{63};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a stack is aligned
    auto* const frame = reinterpret_cast<std::uintptr_t*>(end) - words;
    frame[0] = 0;  // frame pointer: the outermost
    frame[1] = reinterpret_cast<std::uintptr_t>(start);
    frame[2] = 0;  // return address: there is none
    top_ = frame;
  }

  [[gnu::noinline]] static void change(register_fiber& from, register_fiber& to) noexcept {
    [[maybe_unused]] void** save = &from.top_;
    [[maybe_unused]] void* load = to.top_;
#if defined(__x86_64__)
    asm volatile(
        "leaq -128(%%rsp), %%rsp\n\t"  // below what a leaf function may keep there
        "leaq 1f(%%rip), %%rax\n\t"
        "pushq %%rax\n\t"
        "pushq %%rbp\n\t"
        "movq %%rsp, (%0)\n\t"
        "movq %1, %%rsp\n\t"
        "popq %%rbp\n\t"
        "ret\n"
        "1:\n\t"
        "leaq 128(%%rsp), %%rsp\n\t"
        : "+D"(save), "+S"(load)
        :
        : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
          "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
          "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
#elif defined(__aarch64__)
    asm volatile(
        "adr x9, 1f\n\t"
        "stp x29, x9, [sp, #-16]!\n\t"
        "mov x9, sp\n\t"
        "str x9, [%0]\n\t"
        "mov sp, %1\n\t"
        "ldp x29, x9, [sp], #16\n\t"
        "br x9\n"
        "1:\n\t"
        : "+r"(save), "+r"(load)
        :
        : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
          "x16", "x17", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30",
          "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
          "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
          "v27", "v28", "v29", "v30", "v31", "cc", "memory");
#endif
  }

 private:
  std::unique_ptr<std::byte[]> stack_{};
  void* top_ = nullptr;
};

// The address sanitizer knows the standard calls and follows them.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool fibers_by_register = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool fibers_by_register = false;
#elif defined(__x86_64__) || defined(__aarch64__)
inline constexpr bool fibers_by_register = true;
#else
inline constexpr bool fibers_by_register = false;
#endif
#elif defined(__x86_64__) || defined(__aarch64__)
inline constexpr bool fibers_by_register = true;
#else
inline constexpr bool fibers_by_register = false;
#endif

using fiber = std::conditional_t<fibers_by_register, register_fiber, context_fiber>;

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
