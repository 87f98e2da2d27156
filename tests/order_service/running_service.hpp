// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <stdlib.h>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "demo/child_process.hpp"

namespace order_tests {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A folder that is gone after the test.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "gabion-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
    path_ = name;
  }
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_{};
};

/// A server program as a process, and a client for it.
class running {
 public:
  running(const char* program, std::vector<std::string> arguments,
          const std::filesystem::path& folder)
      : process_{program, std::move(arguments), folder / "log"},
        port_{process_.wait_for_port(seconds{20})},
        http_{"127.0.0.1", port_} {
    http_.set_keep_alive(true);
    http_.set_tcp_nodelay(true);
    http_.set_read_timeout(seconds{20});
  }

  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] httplib::Client& http() noexcept { return http_; }
  [[nodiscard]] shop::demo::child_process& process() noexcept { return process_; }

 private:
  shop::demo::child_process process_;
  int port_;
  httplib::Client http_;
};

/// Asks again and again, as a client would, until the condition holds; false if it does not within
/// the deadline.
inline bool eventually(const std::function<bool()>& condition, milliseconds at_most = seconds{20}) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

inline running start_provider(const temporary_folder& folder) {
  return {PAYMENT_PROVIDER, {"--port", "0"}, folder.path()};
}

/// The service on a file in the folder, without a provider unless one is named.
inline running start_service(const temporary_folder& folder, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{
      "--port", "0", "--db", (folder.path() / "orders.db").string(), "--breaker-open", "200"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return {ORDER_SERVICE, arguments, folder.path()};
}

inline void set_mood(running& provider, const std::string& mood) {
  const auto told =
      provider.http().Post("/control", json{{"mode", mood}}.dump(), "application/json");
  if (!told || told->status != 200) throw std::runtime_error{"the provider does not listen"};
}

inline const std::string good_order =
    R"({"customer":{"id":"c-1","name":"Ada","email":"ada@example.com"},"items":[{"product":"book","quantity":2,"unit_price_cents":1500}]})";
inline const std::string good_item = R"({"product":"cup","quantity":1,"unit_price_cents":700})";

inline httplib::Headers keyed(const std::string& key) { return {{"Idempotency-Key", key}}; }

/// Places the good order; the path of it.
inline std::string place(running& service) {
  const auto answer = service.http().Post("/orders", good_order, "application/json");
  if (!answer || answer->status != 202) throw std::runtime_error{"the order was not accepted"};
  return answer->get_header_value("Location");
}

/// Reads a path with the token of an earlier answer, so that it holds that answer's write.
inline json read_after(running& service, const std::string& path, const std::string& token) {
  const auto answer = service.http().Get(path, {{"Consistency-Token", token}});
  if (!answer || answer->status != 200) throw std::runtime_error{"GET " + path + " failed"};
  return json::parse(answer->body);
}

inline std::size_t count_orders(running& service) {
  return json::parse(service.http().Get("/orders?limit=200")->body).at("orders").size();
}

/// Checks that an answer is a problem with that status which names that field.
inline bool is_problem(const httplib::Result& answer, int status, const std::string& field = {}) {
  if (!answer || answer->status != status ||
      answer->get_header_value("Content-Type") != "application/problem+json")
    return false;
  const json body = json::parse(answer->body, nullptr, false);
  if (body.is_discarded() || body.value("status", 0) != status || body.value("title", "").empty())
    return false;
  if (field.empty()) return true;
  for (const json& e : body.value("errors", json::array()))
    if (e.value("field", "") == field) return true;
  return false;
}

}  // namespace order_tests
