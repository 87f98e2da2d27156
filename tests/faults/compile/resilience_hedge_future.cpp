// SPDX-License-Identifier: MIT
#include <future>

#include <gabion/resilience.hpp>

#include "awaited_later.hpp"

#ifdef GABION_MUST_FAIL
std::future<int> send() { return {}; }
#else
int send() { return 1; }
#endif

struct pool {
  template <class Work>
  bool spawn(Work work) {
    work();
    return true;
  }
};

int main() {
  pool spawner;
  gabion::retry_budget budget;
  gabion::basic_hedge hedge{gabion::hedge_options{}, spawner, budget};
  static_cast<void>(hedge.call(gabion::call_context{}, [] { return send(); }));
}
