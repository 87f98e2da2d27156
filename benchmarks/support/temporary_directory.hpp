// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include <stdlib.h>

namespace bench {

/// A folder below TMPDIR that is removed with the object. Its disk decides what durable commits
/// cost.
class temporary_directory {
 public:
  temporary_directory()
      : path_{(std::filesystem::temp_directory_path() / "gabion-bench-XXXXXX").string()} {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"cannot make " + path_};
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file() const { return path_ + "/bench.db"; }

 private:
  std::string path_;
};

}  // namespace bench
