// SPDX-License-Identifier: MIT
#include "order_fixtures.hpp"

int main() {
  static_cast<void>(gabion::pipeline(fallback{}, breaker{}));
  static_cast<void>(gabion::pipeline(breaker{}, gabion::insist(fallback{})));
#ifdef GABION_MUST_FAIL
  static_cast<void>(gabion::pipeline(breaker{}, fallback{}));
#endif
}
