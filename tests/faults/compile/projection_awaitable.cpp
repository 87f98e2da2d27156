// SPDX-License-Identifier: MIT
#include <gabion/adapters/memory/database.hpp>
#include <gabion/cqrs/projection.hpp>

#include "awaitable.hpp"

using transaction = gabion::memory::database::transaction;

struct totals {
  static constexpr std::string_view name = "totals";
  static constexpr std::uint32_t version = 1;
#ifdef GABION_MUST_FAIL
  task apply(transaction&, const gabion::recorded_event&) { co_return; }
#else
  void apply(transaction&, const gabion::recorded_event&) {}
#endif
};

static_assert(gabion::explain_projection<totals, transaction>());

int main() {}
