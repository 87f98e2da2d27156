// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "demo/child_process.hpp"

namespace shop::demo {

/// Where the programs are and where their data goes.
struct stage_options {
  std::filesystem::path programs{};  ///< the folder with order_service and payment_provider
  std::filesystem::path folder{};    ///< for the database file and the logs
  std::chrono::milliseconds breaker_open{400};
};

/// The processes of the demo: the provider, which is never killed, and the service, which is.
class stage {
 public:
  explicit stage(const stage_options& options);

  /// Kills the service in the midst of whatever it does, and starts it again on the same port and
  /// file.
  void kill_and_restart();

  /// Ends the service as an operator would. The exit status; nothing if it took too long.
  std::optional<int> shut_down_service();

  /// Throws std::runtime_error if one of the processes has ended by itself.
  void require_running();

  /// Tells the provider how to behave: ok, fail, hang, slow.
  void set_provider(const std::string& mood);

  /// What GET /health says of the payments, or nothing if the service does not answer.
  [[nodiscard]] std::optional<std::string> payment_health() const;

  [[nodiscard]] int service_port() const noexcept { return service_port_; }
  [[nodiscard]] int provider_port() const noexcept { return provider_port_; }
  [[nodiscard]] std::string database() const { return (options_.folder / "orders.db").string(); }

 private:
  void start_service();

  stage_options options_;
  std::unique_ptr<child_process> provider_{};
  std::unique_ptr<child_process> service_{};
  int provider_port_ = 0;
  int service_port_ = 0;
};

}  // namespace shop::demo
