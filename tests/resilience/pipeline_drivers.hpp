// SPDX-License-Identifier: MIT
// Runs a promise of pipeline_suite.hpp with each driver of a list.
#pragma once

#include "resilience/pipeline_suite.hpp"

namespace pipeline_tests {

template <class... Drivers>
struct driver_list {
  template <class Promise>
  static void each(Promise promise) {
    (with<Drivers>(promise), ...);
  }

 private:
  template <class Driver, class Promise>
  static void with(Promise& promise) {
    INFO("driven by " << Driver::name);
    pipeline_suite<Driver> suite;
    promise(suite);
  }
};

}  // namespace pipeline_tests
