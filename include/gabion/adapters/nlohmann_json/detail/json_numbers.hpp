// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <gabion/core/error.hpp>

// nlohmann_json converts any number, and any boolean, to any integer with a static_cast. Its
// conversions of integers cannot be replaced: a specialisation of adl_serializer<int> would affect
// other parts of the program, and would break the one-definition rule with those that do not
// include it. So the decoded value is encoded again, and each number must be unchanged.
namespace gabion {
inline namespace v0 {
namespace detail {

using json_tree = ::nlohmann::json;
using json_pointer = ::nlohmann::json::json_pointer;

/// A place in a tree, as a list from the value up to the root. Converted to a JSON pointer only
/// when it is needed.
struct json_place {
  const json_place* parent = nullptr;
  const std::string* name = nullptr;
  std::size_t index = 0;

  [[nodiscard]] json_pointer pointer() const {
    if (parent == nullptr) return json_pointer{};
    return name != nullptr ? parent->pointer() / *name : parent->pointer() / index;
  }
};

/// Calls `visit(place, value)` for each scalar until it returns true.
template <class Visit>
bool any_scalar(const json_tree& value, const json_place& place, Visit& visit) {
  if (!value.is_structured()) return visit(place, value);
  std::size_t index = 0;
  for (auto element = value.begin(); element != value.end(); ++element) {
    const json_place inner = value.is_object()
                                 ? json_place{.parent = &place, .name = &element.key()}
                                 : json_place{.parent = &place, .index = index++};
    if (detail::any_scalar(*element, inner, visit)) return true;
  }
  return false;
}

/// Calls `visit(place, given, kept)` for each scalar that is in both trees, until it returns true.
template <class Visit>
bool any_common_scalar(const json_tree& given, const json_tree& kept, const json_place& place,
                       Visit& visit) {
  if (kept.is_object() && given.is_object()) {
    // Both are sorted by name.
    const auto& all = given.get_ref<const json_tree::object_t&>();
    auto same = all.begin();
    for (const auto& [name, value] : kept.get_ref<const json_tree::object_t&>()) {
      while (same != all.end() && same->first < name) ++same;
      if (same == all.end()) return false;
      if (same->first == name &&
          detail::any_common_scalar(same->second, value, {.parent = &place, .name = &name}, visit))
        return true;
    }
  } else if (kept.is_array() && given.is_array()) {
    for (std::size_t i = 0; i < kept.size() && i < given.size(); ++i)
      if (detail::any_common_scalar(given[i], kept[i], {.parent = &place, .index = i}, visit))
        return true;
  } else if (!kept.is_structured() && !given.is_structured()) {
    return visit(place, given, kept);
  }
  return false;
}

/// Returns whether every integer type can hold the value, so that no conversion can change it.
[[nodiscard]] inline bool fits_any_integer(const json_tree& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= 127;
  return !value.is_number() && !value.is_boolean();
}

/// Returns the 64 bits of an integer, in two's complement if it is negative.
[[nodiscard]] inline std::uint64_t bits_of(const json_tree& integer) {
  return integer.is_number_unsigned() ? integer.get<std::uint64_t>()
                                      : static_cast<std::uint64_t>(integer.get<std::int64_t>());
}

[[nodiscard]] inline bool is_negative(const json_tree& integer) {
  return !integer.is_number_unsigned() && integer.get<std::int64_t>() < 0;
}

/// Returns whether a conversion to 8, 16, 32 or 64 bits turns the integer `given` into a different
/// one, `kept`. Needed because nlohmann_json compares -1 and 2^64 - 1 as equal.
[[nodiscard]] inline bool is_wrapped(const json_tree& given, const json_tree& kept) {
  const std::uint64_t from = detail::bits_of(given);
  const std::uint64_t to = detail::bits_of(kept);
  if (from == to) return detail::is_negative(given) != detail::is_negative(kept);
  for (unsigned width = 8; width < 64; width *= 2) {
    const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
    const std::uint64_t low = from & mask;
    const bool negative = (low >> (width - 1)) != 0;
    if (to == low || (negative && to == (low | ~mask))) return true;
  }
  return false;
}

/// Returns whether `kept` may be the result of a lossy conversion of the number or boolean `given`.
[[nodiscard]] inline bool looks_cut(const json_tree& given, const json_tree& kept) {
  if (kept.is_number_float())
    return given.is_number() && !std::isfinite(kept.get<double>()) &&
           std::fabs(given.get<double>()) >
               static_cast<double>((std::numeric_limits<float>::max)());
  if (!kept.is_number_integer()) return false;
  if (given.is_boolean()) return kept == json_tree(given.get<bool>() ? 1 : 0);
  if (given.is_number_integer()) return detail::is_wrapped(given, kept);
  if (!given.is_number_float()) return false;
  const double number = given.get<double>();
  const double left = kept.get<double>();
  if (number == left) return false;
  // Beyond 31 bits the result of the conversion depends on the machine.
  return std::fabs(number) >= 2147483648.0 || std::trunc(number) == left;
}

/// Finds the number that changed when `given` was decoded as T and encoded again as `kept`.
///
/// A from_json may read other forms of a value, or sort and drop elements, so a difference alone
/// proves nothing. Each candidate is tested: if the number was truncated, decoding the truncated
/// number gives the same value, and decoding a neighbour of it gives that neighbour.
///
/// Complexity: at most 32 tests, one decoding each.
template <class T>
class number_audit {
 public:
  number_audit(const json_tree& given, const json_tree& kept) : given_{given}, kept_{kept} {}

  [[nodiscard]] std::optional<json_pointer> first_lost() {
    std::optional<json_pointer> found;
    auto visit = [&](const json_place& place, const json_tree& given, const json_tree& kept) {
      if (!detail::looks_cut(given, kept)) return false;
      json_pointer at = place.pointer();
      if (!is_lost(at, kept)) return false;
      found = std::move(at);
      return true;
    };
    (void)detail::any_common_scalar(given_, kept_, {}, visit);
    return found;
  }

 private:
  [[nodiscard]] bool is_lost(const json_pointer& at, const json_tree& kept) {
    if (!arrives(at, kept)) return false;
    if (kept.is_number_float()) return arrives(at, 0.0);
    if (kept.is_number_unsigned()) {
      const auto number = kept.get<std::uint64_t>();
      return arrives(at, number == 0 ? 1 : number - 1) || arrives(at, number + 1);
    }
    const auto number = kept.get<std::int64_t>();
    if (arrives(at, number < 0 ? number + 1 : number - 1)) return true;
    return number >= 0 && number != (std::numeric_limits<std::int64_t>::max)() &&
           arrives(at, number + 1);
  }

  /// Returns whether `number` at that place survives decoding and encoding, and changes nothing
  /// else.
  [[nodiscard]] bool arrives(const json_pointer& at, const json_tree& number) {
    if (tests_left_ == 0) return false;
    --tests_left_;
    json_tree changed = given_;
    changed.at(at) = number;
    json_tree expected = kept_;
    expected.at(at) = number;
    try {
      return json_tree(changed.template get<T>()) == expected;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      return false;
    }
  }

  const json_tree& given_;
  const json_tree& kept_;
  int tests_left_ = 32;
};

/// Throws error(corrupt) that names the field if a number of `given` did not fit its field of
/// `value`. Does nothing for a value that cannot be encoded.
template <class T>
void check_numbers(const json_tree& given, const T& value, const std::string& name) {
  auto doubtful = [](const json_place&, const json_tree& scalar) {
    return !detail::fits_any_integer(scalar);
  };
  if (!detail::any_scalar(given, {}, doubtful)) return;
  json_tree kept;
  try {
    kept = value;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return;
  }
  const std::optional<json_pointer> lost = number_audit<T>{given, kept}.first_lost();
  if (lost)
    throw error{errc::corrupt, name + ": " + (lost->empty() ? "the number" : lost->to_string()) +
                                   " is " + given.at(*lost).dump() +
                                   ", which its type cannot hold"};
}

/// Returns the field whose type is wrong, as "/lines/0/sku: ", if there is exactly one; otherwise
/// an empty string. Tries values of other types in each place; the larger `size`, the length of the
/// text, the fewer.
template <class T>
[[nodiscard]] std::string misfit_of(const json_tree& given, std::size_t size) {
  const json_tree others[] = {0, "", false, json_tree::array(), json_tree::object()};
  constexpr std::size_t effort = 1U << 20U;
  std::size_t tries_left = size == 0 ? 0 : (std::min)(effort / size, std::size_t{256});
  json_tree changed = given;
  std::string found;
  auto visit = [&](const json_place& place, const json_tree& scalar) {
    const json_pointer at = place.pointer();
    for (const json_tree& other : others) {
      if (tries_left == 0) return true;
      if (other.type() == scalar.type()) continue;
      --tries_left;
      changed.at(at) = other;
      try {
        (void)changed.template get<T>();
        found = (at.empty() ? "the value" : at.to_string()) + ": ";
        return true;
      } catch (const std::bad_alloc&) {
        throw;
      } catch (const std::exception&) {
        // another field is wrong, or another type is needed
      }
    }
    changed.at(at) = scalar;
    return false;
  };
  (void)detail::any_scalar(given, {}, visit);
  return found;
}

}  // namespace detail
}  // namespace v0
}  // namespace gabion
