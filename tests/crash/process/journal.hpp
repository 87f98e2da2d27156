// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace gabion_test::crash {

/// A command: one event of one account and one message with the same id.
struct command {
  std::uint64_t number = 0;
  [[nodiscard]] std::string id() const { return "m" + std::to_string(number); }
  [[nodiscard]] std::string account() const { return "account-" + std::to_string(number * 7 % 3); }
  [[nodiscard]] std::int64_t amount() const { return static_cast<std::int64_t>(number * 37 % 101); }
};

/// What the journal says: which commands were begun, and which of them were acknowledged.
struct journal_content {
  std::vector<std::uint64_t> begun{};
  std::set<std::uint64_t> acknowledged{};
  bool ready = false;  ///< the tables are there
};

[[nodiscard]] inline journal_content read_journal(const std::string& path) {
  journal_content all;
  std::ifstream in{path};
  for (std::string line; std::getline(in, line);) {
    std::istringstream words{line};
    std::string what;
    std::uint64_t number = 0;
    words >> what >> number;
    if (what == "ready")
      all.ready = true;
    else if (what == "intent")
      all.begun.push_back(number);
    else if (what == "ok")
      all.acknowledged.insert(number);
    else
      throw std::runtime_error{"not a line of the journal: " + line};
  }
  return all;
}

/// A file that tells what a killed process had begun and what it had been told. Each line is one
/// write.
class journal {
 public:
  explicit journal(const std::string& path)
      : file_{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600)} {
    if (file_ < 0) throw std::runtime_error{"cannot open " + path};
  }
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;
  ~journal() { ::close(file_); }

  void ready() { write("ready"); }
  void intent(const command& c) { write("intent " + std::to_string(c.number)); }
  void outcome(const command& c) { write("ok " + std::to_string(c.number)); }

 private:
  void write(std::string line) {
    line += '\n';
    if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw std::runtime_error{"cannot write the journal"};
  }

  int file_;
};

}  // namespace gabion_test::crash
