// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/core/detail/heap.hpp>
#include <gabion/core/detail/order.hpp>
#include <gabion/core/random.hpp>

#include "support/catch.hpp"

namespace {

constexpr auto rising = [](const auto& a, const auto& b) { return a < b; };

consteval bool sorts_at_compile_time() {
  std::array<std::string_view, 5> names{"e", "b", "d", "a", "c"};
  gabion::detail::heap_sort(names, rising);
  return names == std::array<std::string_view, 5>{"a", "b", "c", "d", "e"};
}

}  // namespace

TEST_CASE("the smaller, the larger and the clamped value", "[core]") {
  using namespace gabion::detail;
  static_assert(min_of(1, 2) == 1 && min_of(2, 1) == 1 && max_of(1, 2) == 2 && max_of(2, 1) == 2);
  static_assert(clamped(0, 1, 3) == 1 && clamped(2, 1, 3) == 2 && clamped(4, 1, 3) == 3);
  static_assert(min_of(std::chrono::seconds{1}, std::chrono::seconds{2}).count() == 1);
  const std::array<int, 3> some{1, 2, 2};
  CHECK(find_value(some.begin(), some.end(), 2) == some.begin() + 1);
  CHECK(find_value(some.begin(), some.end(), 3) == some.end());
}

TEST_CASE("heap_sort sorts as std::sort does", "[core]") {
  static_assert(sorts_at_compile_time());
  gabion::xoshiro256 random{5};
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<std::uint64_t> some(size);
    for (auto& value : some) value = gabion::uniform(random, size);
    auto expected = some;
    std::sort(expected.begin(), expected.end());
    gabion::detail::heap_sort(some, rising);
    if (some != expected) FAIL("size " << size);
  }
}

TEST_CASE("a heap gives its elements in order while others are added", "[core]") {
  gabion::xoshiro256 random{7};
  std::vector<std::uint64_t> heap;
  std::vector<std::uint64_t> model;
  for (int step = 0; step < 2'000; ++step) {
    if (heap.empty() || gabion::uniform(random, 3) != 0) {
      heap.push_back(gabion::uniform(random, 100));
      model.push_back(heap.back());
      gabion::detail::sift_up(heap, rising);
      continue;
    }
    const auto lowest = std::min_element(model.begin(), model.end());
    if (heap.front() != *lowest) FAIL("step " << step);
    model.erase(lowest);
    std::swap(heap.front(), heap.back());
    heap.pop_back();
    gabion::detail::sift_down(heap, 0, heap.size(), rising);
  }
}
