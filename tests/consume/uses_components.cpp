// SPDX-License-Identifier: MIT
#include <gabion/circuit_breaker.hpp>
#include <gabion/cqrs.hpp>
#include <gabion/observe.hpp>
#include <gabion/outbox.hpp>
#include <gabion/resilience.hpp>
#include <gabion/version.hpp>

static_assert(GABION_VERSION_MAJOR == 0);

int main() {
  gabion::circuit_breaker breaker{{}};
  return breaker.call([] { return 0; });
}
