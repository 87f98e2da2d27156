// SPDX-License-Identifier: MIT
// Every scenario once more, with every access of the real code to plain memory checked: two threads
// that touch the same byte, one of them writing, must be ordered by what the policy synchronises
// with. This file is compiled with -fsanitize=thread, for the calls that the compiler then puts
// before each access; what they call is access_hooks.cpp.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>

#include "explore/access_hooks.hpp"
#include "explore/all_scenarios.hpp"

namespace {

using gabion::testing::detail::backstage;
using gabion::testing::detail::scheduler;
using gabion::testing::detail::vector_clock;

/// Who touched which byte last, in this execution.
class shadow {
 public:
  void access(scheduler& s, std::uintptr_t at, std::size_t size, bool writes) {
    for (; size != 0; ++at, --size) {
      byte& b = block_of(at / 8, scheduler::execution()).bytes[at % 8];
      const vector_clock& now = s.clock();
      (writes ? b.writes : b.reads).set(s.thread(), now[s.thread()]);
      if (!now.covers(b.writes) || (writes && !now.covers(b.reads)))
        s.complain(writes ? "data race: a thread writes memory that another one uses"
                          : "data race: a thread reads memory that another one writes");
      ++accesses_;
    }
  }
  void forget(std::uintptr_t at, std::size_t size) {
    for (; size != 0; ++at, --size) block_of(at / 8, scheduler::execution()).bytes[at % 8] = {};
  }
  [[nodiscard]] std::uint64_t accesses() const noexcept { return accesses_; }

 private:
  struct byte {
    vector_clock reads{};
    vector_clock writes{};
  };
  struct block {
    std::uintptr_t number = 0;
    std::uint64_t execution = 0;
    std::array<byte, 8> bytes{};
  };
  static constexpr std::size_t blocks = std::size_t{1} << 14;

  block& block_of(std::uintptr_t number, std::uint64_t execution) {
    for (std::size_t i = number * 0x9e3779b97f4a7c15U >> 50;; i = (i + 1) % blocks) {
      block& b = (*table_)[i];
      if (b.execution == execution && b.number == number) return b;
      if (b.execution == execution) continue;
      b = {number, execution, {}};
      return b;
    }
  }

  std::unique_ptr<std::array<block, blocks>> table_ = std::make_unique<std::array<block, blocks>>();
  std::uint64_t accesses_ = 0;
};

shadow* memory = nullptr;

/// What each real thread has for itself is one for all fibers.
bool is_thread_local(std::uintptr_t where) {
  constexpr std::uintptr_t reach = 4'096;
  return where - (reinterpret_cast<std::uintptr_t>(&backstage::on) - reach) < 2 * reach;
}

int explore() {
  int failed = 0;
  std::size_t executions = 0;
  explored::for_each_scenario([&](const explored::scenario& s) {
    const auto found = explored::explorer{{.max_executions = 1'000}}.run(s.run);
    executions += found.executions;
    if (found) return;
    ++failed;
    std::printf("caught: %s: %s\n", s.name.data(), found.summary().c_str());
  });
  std::printf("%zu executions, %llu bytes of plain memory looked at\n", executions,
              static_cast<unsigned long long>(memory->accesses()));
  return memory->accesses() < 1'000'000 || failed != 0 ? 1 : 0;
}

}  // namespace

int main() {
  shadow mine;
  memory = &mine;
  explored::on_access = [](std::uintptr_t where, std::size_t size, bool writes) {
    if (is_thread_local(where)) return;
    if (scheduler* const s = scheduler::active(); s != nullptr && !backstage::on)
      memory->access(*s, where, size, writes);
  };
  explored::on_reuse = [](std::uintptr_t where, std::size_t size) {
    if (scheduler::active() != nullptr) memory->forget(where, size);
  };
  const int result = explore();
  explored::on_access = nullptr;
  explored::on_reuse = nullptr;
  return result;
}
