// SPDX-License-Identifier: MIT
#include "order_fixtures.hpp"

int main() {
  static_cast<void>(gabion::pipeline(hedge{}));
  static_cast<void>(gabion::pipeline(gabion::insist(spendthrift_hedge{})));
#ifdef GABION_MUST_FAIL
  static_cast<void>(gabion::pipeline(spendthrift_hedge{}));
#endif
}
