// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace linux_adapter::detail {

/// A file of the kernel's, read from its beginning each time. The buffer stays: a sample allocates
/// nothing.
class kernel_file {
 public:
  /// At most `limit` bytes of it are read, in whole lines; the rest is as if it were not there.
  explicit kernel_file(std::string path, std::size_t limit = 64 * 1024)
      : path_{std::move(path)}, buffer_(limit) {}

  /// The text as it is now; nothing if it cannot be read. Valid until the next reading.
  [[nodiscard]] std::optional<std::string_view> read() noexcept {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    std::size_t size = 0;
    ::ssize_t got = 1;
    while (got > 0 && size < buffer_.size()) {
      got = ::read(file, buffer_.data() + size, buffer_.size() - size);
      if (got > 0) size += static_cast<std::size_t>(got);
    }
    ::close(file);
    if (got < 0) return std::nullopt;
    const std::string_view text{buffer_.data(), size};
    // Half a line could read as a smaller number.
    return size < buffer_.size() ? text : text.substr(0, text.rfind('\n') + 1);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  std::vector<char> buffer_;
};

}  // namespace linux_adapter::detail
}  // namespace v0
}  // namespace gabion
