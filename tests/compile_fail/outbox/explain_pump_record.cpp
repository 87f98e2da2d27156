// SPDX-License-Identifier: MIT
#include <gabion/log/pump_action.hpp>

struct parcel {};

template <>
struct gabion::pump_traits<parcel> {
  static position at(const parcel&) { return beginning; }
#ifndef GABION_MUST_FAIL
  static std::string_view key(const parcel&) { return {}; }
#endif
  static std::uint32_t attempts(const parcel&) { return 0; }
  static bool blocked(const parcel&) { return false; }
  static std::size_t bytes(const parcel&) { return 0; }
};

static_assert(gabion::explain_pump_record<parcel>());
