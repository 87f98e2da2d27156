// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/order_app.hpp"

namespace order_faults {

/// A TCP connection that sends what it is given, byte for byte, as no HTTP client would.
class raw_connection {
 public:
  explicit raw_connection(int port) : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket_ < 0 || ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error{"cannot connect to the server"};
  }
  ~raw_connection() { ::close(socket_); }
  raw_connection(const raw_connection&) = delete;
  raw_connection& operator=(const raw_connection&) = delete;

  /// False if the server has closed the connection.
  bool send(std::string_view text) const {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  /// True as soon as the server sends something or closes the connection.
  [[nodiscard]] bool reacts_within(std::chrono::milliseconds limit) const {
    pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&readable, 1, static_cast<int>(limit.count())) > 0;
  }

  /// The beginning of what the server sends, or nothing.
  [[nodiscard]] std::string receive(std::chrono::milliseconds limit) const {
    if (!reacts_within(limit)) return {};
    char text[4096];
    const ssize_t size = ::recv(socket_, text, sizeof text, 0);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string{};
  }

 private:
  int socket_;
};

/// An application whose answers the test sets, for faults of the HTTP edge alone.
class scripted_app final : public shop::order_app {
 public:
  shop::answered<shop::order_page> orders{};
  shop::answered<std::optional<shop::customer_summary>> customer{};

  shop::receipt send(const shop::place_order&, const gabion::command_context&) override {
    return {.order_id = "o-1", .version = 1, .at = gabion::position{1}};
  }
  shop::receipt send(const shop::change_order& c, const gabion::command_context&) override {
    return {.order_id = c.order_id, .version = 2, .at = gabion::position{2}};
  }
  shop::receipt send(const shop::add_item& c, const gabion::command_context&) override {
    return {.order_id = c.order_id, .version = 2, .at = gabion::position{2}};
  }
  shop::receipt send(const shop::cancel_order& c, const gabion::command_context&) override {
    return {.order_id = c.order_id, .version = 2, .at = gabion::position{2}};
  }
  shop::answered<std::optional<shop::order_view>> ask(const shop::get_order&) override {
    return {};
  }
  shop::answered<shop::order_page> ask(const shop::list_orders&) override { return orders; }
  shop::answered<std::optional<shop::customer_summary>> ask(const shop::get_customer&) override {
    return customer;
  }
  shop::answered<shop::order_analytics> ask(const shop::get_analytics&) override { return {}; }
  gabion::health_report health() override { return {}; }
  void write_metrics(std::string&) override {}
};

}  // namespace order_faults
