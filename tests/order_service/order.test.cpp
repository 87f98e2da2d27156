// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <gabion/testing/given_when_then.hpp>

#include "domain/order.hpp"

using namespace shop;
using gabion::errc;
using gabion::testing::given;

namespace {

const customer ada{.id = "c-1", .name = "Ada", .email = "ada@example.com"};
const item book{.product = "book", .quantity = 2, .unit_price = {1500}};
const item cup{.product = "cup", .quantity = 1, .unit_price = {700}};
const std::string id = "o-1";
const order_placed placed{.by = ada, .items = {book}};
const payment_requested asked{.number = 1, .amount = {3000}};
const payment_received received{.number = 1, .amount = {3000}, .customer_id = "c-1"};

template <class... Events>
order_status status_after(const Events&... events) {
  return given<order_rules>(events...).state().status();
}

}  // namespace

TEST_CASE("an order is placed once", "[order_service][domain]") {
  CHECK(given<order_rules>().when(place_order{ada, {book}}).then(placed));
  CHECK(given<order_rules>(placed).when(place_order{ada, {book}}).then_refused(errc::rejected));
}

TEST_CASE("an order that does not exist takes no command", "[order_service][domain]") {
  const auto nothing = given<order_rules>();
  CHECK(nothing.when(change_order{id, {cup}}).then_refused(errc::not_found));
  CHECK(nothing.when(add_item{id, cup}).then_refused(errc::not_found));
  CHECK(nothing.when(cancel_order{id}).then_refused(errc::not_found));
  CHECK(nothing.when(settle_balance{id}).then_refused(errc::not_found));
}

TEST_CASE("a change tells what was there before and the same items are no change",
          "[order_service][domain]") {
  CHECK(given<order_rules>(placed)
            .when(change_order{id, {cup}})
            .then(order_changed{.before = {book}, .items = {cup}}));
  CHECK(given<order_rules>(placed).when(change_order{id, {book}}).then_nothing());
}

TEST_CASE("an item is added behind the others up to the limit", "[order_service][domain]") {
  CHECK(given<order_rules>(placed).when(add_item{id, cup}).then(item_added{cup}));
  CHECK(given<order_rules>(placed, item_added{cup}).state().items == std::vector<item>{book, cup});
  const order_placed almost{.by = ada, .items = std::vector<item>(order_limits::items - 1, cup)};
  const order_placed full{.by = ada, .items = std::vector<item>(order_limits::items, cup)};
  CHECK(given<order_rules>(almost).when(add_item{id, cup}).then(item_added{cup}));
  CHECK(given<order_rules>(full).when(add_item{id, cup}).then_refused(errc::rejected));
}

TEST_CASE("a cancelled order stays as it is and cancelling it again does nothing",
          "[order_service][domain]") {
  const order_cancelled cancelled{.customer_id = "c-1", .items = {book}};
  CHECK(given<order_rules>(placed).when(cancel_order{id}).then(cancelled));
  const auto gone = given<order_rules>(placed, cancelled);
  CHECK(gone.when(cancel_order{id}).then_nothing());
  CHECK(gone.when(change_order{id, {cup}}).then_refused(errc::rejected));
  CHECK(gone.when(add_item{id, cup}).then_refused(errc::rejected));
  CHECK(gone.state().total() == money{0});
}

TEST_CASE("what is owed is asked for once", "[order_service][payments]") {
  CHECK(given<order_rules>(placed).when(settle_balance{id}).then(asked));
  CHECK(given<order_rules>(placed, asked).when(settle_balance{id}).then_nothing());
  CHECK(given<order_rules>(placed, asked, received).when(settle_balance{id}).then_nothing());
}

TEST_CASE("what is added after a payment is asked for apart and what was paid too much goes back",
          "[order_service][payments]") {
  const auto added = given<order_rules>(placed, asked, received, item_added{cup});
  CHECK(added.when(settle_balance{id}).then(payment_requested{.number = 2, .amount = {700}}));
  const auto cheaper =
      given<order_rules>(placed, asked, received, order_changed{.before = {book}, .items = {cup}});
  CHECK(cheaper.when(settle_balance{id}).then(payment_requested{.number = 2, .amount = {-2300}}));
  const auto cancelled = given<order_rules>(placed, asked, received,
                                            order_cancelled{.customer_id = "c-1", .items = {book}});
  CHECK(cancelled.when(settle_balance{id}).then(payment_requested{.number = 2, .amount = {-3000}}));
}

