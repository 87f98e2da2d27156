// SPDX-License-Identifier: MIT
// One of two places where the service is put together: each back end takes a while to compile.
#include "app/order_service.hpp"
#include "app/sqlite_backend.hpp"

namespace shop {

std::unique_ptr<service> make_sqlite_service(const sqlite_backend_options& file,
                                             const payment_desk_options& payments) {
  return std::make_unique<order_service<sqlite_backend>>(payments, file);
}

}  // namespace shop
