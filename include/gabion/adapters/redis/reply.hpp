// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <hiredis/hiredis.h>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace redis {

/// One value of an answer; valid while the answer lives. What it is not reads as empty, zero or no
/// elements.
class reply_view {
 public:
  explicit reply_view(const redisReply* reply) noexcept : reply_{reply} {}

  [[nodiscard]] bool is_nil() const noexcept {
    return reply_ == nullptr || reply_->type == REDIS_REPLY_NIL;
  }
  [[nodiscard]] bool is_error() const noexcept {
    return reply_ != nullptr && reply_->type == REDIS_REPLY_ERROR;
  }
  [[nodiscard]] bool is_integer() const noexcept {
    return reply_ != nullptr && reply_->type == REDIS_REPLY_INTEGER;
  }
  [[nodiscard]] bool is_list() const noexcept {
    return reply_ != nullptr && reply_->type == REDIS_REPLY_ARRAY;
  }

  [[nodiscard]] std::string_view text() const noexcept {
    return reply_ == nullptr || reply_->str == nullptr ? std::string_view{}
                                                       : std::string_view{reply_->str, reply_->len};
  }
  [[nodiscard]] std::int64_t integer() const noexcept { return is_integer() ? reply_->integer : 0; }
  [[nodiscard]] std::size_t size() const noexcept { return is_list() ? reply_->elements : 0; }
  [[nodiscard]] reply_view operator[](std::size_t i) const noexcept {
    return reply_view{i < size() ? reply_->element[i] : nullptr};
  }

 private:
  const redisReply* reply_;
};

/// An answer, or why there is none. True if it is an answer that is no error.
class [[nodiscard("it may be an error")]] result {
 public:
  explicit result(redisReply* owned) noexcept : reply_{owned} {}
  result(std::error_code error, std::string what) : error_{error}, what_{std::move(what)} {}

  [[nodiscard]] explicit operator bool() const noexcept { return !error_; }
  [[nodiscard]] const std::error_code& error() const noexcept { return error_; }
  /// The error in words: the server's or the client library's own.
  [[nodiscard]] const std::string& what() const noexcept { return what_; }
  [[nodiscard]] reply_view value() const noexcept { return reply_view{reply_.get()}; }

 private:
  struct release {
    void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
  };

  std::unique_ptr<redisReply, release> reply_{};
  std::error_code error_{};
  std::string what_{};
};

}  // namespace redis
}  // namespace v0
}  // namespace gabion
