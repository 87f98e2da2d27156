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
  gabion::basic_detached_timeout limited{gabion::detached_timeout_options{}, spawner};
  static_cast<void>(limited.call([] { return send(); }));
}
