// SPDX-License-Identifier: MIT
#include <gabion/resilience/pipeline.hpp>

struct audit {
  static constexpr gabion::policy_kind kind = gabion::policy_kind::other;
#ifndef GABION_MUST_FAIL
  struct run {
    explicit run(audit&) {}
    gabion::entry_step enter(gabion::call_context&, const auto&) {
      return gabion::entry_step::pass();
    }
    gabion::exit_step leave(gabion::call_outcome&, gabion::call_context&, const auto&) {
      return gabion::exit_step::up();
    }
  };
#endif
};

int call(audit& policy) {
  return gabion::pipeline(policy).call([] { return 1; });
}
