// SPDX-License-Identifier: MIT
#include <string_view>

#include <gabion/adapters/memory/checkpoint_store.hpp>
#include <gabion/adapters/memory/event_store.hpp>
#include <gabion/cqrs.hpp>

struct codec {};

struct counter {
  static constexpr std::string_view name = "counter";
  static constexpr std::uint32_t version = 1;
  void apply(gabion::memory::database::transaction&, const gabion::recorded_event&) {}
};

void project(counter& into, gabion::memory::database& db, gabion::memory::event_store& events,
             gabion::memory::checkpoint_store& checkpoints) {
#ifdef GABION_MUST_FAIL
  const auto alarm = [](std::string_view) {};
#else
  const auto alarm = [](const gabion::projection_faulted&) {};
#endif
  gabion::basic_projector p{into, db, events, checkpoints, codec{}, {}, gabion::steady_clock{},
                            alarm};
  (void)p;
}
