// SPDX-License-Identifier: MIT
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/adapters/nlohmann_json/codec.hpp>
#include <gabion/cqrs/projector.hpp>
#include <gabion/cqrs/query_bus.hpp>
#include <gabion/observe/health.hpp>
#include <gabion/observe/prometheus.hpp>

#include "app/queries.hpp"
#include "domain/json.hpp"
#include "read_model/analytics.hpp"
#include "read_model/customers.hpp"
#include "read_model/order_view.hpp"

namespace shop {

/// A projection with its read model and what feeds it. Each runs on a thread of its own, so a slow one delays no other.
template <class Backend, template <class> class Projection>
class projection_runner {
 public:
  explicit projection_runner(Backend& backend)
      : events_{&backend.events}, projection_{backend.tables},
        projector_{projection_, backend.transactor, backend.events, backend.checkpoints, {}, {.owner = "order_service"}} {}

  void run(const std::stop_token& stop) { projector_.run(stop); }

  /// Waits until the read model is as fresh as demanded, then reads it. The position is taken before the rows, so that the
  /// answer is never older than it says.
  template <class Read>
  auto read(const freshness& wanted, Read read) {
    using result = decltype(read());
    answered<result> answer;
    if (wanted.at_least > progress().at()) (void)projector_.wait_for(wanted.at_least, deadline_of(wanted));
    answer.read_model_at = progress().at();
    answer.log_at = events_->head();
    answer.result = read();
    return answer;
  }

  [[nodiscard]] std::string_view name() const noexcept { return Projection<typename Backend::tables_type>::name; }
  [[nodiscard]] std::uint64_t lag() const { return projector_.lag(); }
  [[nodiscard]] gabion::health_part health() const {
    const bool faulted = progress().status() == gabion::projection_status::faulted;
    return {.name = std::string{name()}, .state = faulted ? gabion::health_state::down : gabion::health_state::up, .reason = progress().reason()};
  }

 private:
  using projection = Projection<typename Backend::tables_type>;
  using projector = gabion::projector<projection, typename Backend::transactor_type, decltype(Backend::events),
                                      decltype(Backend::checkpoints), gabion::json_codec>;

  [[nodiscard]] const auto& progress() const noexcept { return projector_.progress(); }
  static gabion::deadline deadline_of(const freshness& wanted) { return gabion::deadline::in(gabion::steady_clock{}, wanted.wait_for); }

  decltype(Backend::events)* events_;
  projection projection_;
  projector projector_;
};

/// The queries of the service, and the projections that they read from.
template <class Backend>
class read_side {
 public:
  explicit read_side(Backend& backend) : tables_{&backend.tables}, orders_{backend}, customers_{backend}, analytics_{backend}, bus_{make_bus()} {}
  read_side(const read_side&) = delete;
  read_side& operator=(const read_side&) = delete;

  /// Starts the projections.
  void start() {
    threads_.emplace_back([this](const std::stop_token& stop) { orders_.run(stop); });
    threads_.emplace_back([this](const std::stop_token& stop) { customers_.run(stop); });
    threads_.emplace_back([this](const std::stop_token& stop) { analytics_.run(stop); });
  }
  /// Lets each finish its batch.
  void stop() {
    for (std::jthread& t : threads_) t.request_stop();
    threads_.clear();
  }

  /// Safe to use from several threads.
  template <class Query>
  auto ask(const Query& query) const {
    return bus_.ask(query);
  }

  void describe(gabion::health_report& health) const {
    health.add(orders_.health());
    health.add_optional(customers_.health());
    health.add_optional(analytics_.health());
  }
  void write(gabion::prometheus_writer& page) const {
    const auto gauge = [&](const auto& projection) {
      page.gauge("orders_read_model_lag_events", "Events that a read model is behind the log.", projection.lag(), {{"projection", projection.name()}});
    };
    gauge(orders_);
    gauge(customers_);
    gauge(analytics_);
  }

 private:
  // The projections are waited for, which is not const, though it changes nothing that a reader could see.
  auto make_bus() {
    return gabion::query_bus{
        gabion::queries<get_order, list_orders, get_customer, get_analytics>{},
        gabion::handle<get_order>([this](const get_order& q) {
          return orders_.read(q.fresh, [&] { return tables_->find_order(q.order_id); });
        }),
        gabion::handle<list_orders>([this](const list_orders& q) {
          return orders_.read(q.fresh, [&] { return tables_->find_orders(q.filter); });
        }),
        gabion::handle<get_customer>([this](const get_customer& q) {
          return customers_.read(q.fresh, [&] { return tables_->find_customer(q.customer_id); });
        }),
        gabion::handle<get_analytics>([this](const get_analytics& q) {
          return analytics_.read(q.fresh, [&] { return tables_->analytics(q.products); });
        })};
  }

  const typename Backend::tables_type* tables_;
  projection_runner<Backend, order_view_projection> orders_;
  projection_runner<Backend, customer_projection> customers_;
  projection_runner<Backend, analytics_projection> analytics_;
  decltype(std::declval<read_side&>().make_bus()) bus_;
  std::vector<std::jthread> threads_{};
};

}  // namespace shop
