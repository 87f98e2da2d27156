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

/// A projection with its read model and what feeds it. Each runs on a thread of its own, so a slow
/// one delays no other.
template <class Backend, template <class> class Projection>
class projection_runner {
 public:
  explicit projection_runner(Backend& backend)
      : events_{&backend.events},
        projection_{backend.tables},
        projector_{projection_, backend.transactor,        backend.events, backend.checkpoints,
                   {},          {.owner = "order_service"}} {}

  void run(const std::stop_token& stop) { projector_.run(stop); }

  /// Waits until the read model is as fresh as demanded, then reads it. The position is taken
  /// before the rows, so that the answer is never older than it says.
  template <class Read>
  auto read(const freshness& wanted, Read read) {
    using result = decltype(read());
    answered<result> answer;
    if (wanted.at_least > progress().at())
      (void)projector_.wait_for(wanted.at_least, deadline_of(wanted));
    answer.read_model_at = progress().at();
    answer.log_at = events_->head();
    answer.result = read();
    return answer;
  }

  [[nodiscard]] std::string_view name() const noexcept {
    return Projection<typename Backend::tables_type>::name;
  }
  [[nodiscard]] std::uint64_t lag() const { return projector_.lag(); }
  [[nodiscard]] gabion::health_part health() const {
    const bool faulted = progress().status() == gabion::projection_status::faulted;
    return {.name = std::string{name()},
            .state = faulted ? gabion::health_state::down : gabion::health_state::up,
            .reason = progress().reason()};
  }

 private:
  using projection = Projection<typename Backend::tables_type>;
  using projector =
      gabion::projector<projection, typename Backend::transactor_type, decltype(Backend::events),
                        decltype(Backend::checkpoints), gabion::json_codec>;

  [[nodiscard]] const auto& progress() const noexcept { return projector_.progress(); }
  static gabion::deadline deadline_of(const freshness& wanted) {
    return gabion::deadline::in(gabion::steady_clock{}, wanted.wait_for);
  }

  decltype(Backend::events)* events_;
  projection projection_;
  projector projector_;
};

/// The projections of the service, each with its read model.
template <class Backend>
struct read_models {
  explicit read_models(Backend& backend)
      : orders{backend}, customers{backend}, analytics{backend} {}

  projection_runner<Backend, order_view_projection> orders;
  projection_runner<Backend, customer_projection> customers;
  projection_runner<Backend, analytics_projection> analytics;
};

/// The query bus of the service. Each query waits for the projection that it reads, if its client
/// demands so.
template <class Backend>
auto make_query_bus(const Backend& backend, read_models<Backend>& models) {
  const typename Backend::tables_type* const tables = &backend.tables;
  read_models<Backend>* const from = &models;
  return gabion::query_bus{
      gabion::queries<get_order, list_orders, get_customer, get_analytics>{},
      gabion::handle<get_order>([=](const get_order& q) {
        return from->orders.read(q.fresh, [&] { return tables->find_order(q.order_id); });
      }),
      gabion::handle<list_orders>([=](const list_orders& q) {
        return from->orders.read(q.fresh, [&] { return tables->find_orders(q.filter); });
      }),
      gabion::handle<get_customer>([=](const get_customer& q) {
        return from->customers.read(q.fresh, [&] { return tables->find_customer(q.customer_id); });
      }),
      gabion::handle<get_analytics>([=](const get_analytics& q) {
        return from->analytics.read(q.fresh, [&] { return tables->analytics(q.products); });
      })};
}

/// The queries, the projections that they read from, and a thread for each projection.
template <class Backend>
class read_side {
 public:
  explicit read_side(Backend& backend) : models_{backend}, bus_{make_query_bus(backend, models_)} {}
  read_side(const read_side&) = delete;
  read_side& operator=(const read_side&) = delete;

  /// Starts the projections.
  void start() {
    threads_.emplace_back([this](const std::stop_token& stop) { models_.orders.run(stop); });
    threads_.emplace_back([this](const std::stop_token& stop) { models_.customers.run(stop); });
    threads_.emplace_back([this](const std::stop_token& stop) { models_.analytics.run(stop); });
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
    health.add(models_.orders.health());
    health.add_optional(models_.customers.health());
    health.add_optional(models_.analytics.health());
  }
  void write(gabion::prometheus_writer& page) const {
    const auto gauge = [&](const auto& projection) {
      page.gauge("orders_read_model_lag_events", "Events that a read model is behind the log.",
                 projection.lag(), {{"projection", projection.name()}});
    };
    gauge(models_.orders);
    gauge(models_.customers);
    gauge(models_.analytics);
  }

 private:
  using bus = decltype(make_query_bus(std::declval<const Backend&>(),
                                      std::declval<read_models<Backend>&>()));

  read_models<Backend> models_;
  bus bus_;
  std::vector<std::jthread> threads_{};
};

}  // namespace shop
