// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <thread>

#include <httplib.h>

#include "http/limits.hpp"

namespace shop {

/// How a server listens.
struct http_server_options {
  std::string host = "127.0.0.1";
  int port = 0;  ///< 0: the system chooses one
  std::size_t threads =
      64;  ///< a kept connection occupies one thread, so this bounds the connections
  /// In bytes; a longer Content-Length is answered with 413
  std::size_t largest_body = api_limits::body;
};

/// A cpp-httplib server with its thread. Register handlers on `routes()` before start().
class http_server {
 public:
  explicit http_server(const http_server_options& options);
  ~http_server() { stop(); }
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  [[nodiscard]] httplib::Server& routes() noexcept { return server_; }

  /// Binds, answers from now on, and gives the port. Throws std::runtime_error if the port is
  /// taken.
  int start();

  /// Takes no more connections, lets the requests under way finish, then returns. May be repeated.
  void stop();

 private:
  http_server_options options_;
  httplib::Server server_{};
  std::thread listener_{};
};

}  // namespace shop
