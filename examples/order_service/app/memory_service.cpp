// SPDX-License-Identifier: MIT
// The other place where the service is put together; see sqlite_service.cpp.
#include "app/memory_backend.hpp"
#include "app/order_service.hpp"

namespace shop {

std::unique_ptr<service> make_memory_service(const payment_desk_options& payments) {
  return std::make_unique<order_service<memory_backend>>(payments);
}

}  // namespace shop
