// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <gabion/adapters/nlohmann_json/detail/json_numbers.hpp>
#include <gabion/adapters/nlohmann_json/detail/json_shape.hpp>
#include <gabion/core/codec.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/error.hpp>
#include <gabion/core/wire_name.hpp>

namespace gabion {
inline namespace v0 {

/// What a JSON codec accepts. Later members are only ever added at the end.
struct json_codec_options {
  std::size_t max_depth = 64;  ///< nested arrays and objects; 1 to 1024; default 64
  /// Length of one document in bytes; 1 and up; default 16 MiB
  std::size_t max_bytes = 16U << 20U;
  /// Whether decode() refuses a number that does not fit its field; default true. The check takes
  /// about as long as decoding. Without it nlohmann_json truncates the number.
  bool check_numbers = true;
  friend bool operator==(const json_codec_options&, const json_codec_options&) = default;
};

/// Throws error(invalid_argument) that names the member and its range, or does nothing.
inline void validate(const json_codec_options& options) {
  detail::check_range("json_codec_options.max_depth", options.max_depth, 1, 1024);
  detail::check_positive("json_codec_options.max_bytes", options.max_bytes);
}

namespace detail {

/// Refuses what would not come back: numbers that JSON has no form for, and nesting that decode()
/// would refuse.
template <class Json>
void check_json(const Json& value, std::size_t depth_left, const std::string& name) {
  if (value.is_number_float() && !std::isfinite(value.template get<double>()))
    throw error{errc::invalid_argument,
                name + ": a number is infinite or not a number; JSON can't carry it"};
  if (!value.is_structured()) return;
  if (depth_left == 0)
    throw error{errc::invalid_argument, name + ": arrays and objects nest deeper than max_depth"};
  for (const auto& element : value) detail::check_json(element, depth_left - 1, name);
}

/// Parses untrusted text within the limits. Throws error(too_large | corrupt) that begins with
/// `name`.
template <class Json>
[[nodiscard]] Json parse_json(std::string_view text, const json_codec_options& limits,
                              const std::string& name) {
  if (text.size() > limits.max_bytes)
    throw error{errc::too_large, name + ": " + std::to_string(text.size()) +
                                     " bytes; allowed: up to " + std::to_string(limits.max_bytes)};
  if (detail::shape_of_json(text, limits.max_depth).depth > limits.max_depth)
    throw error{errc::corrupt,
                name + ": arrays and objects nest deeper than " + std::to_string(limits.max_depth)};
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const typename Json::exception& e) {
    throw error{errc::corrupt, name + ": " + e.what()};
  }
}

/// The name of T in an error message.
template <class T>
[[nodiscard]] std::string json_name() {
  if constexpr (wire_named<T>)
    return "json_codec: " + std::string{wire_name_of<T>()};
  else
    return "json_codec";
}

}  // namespace detail

/// Values to JSON text and back, through the to_json and from_json that nlohmann_json finds for the
/// type. Satisfies codec_for<T> for each such T. A value; safe to use from several threads.
///
/// encode() throws error(invalid_argument) for text that is not UTF-8, for numbers that are not
/// finite and for nesting beyond max_depth, because decode() could not restore them.
///
/// decode() takes any bytes: it returns the value or throws error(corrupt | too_large) that says
/// where the text is wrong or which field is missing or of another type. A number that its integer
/// cannot hold (out of range, with a fraction, or a boolean) and one that its float cannot hold are
/// corrupt too. To find them decode() encodes the value again, unless all numbers are 0 to 127. A
/// type that has only from_json is not checked. A from_json that rounds, saturates or reads an
/// older form on purpose (a boolean as a number) needs json_codec_options::check_numbers = false.
class json_codec {
 public:
  json_codec() = default;
  /// Throws error(invalid_argument) if an option is out of its range.
  explicit json_codec(json_codec_options options) : options_{options} {
    gabion::validate(options_);
  }

  [[nodiscard]] static constexpr std::string_view content_type() noexcept {
    return "application/json";
  }
  [[nodiscard]] const json_codec_options& options() const noexcept { return options_; }

  template <class T>
  [[nodiscard]] std::string encode(const T& value) const
    requires requires(::nlohmann::json& j) { j = value; }
  {
    const std::string name = detail::json_name<T>();
    std::string text;
    try {
      const ::nlohmann::json tree = value;
      detail::check_json(tree, options_.max_depth, name);
      text = tree.dump();
    } catch (const ::nlohmann::json::exception& e) {
      throw error{errc::invalid_argument, name + ": " + e.what()};
    }
    if (text.size() > options_.max_bytes)
      throw error{errc::too_large, name + ": " + std::to_string(text.size()) +
                                       " bytes; allowed: up to " +
                                       std::to_string(options_.max_bytes)};
    return text;
  }

  template <class T>
  [[nodiscard]] T decode(std::string_view bytes) const
    requires requires(const ::nlohmann::json& j) { j.template get<T>(); }
  {
    const std::string name = detail::json_name<T>();
    const auto tree = detail::parse_json<::nlohmann::json>(bytes, options_, name);
    try {
      T value = tree.template get<T>();
      if constexpr (requires(::nlohmann::json& j) { j = value; })
        if (options_.check_numbers) detail::check_numbers<T>(tree, value, name);
      return value;
    } catch (const error&) {
      throw;  // a from_json that says it in gabion's own terms
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const ::nlohmann::json::type_error& e) {
      throw error{errc::corrupt, name + ": " + detail::misfit_of<T>(tree, bytes.size()) + e.what()};
    } catch (const std::exception& e) {
      throw error{errc::corrupt, name + ": " + e.what()};
    }
  }

 private:
  json_codec_options options_{};
};

}  // namespace v0
}  // namespace gabion
