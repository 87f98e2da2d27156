// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "app/housekeeping.hpp"
#include "app/messaging.hpp"
#include "app/metrics.hpp"
#include "app/order_writer.hpp"
#include "app/read_side.hpp"
#include "app/service.hpp"
#include "app/write_side.hpp"
#include "payments/payment_desk.hpp"
#include "payments/payment_process.hpp"
#include "services/email.hpp"
#include "services/inventory.hpp"

namespace shop {

/// The whole service and the back end it works on: what writes, what publishes, what listens, what
/// reads and what pays, and their threads.
template <class Backend>
class order_service final : public service {
 public:
  /// `more` is what the back end needs.
  template <class... More>
  explicit order_service(const payment_desk_options& payments, const More&... more)
      : backend_{more...},
        publisher_{backend_, metrics_},
        writer_{backend_, publisher_},
        commands_{backend_, writer_, metrics_},
        queries_{backend_},
        desk_{backend_, payments},
        inventory_{backend_, inventory<tables>{backend_.tables}, metrics_, metrics_.consumers[0]},
        email_{backend_, email<tables>{backend_.tables}, metrics_, metrics_.consumers[1]},
        payments_{backend_, payment_process<Backend>{backend_, writer_, desk_}, metrics_,
                  metrics_.consumers[2]},
        housekeeping_{backend_} {}
  ~order_service() override { order_service::stop(); }

  void start() override {
    run([this](const std::stop_token& stop) { publisher_.run(stop); });
    run([this](const std::stop_token& stop) { inventory_.run(stop); });
    run([this](const std::stop_token& stop) { email_.run(stop); });
    run([this](const std::stop_token& stop) { payments_.run(stop); });
    run([this](const std::stop_token& stop) { housekeeping_.run(stop); });
    queries_.start();
    desk_.start(commands_);
  }

  void stop() override {
    desk_.stop();
    for (std::jthread& t : threads_) t.request_stop();
    threads_.clear();
    queries_.stop();
  }

  receipt send(const place_order& c, const gabion::command_context& context) override {
    return commands_.send(c, context);
  }
  receipt send(const change_order& c, const gabion::command_context& context) override {
    return commands_.send(c, context);
  }
  receipt send(const add_item& c, const gabion::command_context& context) override {
    return commands_.send(c, context);
  }
  receipt send(const cancel_order& c, const gabion::command_context& context) override {
    return commands_.send(c, context);
  }

  answered<std::optional<order_view>> ask(const get_order& q) override { return queries_.ask(q); }
  answered<order_page> ask(const list_orders& q) override { return queries_.ask(q); }
  answered<std::optional<customer_summary>> ask(const get_customer& q) override {
    return queries_.ask(q);
  }
  answered<order_analytics> ask(const get_analytics& q) override { return queries_.ask(q); }

  gabion::health_report health() override {
    gabion::health_report report;
    queries_.describe(report);
    const gabion::outbox_stats outbox = backend_.outbox.stats();
    report.add_optional(
        {.name = "outbox",
         .state = outbox.dead == 0 ? gabion::health_state::up : gabion::health_state::degraded,
         .reason = outbox.dead == 0 ? "" : std::to_string(outbox.dead) + " dead letters"});
    const gabion::circuit_snapshot breaker = desk_.breaker();
    const bool reachable = breaker.state == gabion::circuit_state::closed;
    report.add_optional(
        {.name = "payments",
         .state = reachable ? gabion::health_state::up : gabion::health_state::degraded,
         .reason = reachable ? "" : "the circuit is " + std::string{to_string(breaker.state)}});
    return report;
  }

  void write_metrics(std::string& text) override {
    gabion::prometheus_writer page{text};
    metrics_.write(page);
    queries_.write(page);
    const gabion::outbox_stats outbox = backend_.outbox.stats();
    page.gauge("orders_outbox_pending", "Messages that wait to be published.", outbox.pending);
    page.gauge("orders_outbox_dead", "Messages that were given up.", outbox.dead);
    page.gauge("orders_payments_due", "Payments that the provider has not answered yet.",
               backend_.tables.count_due());
    const gabion::circuit_snapshot breaker = desk_.breaker();
    page.gauge("orders_payment_circuit_state", "0 closed, 1 open, 2 half-open.",
               static_cast<int>(breaker.state));
    page.counter("orders_payment_calls_total", "Calls to the provider by outcome.",
                 breaker.counts.success, {{"outcome", "answered"}});
    page.counter("orders_payment_calls_total", "Calls to the provider by outcome.",
                 breaker.counts.failure, {{"outcome", "failed"}});
    page.counter("orders_payment_calls_total", "Calls to the provider by outcome.",
                 breaker.counts.rejected, {{"outcome", "rejected"}});
  }

 private:
  using tables = typename Backend::tables_type;

  template <class Work>
  void run(Work work) {
    threads_.emplace_back(work);
  }

  Backend backend_;
  service_metrics metrics_{};
  publisher<Backend> publisher_;
  order_writer<Backend> writer_;
  write_side<Backend> commands_;
  read_side<Backend> queries_;
  payment_desk<Backend, write_side<Backend>> desk_;
  listener<Backend, inventory<tables>> inventory_;
  listener<Backend, email<tables>> email_;
  listener<Backend, payment_process<Backend>> payments_;
  housekeeping<Backend> housekeeping_;
  std::vector<std::jthread> threads_{};
};

}  // namespace shop
