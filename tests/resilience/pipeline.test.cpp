// SPDX-License-Identifier: MIT
#include "resilience/pipeline_drivers.hpp"

using namespace pipeline_tests;

using pipeline_drivers = driver_list<blocking_driver, callback_driver, task_driver>;

#include "resilience/pipeline_cases.hpp"
