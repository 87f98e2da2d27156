// SPDX-License-Identifier: MIT
#pragma once

#include <httplib.h>

#include "app/order_app.hpp"

namespace shop {

/// Registers the service's HTTP API. The application must outlive the server.
///
///   POST   /orders                   place an order            202, Location, Consistency-Token;
///   honours Idempotency-Key PUT    /orders/{id}              replace its items         202;
///   honours Idempotency-Key and If-Match POST   /orders/{id}/items        add an item 202; the
///   same DELETE /orders/{id}              cancel it                 202; the same GET /orders/{id}
///   one order                 200 with ETag, 304; honours Consistency-Token GET
///   /orders?status=&customer=&limit=&after=             200, a page and a link to the next GET
///   /customers/{id}/orders    a customer and a page     200 GET    /analytics/orders totals 200
///   GET    /health, GET /metrics
///
/// Each query says in Read-Model-Lag how many events it is behind the log, and in Positions-Behind
/// how far behind the client's token. What goes wrong is an application/problem+json.
void register_api(httplib::Server& routes, order_app& app);

}  // namespace shop
