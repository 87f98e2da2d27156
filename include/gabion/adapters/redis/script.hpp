// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <gabion/adapters/redis/detail/sha1.hpp>

namespace gabion {
inline namespace v0 {
namespace redis {

/// A Lua script and the digest by which a server that has seen it knows it. The text must outlive
/// it.
class script {
 public:
  explicit script(std::string_view text) : text_{text}, digest_{detail::sha1(text)} {}
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] const std::string& digest() const noexcept { return digest_; }

 private:
  std::string_view text_;
  std::string digest_;
};

}  // namespace redis
}  // namespace v0
}  // namespace gabion
