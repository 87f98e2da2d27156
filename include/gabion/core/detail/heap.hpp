// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>

#include <gabion/version.hpp>

// Binary heaps and heap sort over anything with size() and operator[]. `before(a, b)` is a strict
// order; the front of a heap is an element that no other one comes before.
namespace gabion {
inline namespace v0 {
namespace detail {

/// Moves the last element to its place. All elements before it must be a heap.
template <class Items, class Before>
constexpr void sift_up(Items& items, const Before& before) {
  for (std::size_t at = items.size() - 1; at != 0;) {
    const std::size_t parent = (at - 1) / 2;
    if (!before(items[at], items[parent])) return;
    std::swap(items[at], items[parent]);
    at = parent;
  }
}

/// Moves the element at `at` to its place among the first `size`. Everything below it must be a
/// heap.
template <class Items, class Before>
constexpr void sift_down(Items& items, std::size_t at, std::size_t size, const Before& before) {
  for (;;) {
    std::size_t next = 2 * at + 1;
    if (next >= size) return;
    if (next + 1 < size && before(items[next + 1], items[next])) ++next;
    if (!before(items[next], items[at])) return;
    std::swap(items[at], items[next]);
    at = next;
  }
}

/// Makes a heap of the elements.
template <class Items, class Before>
constexpr void heapify(Items& items, const Before& before) {
  for (std::size_t at = items.size() / 2; at-- != 0;)
    detail::sift_down(items, at, items.size(), before);
}

/// Sorts in place, not stable.
///
/// Complexity: O(n log n), also in the worst case.
template <class Items, class Before>
constexpr void heap_sort(Items& items, const Before& before) {
  const auto after = [&before](const auto& a, const auto& b) { return before(b, a); };
  detail::heapify(items, after);
  for (std::size_t size = items.size(); size > 1;) {
    --size;
    std::swap(items[0], items[size]);
    detail::sift_down(items, 0, size, after);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
