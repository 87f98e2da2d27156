// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <gabion/core/codec.hpp>
#include <gabion/core/detail/exceptions.hpp>
#include <gabion/cqrs/validation.hpp>

// The little world of these tests: commands, events and a codec that needs no JSON.
struct place_order {
  static constexpr std::string_view wire_name = "order.place";
  std::string id{};
  int quantity = 1;

  [[nodiscard]] std::optional<gabion::violation> validate() const {
    if (id.empty()) return gabion::violation{"id", "must not be empty"};
    if (quantity < 1 || quantity > 100) return gabion::violation{"quantity", "must be 1 to 100"};
    return std::nullopt;
  }
};

struct cancel_order {
  static constexpr std::string_view wire_name = "order.cancel";
  std::string id{};
};

struct ship_order {
  std::string id{};
};

/// place_order as "id/quantity", cancel_order as "id", int as digits, text as it is.
struct text_codec {
  [[nodiscard]] static std::string_view content_type() { return "text/plain"; }
  [[nodiscard]] static std::string encode(const place_order& c) {
    return c.id + "/" + std::to_string(c.quantity);
  }
  [[nodiscard]] static std::string encode(const cancel_order& c) { return c.id; }
  [[nodiscard]] static std::string encode(int number) { return std::to_string(number); }
  [[nodiscard]] static std::string encode(const std::string& text) { return text; }

  template <class T>
  [[nodiscard]] T decode(std::string_view bytes) const {
    if constexpr (std::is_same_v<T, int>) {
      return std::stoi(std::string{bytes});
    } else if constexpr (std::is_same_v<T, std::string>) {
      return std::string{bytes};
    } else if constexpr (std::is_same_v<T, cancel_order>) {
      return {std::string{bytes}};
    } else {
      const std::size_t slash = bytes.find('/');
      if (slash == std::string_view::npos)
        gabion::detail::fail(gabion::errc::corrupt, "place_order: no '/' in the bytes");
      return {std::string{bytes.substr(0, slash)}, std::stoi(std::string{bytes.substr(slash + 1)})};
    }
  }
};

/// The smallest expected-like type.
template <class Value>
struct outcome_of {
  struct unexpected_type {
    std::error_code code{};
  };
  using error_type = std::error_code;

  explicit outcome_of(Value v) : value_(std::move(v)) {}
  explicit outcome_of(unexpected_type e) : code_(e.code) {}
  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  [[nodiscard]] std::error_code error() const noexcept { return code_; }
  [[nodiscard]] const Value& value() const { return *value_; }

 private:
  std::optional<Value> value_{};
  std::error_code code_{};
};
