// SPDX-License-Identifier: MIT
#include <gabion/core/wire_name.hpp>

struct order {
#ifndef GABION_MUST_FAIL
  static constexpr std::string_view wire_name = "order.placed";
#endif
};

static_assert(gabion::explain_wire_named<order>());
static_assert(gabion::wire_name_of<order>() == "order.placed");
