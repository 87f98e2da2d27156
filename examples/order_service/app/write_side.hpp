// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include <gabion/adapters/nlohmann_json/codec.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/conflict_retry.hpp>
#include <gabion/cqrs/idempotency.hpp>
#include <gabion/cqrs/observation.hpp>
#include <gabion/cqrs/unit_of_work.hpp>
#include <gabion/cqrs/validation.hpp>

#include "app/metrics.hpp"
#include "app/order_app.hpp"
#include "app/order_writer.hpp"
#include "domain/command_json.hpp"

namespace shop {

inline void to_json(nlohmann::json& j, const receipt& r) {
  j = {{"order_id", r.order_id}, {"version", r.version}, {"at", gabion::to_number(r.at)}};
}
inline void from_json(const nlohmann::json& j, receipt& r) {
  j.at("order_id").get_to(r.order_id);
  j.at("version").get_to(r.version);
  r.at = gabion::position{j.at("at").get<std::uint64_t>()};
}

/// What each command does, inside the transaction that stands open around it.
template <class Backend>
class command_handlers {
 public:
  using unit = gabion::unit_of_work<typename Backend::transaction, const gabion::command_context>;

  command_handlers(Backend& backend, order_writer<Backend>& orders) noexcept
      : tables_{&backend.tables}, orders_{&orders} {}

  receipt place(unit& work, const place_order& command) {
    return handle(work, to_string(new_id_()), command);
  }

  /// Lets the order decide.
  template <class Command>
  receipt handle(unit& work, const std::string& order_id, const Command& command) {
    const gabion::executed done = write(work, order_id, command);
    return {.order_id = order_id, .version = done.version, .at = done.at};
  }

  /// A result of the provider closes the payment and the row that asked for it, together.
  template <class Command>
  receipt close_payment(unit& work, const Command& command) {
    tables_->remove_due(work.transaction(), command.order_id, command.number);
    return handle(work, command.order_id, command);
  }

  /// The row stays, and remembers that the order says so.
  receipt keep_for_later(unit& work, const queue_payment& command) {
    const gabion::executed done = write(work, command.order_id, command);
    const due_payment queued{.order_id = command.order_id,
                             .number = command.number,
                             .amount = command.amount,
                             .queued = true};
    if (!done.events.empty()) tables_->put_due(work.transaction(), queued);
    return {.order_id = command.order_id, .version = done.version, .at = done.at};
  }

 private:
  template <class Command>
  gabion::executed write(unit& work, const std::string& order_id, const Command& command) {
    const gabion::execute_options options{
        .expected = work.context().expected.value_or(gabion::expected_version::any())};
    return orders_->write(work.transaction(), order_id, command, options);
  }

  typename Backend::tables_type* tables_;
  order_writer<Backend>* orders_;
  // ids rise with time, so a list in their order is one in the order of placing
  gabion::shared_uuid_v7_generator new_id_{};
};

/// The command bus of the service. What stands around every handler, outermost first:
///
///   observation     counts, times and logs
///   validation      refuses what is wrong whatever the order looks like
///   conflict_retry  decides again if somebody else was faster, unless the client said which
///   version it saw transactional   one transaction, whose commit is shared with whoever writes at
///   the same time idempotency     a command under a known key is not handled again; its first
///   result is given back
template <class Backend>
auto make_command_bus(Backend& backend, command_handlers<Backend>& handlers,
                      service_metrics& metrics) {
  using unit = typename command_handlers<Backend>::unit;
  const command_observer observer{&metrics};
  const auto pause = [](gabion::duration d) { std::this_thread::sleep_for(d); };
  command_handlers<Backend>* const h = &handlers;
  return gabion::command_bus{
      gabion::commands<place_order, change_order, add_item, cancel_order, queue_payment,
                       record_payment, decline_payment>{},
      gabion::middlewares{gabion::observation{observer}, gabion::validation{},
                          gabion::conflict_retry{pause}, gabion::transactional{backend.transactor},
                          gabion::idempotency{backend.commands, gabion::json_codec{}, observer}},
      gabion::handle<place_order>(
          [h](const place_order& c, unit& work) { return h->place(work, c); }),
      gabion::handle<change_order>(
          [h](const change_order& c, unit& work) { return h->handle(work, c.order_id, c); }),
      gabion::handle<add_item>(
          [h](const add_item& c, unit& work) { return h->handle(work, c.order_id, c); }),
      gabion::handle<cancel_order>(
          [h](const cancel_order& c, unit& work) { return h->handle(work, c.order_id, c); }),
      gabion::handle<queue_payment>(
          [h](const queue_payment& c, unit& work) { return h->keep_for_later(work, c); }),
      gabion::handle<record_payment>(
          [h](const record_payment& c, unit& work) { return h->close_payment(work, c); }),
      gabion::handle<decline_payment>(
          [h](const decline_payment& c, unit& work) { return h->close_payment(work, c); })};
}

/// The bus with its handlers. Safe to use from several threads.
template <class Backend>
class write_side {
 public:
  write_side(Backend& backend, order_writer<Backend>& orders, service_metrics& metrics)
      : handlers_{backend, orders}, bus_{make_command_bus(backend, handlers_, metrics)} {}
  write_side(const write_side&) = delete;
  write_side& operator=(const write_side&) = delete;

  template <class Command>
  receipt send(const Command& command, const gabion::command_context& context) {
    return bus_.send(command, context);
  }

 private:
  using bus = decltype(make_command_bus(std::declval<Backend&>(),
                                        std::declval<command_handlers<Backend>&>(),
                                        std::declval<service_metrics&>()));

  command_handlers<Backend> handlers_;
  bus bus_;
};

}  // namespace shop
