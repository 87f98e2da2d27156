// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {

/// Where a stream must stand for an append to take effect. An empty stream has version 0, its first
/// event version 1.
///
/// Stores that count from 0 (KurrentDB, Marten's older forms) have for each event the version here
/// minus 1. A plain value.
class expected_version {
 public:
  enum class kind : std::uint8_t { any, no_stream, exists, exact };

  /// Wherever it stands.
  [[nodiscard]] static constexpr expected_version any() noexcept { return {kind::any, 0}; }
  /// It has no event.
  [[nodiscard]] static constexpr expected_version no_stream() noexcept {
    return {kind::no_stream, 0};
  }
  /// It has at least one event.
  [[nodiscard]] static constexpr expected_version exists() noexcept { return {kind::exists, 0}; }
  /// Its last event has this version; exact(0) means the same as no_stream().
  [[nodiscard]] static constexpr expected_version exact(std::uint64_t version) noexcept {
    return {kind::exact, version};
  }

  [[nodiscard]] constexpr kind which() const noexcept { return kind_; }
  /// The version of exact(); 0 for the others.
  [[nodiscard]] constexpr std::uint64_t version() const noexcept { return version_; }

  /// Whether a stream at that version is where it is expected to be.
  [[nodiscard]] constexpr bool admits(std::uint64_t actual) const noexcept {
    switch (kind_) {
      case kind::any: return true;
      case kind::no_stream: return actual == 0;
      case kind::exists: return actual != 0;
      case kind::exact: return actual == version_;
    }
    return false;
  }

  friend constexpr bool operator==(const expected_version&,
                                   const expected_version&) noexcept = default;

 private:
  constexpr expected_version(kind which, std::uint64_t version) noexcept
      : kind_{which}, version_{version} {}
  kind kind_;
  std::uint64_t version_;
};

/// For messages: "any version", "no stream", "an existing stream", "version 7".
[[nodiscard]] inline std::string to_string(expected_version v) {
  switch (v.which()) {
    case expected_version::kind::any: return "any version";
    case expected_version::kind::no_stream: return "no stream";
    case expected_version::kind::exists: return "an existing stream";
    case expected_version::kind::exact: break;
  }
  return "version " + std::to_string(v.version());
}

}  // namespace v0
}  // namespace gabion
