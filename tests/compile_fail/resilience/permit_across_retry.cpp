// SPDX-License-Identifier: MIT
#include "order_fixtures.hpp"

int main() {
  static_cast<void>(gabion::pipeline(retry{}, bulkhead{}));
  static_cast<void>(gabion::pipeline(gabion::insist(bulkhead{}), retry{}));
#ifdef GABION_MUST_FAIL
  static_cast<void>(gabion::pipeline(bulkhead{}, retry{}));
#endif
}
