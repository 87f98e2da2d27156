// SPDX-License-Identifier: MIT
#include "order_fixtures.hpp"

int main() {
  static_cast<void>(gabion::pipeline(retry{}, breaker{}));
  static_cast<void>(gabion::pipeline(breaker{}, gabion::insist(retry{})));
#ifdef GABION_MUST_FAIL
  static_cast<void>(gabion::pipeline(breaker{}, retry{}));
#endif
}
