// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "demo/script.hpp"

// What the demo knows when all is quiet: what the clients were told, what the service shows over
// HTTP, what the provider has in its books, and what is in the database file. Plain data, so that
// the checks are pure functions.
namespace shop::demo {

/// A command that was answered with 202.
struct acknowledgement {
  std::string order_id{};
  std::uint64_t version = 0;  ///< of the order, as the answer says
  step_kind kind = step_kind::place;
};

/// What an order must look like, from the commands that were acknowledged alone.
struct expected_order {
  std::vector<item> items{};
  bool cancelled = false;

  void apply(const step& s);
};

/// An order as GET /orders shows it.
struct shown_order {
  std::uint64_t version = 0;
  std::string status{};
  std::vector<item> items{};
  std::int64_t total_cents = 0;
  std::int64_t settled_cents = 0;
};

struct stored_event {
  std::string id{};
  std::string type{};
  std::string order_id{};
  std::uint64_t version = 0;
};

/// One row that a service wrote because of an event, in the order of writing.
struct effect {
  std::string event_id{};
  std::string order_id{};
  std::uint64_t version = 0;
};

struct provider_charge {
  std::string key{};
  std::string order_id{};
  std::int64_t amount_cents = 0;
  std::uint32_t repeats = 0;
};

struct breaker_step {
  std::chrono::microseconds at{};  ///< since 1970
  std::string from{};
  std::string to{};
  std::string why{};
};

/// The same command sent again after the run, with its old key.
struct repeated_answer {
  std::string key{};
  std::string first{};  ///< status and body
  std::string again{};
};

struct evidence {
  // From the clients
  std::vector<acknowledgement> acknowledged{};
  std::map<std::string, expected_order> expected{};
  std::vector<repeated_answer> repeated{};
  /// Reads with a token that did not show the client's own write and did not say so
  std::uint64_t stale_reads = 0;
  std::uint64_t token_reads = 0;
  std::uint64_t unanswered = 0;  ///< commands that got no answer until the client gave up
  // Over HTTP
  std::map<std::string, shown_order> shown{};
  std::vector<provider_charge> charges{};
  // From the database file
  std::vector<stored_event> events{};
  /// Ids that each consumer has processed
  std::map<std::string, std::vector<std::string>> inboxes{};
  std::vector<effect> bookings{};
  std::vector<effect> emails{};
  std::map<std::string, std::int64_t> stock{};
  std::vector<breaker_step> breaker{};
  std::vector<std::chrono::microseconds> publish_lags{};
  std::uint64_t unpublished = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t payments_due = 0;
  std::uint64_t published_twice = 0;  ///< messages that the broker got more than once
};

}  // namespace shop::demo
