// SPDX-License-Identifier: MIT
#include "order_fixtures.hpp"

int main() {
  static_cast<void>(gabion::pipeline(retry{}, hedge{}));
  static_cast<void>(gabion::pipeline(gabion::insist(hedge{}), retry{}));
#ifdef GABION_MUST_FAIL
  static_cast<void>(gabion::pipeline(hedge{}, retry{}));
#endif
}
