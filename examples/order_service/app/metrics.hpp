// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <gabion/core/error.hpp>
#include <gabion/cqrs/dispatch_events.hpp>
#include <gabion/observe/counter.hpp>
#include <gabion/observe/latency_histogram.hpp>
#include <gabion/observe/prometheus.hpp>
#include <gabion/outbox/events.hpp>

namespace shop {

/// What is counted of one kind of command.
struct command_metrics {
  std::string_view name{};
  gabion::counter succeeded{};
  gabion::counter failed{};
  gabion::latency_histogram latency{};
};

/// What is counted of one consumer.
struct consumer_metrics {
  std::string_view name{};
  gabion::counter handled{};
  gabion::counter repeated{};  ///< duplicates that its inbox dropped
  gabion::counter retried{};
  gabion::counter dead{};
};

/// All that the service counts by itself. Safe to use from several threads: a count never waits.
class service_metrics {
 public:
  gabion::counter replayed{};  ///< commands that were answered from the log of commands
  gabion::counter published{};
  gabion::latency_histogram publish_lag{};
  gabion::counter store_failures{};
  std::array<consumer_metrics, 3> consumers{
      {{.name = "inventory"}, {.name = "email"}, {.name = "payments"}}};

  /// The counters of a command; null for a name that is not a command of this service.
  [[nodiscard]] command_metrics* of_command(std::string_view name) noexcept {
    for (command_metrics& c : commands_)
      if (c.name == name) return &c;
    return nullptr;
  }

  void write(gabion::prometheus_writer& page) const;

 private:
  std::array<command_metrics, 7> commands_{{{.name = "place_order"},
                                            {.name = "change_order"},
                                            {.name = "add_item"},
                                            {.name = "cancel_order"},
                                            {.name = "queue_payment"},
                                            {.name = "record_payment"},
                                            {.name = "decline_payment"}}};
};

/// Watches the command bus: counts, times, and logs what failed for a reason that is not the
/// caller's.
struct command_observer {
  service_metrics* metrics;
  void operator()(const gabion::dispatch_succeeded& e) const noexcept;
  void operator()(const gabion::dispatch_failed& e) const;
  void operator()(const gabion::command_replayed&) const noexcept { metrics->replayed.add(); }
};

/// Watches the relay.
struct relay_observer {
  service_metrics* metrics;
  void operator()(const gabion::message_published& e) const noexcept;
  void operator()(const gabion::message_dead& e) const;
  void operator()(const gabion::store_failed& e) const;
  void operator()(const gabion::transport_failed& e) const;
};

/// Watches one consumer.
struct consumer_observer {
  service_metrics* metrics;
  consumer_metrics* mine;
  void operator()(const gabion::message_handled&) const noexcept { mine->handled.add(); }
  void operator()(const gabion::message_repeated&) const noexcept { mine->repeated.add(); }
  void operator()(const gabion::message_retried& e) const;
  void operator()(const gabion::message_dead& e) const;
  void operator()(const gabion::store_failed& e) const;
  void operator()(const gabion::transport_failed& e) const;
};

}  // namespace shop
