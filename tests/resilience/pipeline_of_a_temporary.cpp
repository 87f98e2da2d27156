// SPDX-License-Identifier: MIT
#include <gabion/resilience/bulkhead.hpp>
#include <gabion/resilience/pipeline.hpp>

int call() {
#ifndef GABION_MUST_FAIL
  gabion::bulkhead limit{{.limit = 1}};
  return gabion::pipeline(limit).call([] { return 1; });
#else
  return gabion::pipeline(gabion::bulkhead{{.limit = 1}}).call([] { return 1; });
#endif
}
