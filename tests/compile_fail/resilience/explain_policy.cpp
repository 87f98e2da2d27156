// SPDX-License-Identifier: MIT
#include <gabion/resilience/pipeline.hpp>

struct passing {
  static constexpr gabion::policy_kind kind = gabion::policy_kind::other;
  struct run {
    explicit run(passing& /*policy*/) {}
    template <class Now>
    static gabion::entry_step enter(gabion::call_context& /*context*/, const Now& /*now*/) {
      return gabion::entry_step::pass();
    }
#ifndef GABION_MUST_FAIL
    template <class Now>
    static gabion::exit_step leave(gabion::call_outcome& /*outcome*/,
                                   gabion::call_context& /*context*/, const Now& /*now*/) {
      return gabion::exit_step::up();
    }
#endif
  };
};

int main() { static_cast<void>(gabion::pipeline(passing{})); }
