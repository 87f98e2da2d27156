// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <gabion/core/backoff.hpp>

#include "demo/script.hpp"

namespace httplib {
class Client;
}

namespace shop::demo {

/// What the service said to a command or a query.
struct answer {
  int status = 0;
  std::string body{};
  std::string location{};
  std::string token{};  ///< Consistency-Token
  bool stale = false;   ///< the service says that the answer does not hold the token's write yet
};

/// How long a client tries.
struct patience {
  std::chrono::steady_clock::time_point until{};
  const std::atomic<bool>* given_up = nullptr;  ///< ends it earlier; may be null

  [[nodiscard]] bool over() const noexcept {
    return (given_up != nullptr && *given_up) || std::chrono::steady_clock::now() >= until;
  }
};

/// Counts what clients go through. Shared by all of them.
struct client_counters {
  std::atomic<std::uint64_t> lost_connections{0};
  /// Answers that it can't be done now, or that nobody knows: 503, 504
  std::atomic<std::uint64_t> unavailable{0};
  std::atomic<std::uint64_t> retries{0};
};

/// A client of the order service on one kept connection. It sends a command again, with the same
/// Idempotency-Key, until it is answered: after a lost connection it can't know whether the service
/// took the command. One thread at a time.
class client {
 public:
  client(int port, client_counters& counters);
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// Sends one command; nothing if patience ended before there was an answer.
  std::optional<answer> command(const step& what, const std::string& order_id,
                                const std::string& key, const patience& limit);

  /// Reads; tries again only if the connection was lost.
  std::optional<answer> get(const std::string& path, const std::string& token,
                            const patience& limit);

 private:
  std::unique_ptr<httplib::Client> http_;
  client_counters* counters_;
  gabion::backoff pause_;
};

}  // namespace shop::demo