TEST_CASE("a payment under way keeps its amount whatever happens to the order",
          "[order_service][payments]") {
  const auto changed = given<order_rules>(placed, asked, item_added{cup});
  CHECK(changed.when(settle_balance{id}).then_nothing());
  CHECK(changed.when(record_payment{id, 1}).then(received));
}

TEST_CASE("a result that comes twice or for another payment changes nothing",
          "[order_service][payments]") {
  CHECK(given<order_rules>(placed, asked, received).when(record_payment{id, 1}).then_nothing());
  CHECK(given<order_rules>(placed, asked).when(record_payment{id, 2}).then_nothing());
  CHECK(given<order_rules>(placed, asked).when(decline_payment{id, 7, "no"}).then_nothing());
  CHECK(given<order_rules>(placed).when(queue_payment{id, 1, {}, "down"}).then_nothing());
}

TEST_CASE("a payment is queued once", "[order_service][payments]") {
  const payment_queued queued{.number = 1, .reason = "down"};
  CHECK(given<order_rules>(placed, asked).when(queue_payment{id, 1, {}, "down"}).then(queued));
  CHECK(given<order_rules>(placed, asked, queued)
            .when(queue_payment{id, 1, {}, "still down"})
            .then_nothing());
  CHECK(given<order_rules>(placed, asked, queued).when(record_payment{id, 1}).then(received));
}

TEST_CASE("after a declined payment only what was paid before goes back",
          "[order_service][payments]") {
  const payment_declined declined{.number = 1, .reason = "limit"};
  CHECK(given<order_rules>(placed, asked).when(decline_payment{id, 1, "limit"}).then(declined));
  CHECK(given<order_rules>(placed, asked, declined).when(settle_balance{id}).then_nothing());
  const auto paid_then_declined = given<order_rules>(
      placed, asked, received, item_added{cup}, payment_requested{.number = 2, .amount = {700}},
      payment_declined{.number = 2, .reason = "limit"},
      order_cancelled{.customer_id = "c-1", .items = {book, cup}});
  CHECK(paid_then_declined.when(settle_balance{id})
            .then(payment_requested{.number = 3, .amount = {-3000}}));
}

TEST_CASE("the status follows from what happened", "[order_service][domain]") {
  CHECK(status_after(placed) == order_status::placed);
  CHECK(status_after(placed, asked) == order_status::awaiting_payment);
  CHECK(status_after(placed, asked, payment_queued{.number = 1, .reason = "down"}) ==
        order_status::payment_queued);
  CHECK(status_after(placed, asked, received) == order_status::paid);
  CHECK(status_after(placed, asked, received, item_added{cup}) == order_status::placed);
  CHECK(status_after(placed, asked, payment_declined{.number = 1, .reason = "limit"}) ==
        order_status::payment_declined);
  CHECK(status_after(placed, order_cancelled{.customer_id = "c-1", .items = {book}}) ==
        order_status::cancelled);
  CHECK(status_after(order_placed{
            .by = ada, .items = {{.product = "gift", .quantity = 1, .unit_price = {0}}}}) ==
        order_status::paid);
}

TEST_CASE("every status has a name that reads back", "[order_service][domain]") {
  for (const char* name :
       {"placed", "awaiting_payment", "payment_queued", "paid", "payment_declined", "cancelled"}) {
    const auto status = parse_status(name);
    REQUIRE(status.has_value());
    CHECK(to_string(*status) == name);
  }
  CHECK_FALSE(parse_status("lost").has_value());
}

TEST_CASE("a command whose items cost too much is not valid", "[order_service][domain]") {
  const item dear{.product = "ship", .quantity = 10, .unit_price = order_limits::unit_price};
  const item dearer{.product = "ship", .quantity = 11, .unit_price = order_limits::unit_price};
  CHECK_FALSE(place_order{ada, {dear}}.validate().has_value());
  REQUIRE(place_order{ada, {dearer}}.validate().has_value());
  CHECK(place_order{ada, {dearer}}.validate()->field == "items");
  CHECK(change_order{id, {dearer}}.validate().has_value());
  CHECK(add_item{id, dearer}.validate().has_value());
}
