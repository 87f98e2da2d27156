// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gabion/adapters/redis/connection.hpp>

namespace redis_tests {

/// A port of this machine that nobody uses now.
inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!bound) throw std::runtime_error{"no free port"};
  return ntohs(address.sin_port);
}

/// A Redis server of the test's own: on a free port of this machine and a socket in a folder of its
/// own, keeping nothing on disk. It ends with the object, and with the test's process whatever
/// becomes of it.
class redis_server {
 public:
  explicit redis_server(std::vector<std::string> more = {})
      : more_{std::move(more)}, port_{free_port()} {
    std::string pattern = (std::filesystem::temp_directory_path() / "gabion-redis-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
    folder_ = pattern;
    for (int tries = 1;; ++tries) {  // another program may take the port first
      try {
        start();
        return;
      } catch (const std::runtime_error&) {
        if (tries == 5) throw;
        port_ = free_port();
      }
    }
  }
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;
  ~redis_server() {
    stop();
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string socket() const { return folder_ + "/socket"; }

  /// Generous timeouts, for a machine that is busy; at once again after a failure.
  [[nodiscard]] gabion::redis::connection_options options() const {
    using namespace std::chrono_literals;
    return {.port = port_,
            .connect_timeout = 20s,
            .command_timeout = 20s,
            .reconnect = {.initial = 0s, .cap = 1s}};
  }

  /// Starts the server, and returns when it serves.
  void start() {
    int pipe[2];
    if (::pipe(pipe) != 0) throw std::runtime_error{"no pipe"};
    process_ = ::fork();
    if (process_ == 0) serve(pipe[1]);
    ::close(pipe[1]);
    std::string said;
    char text[512];
    for (ssize_t n = 0; said.find("eady to accept connections") == std::string::npos;) {
      n = ::read(pipe[0], text, sizeof text);
      if (n <= 0) break;
      said.append(text, static_cast<std::size_t>(n));
    }
    output_ = pipe[0];
    if (said.find("eady to accept connections") == std::string::npos) {
      stop();
      throw std::runtime_error{"redis-server does not start: " + said};
    }
  }

  /// Kills it as a power cut would.
  void stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    ::close(output_);
    process_ = -1;
  }

  /// It stands still: connections stay, answers do not come.
  void freeze() const { ::kill(process_, SIGSTOP); }
  void thaw() const { ::kill(process_, SIGCONT); }

 private:
  [[noreturn]] void serve(int out) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(out, STDOUT_FILENO);
    const std::string port = std::to_string(port_);
    const std::string unix_socket = socket();
    std::vector<const char*> words{"redis-server",
                                   "--port",
                                   port.c_str(),
                                   "--bind",
                                   "127.0.0.1",
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no",
                                   "--unixsocket",
                                   unix_socket.c_str(),
                                   "--dir",
                                   folder_.c_str(),
                                   "--loglevel",
                                   "notice"};
    for (const std::string& word : more_) words.push_back(word.c_str());
    words.push_back(nullptr);
    ::execvp(words[0], const_cast<char* const*>(words.data()));
    ::_exit(127);
  }

  std::vector<std::string> more_;
  std::uint16_t port_;
  std::string folder_{};
  pid_t process_ = -1;
  int output_ = -1;
};

/// One server for all test cases of a program; each begins with an empty one.
inline redis_server& shared_server() {
  static redis_server server;
  return server;
}

inline redis_server& empty_server() {
  redis_server& server = shared_server();
  gabion::redis::connection admin{server.options()};
  if (const auto done = admin.command({"FLUSHALL"}); !done) throw std::runtime_error{done.what()};
  return server;
}

}  // namespace redis_tests
