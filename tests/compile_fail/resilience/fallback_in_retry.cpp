// SPDX-License-Identifier: MIT
#include "order_fixtures.hpp"

int main() {
  static_cast<void>(gabion::pipeline(fallback{}, retry{}));
  static_cast<void>(gabion::pipeline(retry{}, gabion::insist(fallback{})));
#ifdef GABION_MUST_FAIL
  static_cast<void>(gabion::pipeline(retry{}, fallback{}));
#endif
}
