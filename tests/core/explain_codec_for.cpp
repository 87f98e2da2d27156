// SPDX-License-Identifier: MIT
#include <gabion/core/codec.hpp>

struct order {};

struct codec {
  std::string_view content_type() const { return "text/plain"; }
  std::string encode(const order&) const { return {}; }
#ifndef GABION_MUST_FAIL
  template <class T>
  T decode(std::string_view) const {
    return {};
  }
#endif
};

static_assert(gabion::explain_codec_for<codec, order>());
