// SPDX-License-Identifier: MIT
#include "cqrs_fixtures.hpp"

struct forgetful {
  using transaction = database::transaction;
};

int main() {
#ifdef GABION_MUST_FAIL
  return gabion::explain_command_log<forgetful>() ? 0 : 1;
#else
  return gabion::explain_command_log<command_log>() ? 0 : 1;
#endif
}
