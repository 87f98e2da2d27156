// SPDX-License-Identifier: MIT
#include "http/server.hpp"

#include <limits>
#include <stdexcept>

namespace shop {

namespace {

// Not httplib's default: that one sets SO_REUSEPORT, and then a second service on the same port
// would take half of the requests instead of failing.
void reuse_address(socket_t socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

}  // namespace

http_server::http_server(const http_server_options& options) : options_{options} {
  server_.new_task_queue = [threads = options.threads] { return new httplib::ThreadPool{threads}; };
  server_.set_socket_options(reuse_address);
  server_.set_tcp_nodelay(true);  // small answers must not wait for more to send
  server_.set_payload_max_length(options.largest_body);
  server_.set_keep_alive_max_count((std::numeric_limits<std::size_t>::max)());
  server_.set_keep_alive_timeout(1);  // also how long stop() waits for idle connections
}

int http_server::start() {
  const bool chosen = options_.port != 0;
  const int port = chosen ? options_.port : server_.bind_to_any_port(options_.host);
  if (port < 0 || (chosen && !server_.bind_to_port(options_.host, port)))
    throw std::runtime_error{"cannot listen on " + options_.host + ":" +
                             std::to_string(options_.port)};
  listener_ = std::thread{[this] { server_.listen_after_bind(); }};
  while (!server_.is_running()) std::this_thread::yield();  // stop() has no effect before
  return port;
}

void http_server::stop() {
  if (!listener_.joinable()) return;
  server_.stop();
  listener_.join();
}

}  // namespace shop
