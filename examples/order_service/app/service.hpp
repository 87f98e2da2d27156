// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "app/order_app.hpp"
#include "app/sqlite_backend_options.hpp"
#include "payments/payment_desk_options.hpp"

namespace shop {

/// The application with its threads.
class service : public order_app {
 public:
  virtual void start() = 0;

  /// Finishes what has begun. All that is acknowledged is durable already, and what is not yet
  /// published, consumed or shown goes on after the next start; so nobody has to wait for anybody
  /// else here.
  virtual void stop() = 0;
};

/// The service on a SQLite file. Throws gabion::error if the file can't be used.
[[nodiscard]] std::unique_ptr<service> make_sqlite_service(const sqlite_backend_options& file,
                                                           const payment_desk_options& payments);

/// The service in memory.
[[nodiscard]] std::unique_ptr<service> make_memory_service(const payment_desk_options& payments);

}  // namespace shop
