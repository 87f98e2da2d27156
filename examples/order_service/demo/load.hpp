// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gabion/observe/latency_histogram.hpp>

#include "demo/client.hpp"
#include "demo/evidence.hpp"

namespace shop::demo {

/// How hard to drive.
struct load_options {
  int port = 0;
  std::size_t connections = 32;
  std::string key_prefix{};          ///< makes the idempotency keys of this run its own
  std::size_t read_back_every = 10;  ///< every n-th order is read back with its token
  std::size_t repeat_every = 50;     ///< every n-th command is sent again at the end
  std::chrono::steady_clock::time_point give_up_at{};  ///< no command is tried any longer
};

/// A command that the service did not take, with the line of the file it came from.
struct refused_command {
  std::size_t line = 0;
  int status = 0;
  std::string body{};
};

/// What the clients saw.
struct load_result {
  std::vector<acknowledgement> acknowledged{};
  std::map<std::string, expected_order> expected{};
  std::vector<refused_command> refused{};
  std::uint64_t unanswered = 0;
  std::uint64_t token_reads = 0;
  std::uint64_t stale_reads = 0;     ///< silently stale: the promise is broken
  std::uint64_t declared_stale = 0;  ///< the deadline passed and the answer said so
  struct sent {
    step what{};
    std::string order_id{};
    std::string key{};
    std::string answer{};
  };
  std::vector<sent> to_repeat{};
};

/// Clients that work through the scripts, each order by one of them from its first command to its
/// last.
class load {
 public:
  load(const std::vector<script>& scripts, const load_options& options);
  ~load() { join(); }
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  /// Takes no new order any more; those begun are finished.
  void stop() noexcept { stopping_ = true; }
  /// Ends all that is under way without an answer.
  void give_up() noexcept { stopping_ = giving_up_ = true; }
  /// Waits until every client is through.
  void join();

  [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }
  [[nodiscard]] bool finished() const noexcept { return running_ == 0; }
  [[nodiscard]] const client_counters& counters() const noexcept { return counters_; }
  [[nodiscard]] gabion::latency_snapshot latency() const noexcept { return latency_.snapshot(); }
  /// Call after join().
  [[nodiscard]] load_result& result() noexcept { return result_; }

 private:
  [[nodiscard]] patience patience_of_clients() const noexcept {
    return {.until = options_.give_up_at, .given_up = &giving_up_};
  }
  void work();
  void drive(client& with, std::size_t index, load_result& into);
  void read_back(client& with, const answer& told, std::uint64_t version, load_result& into);
  void merge(load_result&& part);

  const std::vector<script>& scripts_;
  load_options options_;
  client_counters counters_{};
  gabion::latency_histogram latency_{};
  std::atomic<std::size_t> next_{0};
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<std::size_t> running_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> giving_up_{false};
  std::mutex mutex_{};
  load_result result_{};
  std::vector<std::thread> threads_{};
};

/// Sends those commands once more and notes what is answered now.
[[nodiscard]] std::vector<repeated_answer> repeat_commands(const load_result& result, int port);

}  // namespace shop::demo
