// SPDX-License-Identifier: MIT
#include "order_fixtures.hpp"

int main() {
  static_cast<void>(gabion::pipeline(queue{}, timeout{}));
  static_cast<void>(gabion::pipeline(timeout{}, retry{}, queue{}, timeout{}));
  static_cast<void>(gabion::pipeline(gabion::insist(timeout{}), queue{}));
#ifdef GABION_MUST_FAIL
  static_cast<void>(gabion::pipeline(timeout{}, queue{}));
#endif
}
