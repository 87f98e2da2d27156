// SPDX-License-Identifier: MIT
#include "app/metrics.hpp"

#include "app/log.hpp"

namespace shop {

namespace {

/// Failures that are the service's own; the others are answers to a caller's mistake and need no
/// line in the log.
bool is_ours(std::error_code code) noexcept {
  return code == gabion::errc::busy || code == gabion::errc::full ||
         code == gabion::errc::unavailable || code == gabion::errc::in_doubt ||
         code == gabion::errc::corrupt;
}

void log_failure(service_metrics& metrics, std::string_view what, std::string_view operation,
                 std::string_view reason) {
  metrics.store_failures.add();
  log_line(what, {{"operation", operation}, {"reason", reason}});
}

}  // namespace

void service_metrics::write(gabion::prometheus_writer& page) const {
  for (const command_metrics& c : commands_)
    page.counter("orders_commands_total", "Commands by outcome.", c.succeeded.value(),
                 {{"command", c.name}, {"outcome", "succeeded"}});
  for (const command_metrics& c : commands_)
    page.counter("orders_commands_total", "Commands by outcome.", c.failed.value(),
                 {{"command", c.name}, {"outcome", "failed"}});
  for (const command_metrics& c : commands_)
    page.histogram("orders_command_seconds", "How long a command takes until it is durable.",
                   c.latency.snapshot(), {{"command", c.name}});
  page.counter("orders_commands_replayed_total",
               "Commands that had been done before under the same key.", replayed.value());
  page.counter("orders_published_total", "Messages that the broker has accepted.",
               published.value());
  page.summary("orders_publish_lag_seconds", "From the event until the broker has accepted it.",
               publish_lag.snapshot());
  page.counter("orders_store_failures_total",
               "Failures of the store or the broker; each was tried again.",
               store_failures.value());
  for (const consumer_metrics& c : consumers)
    page.counter("orders_consumed_total", "Messages by consumer and fate.", c.handled.value(),
                 {{"consumer", c.name}, {"fate", "handled"}});
  for (const consumer_metrics& c : consumers)
    page.counter("orders_consumed_total", "Messages by consumer and fate.", c.repeated.value(),
                 {{"consumer", c.name}, {"fate", "duplicate"}});
  for (const consumer_metrics& c : consumers)
    page.counter("orders_consumed_total", "Messages by consumer and fate.", c.retried.value(),
                 {{"consumer", c.name}, {"fate", "retried"}});
  for (const consumer_metrics& c : consumers)
    page.counter("orders_consumed_total", "Messages by consumer and fate.", c.dead.value(),
                 {{"consumer", c.name}, {"fate", "dead"}});
}

void command_observer::operator()(const gabion::dispatch_succeeded& e) const noexcept {
  command_metrics* const counted = metrics->of_command(e.name);
  if (counted == nullptr) return;
  counted->succeeded.add();
  counted->latency.record(e.took);
}

void command_observer::operator()(const gabion::dispatch_failed& e) const {
  if (command_metrics* const counted = metrics->of_command(e.name); counted != nullptr)
    counted->failed.add();
  if (is_ours(e.code)) log_line("command failed", {{"command", e.name}, {"reason", e.what}});
}

void relay_observer::operator()(const gabion::message_published& e) const noexcept {
  metrics->published.add();
  if (e.lag) metrics->publish_lag.record(*e.lag);
}
void relay_observer::operator()(const gabion::message_dead& e) const {
  log_line("message is a dead letter",
           {{"id", e.what.id}, {"type", e.what.type}, {"reason", e.reason}});
}
void relay_observer::operator()(const gabion::store_failed& e) const {
  log_failure(*metrics, "outbox failed", e.operation, e.reason);
}
void relay_observer::operator()(const gabion::transport_failed& e) const {
  log_failure(*metrics, "broker failed", e.operation, e.reason);
}

void consumer_observer::operator()(const gabion::message_retried& e) const {
  mine->retried.add();
  log_line(
      "message will be tried again",
      {{"consumer", mine->name}, {"id", e.what.id}, {"type", e.what.type}, {"reason", e.reason}});
}
void consumer_observer::operator()(const gabion::message_dead& e) const {
  mine->dead.add();
  log_line(
      "message is a dead letter",
      {{"consumer", mine->name}, {"id", e.what.id}, {"type", e.what.type}, {"reason", e.reason}});
}
void consumer_observer::operator()(const gabion::store_failed& e) const {
  log_failure(*metrics, "inbox failed", e.operation, e.reason);
}
void consumer_observer::operator()(const gabion::transport_failed& e) const {
  log_failure(*metrics, "subscription failed", e.operation, e.reason);
}

}  // namespace shop
