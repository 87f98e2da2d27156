// SPDX-License-Identifier: MIT
#include <gabion/cqrs/command_bus.hpp>

struct place_order {};

int main() {
#ifdef GABION_MUST_FAIL
  const auto middleware = [](const auto& message, auto& next) { return next(message); };
#else
  const auto middleware = [](auto& context, const auto& message, auto& next) {
    return next(context, message);
  };
#endif
  gabion::command_bus bus{gabion::middlewares{middleware},
                          gabion::handle([](const place_order&) { return 0; })};
  return bus.send(place_order{});
}
