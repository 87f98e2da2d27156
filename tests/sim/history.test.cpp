// SPDX-License-Identifier: MIT
#include <algorithm>
#include <functional>
#include <string>

#include "support/catch.hpp"
#include "support/history.hpp"

using namespace gabion_test;

namespace {

history legal() {
  history h;
  h.consumers = {"email"};
  for (int i = 0; i < 6; ++i)
    h.committed.push_back({"m" + std::to_string(i), i % 2 == 0 ? "a" : "b"});
  h.rolled_back = {"gone"};
  h.log = h.committed;
  h.log.insert(h.log.begin() + 3, h.log[1]);  // a duplicate is allowed
  std::size_t n = 0;
  for (const mention& m : h.committed) {
    h.marks.push_back({m.id, 1 + n / 3, h.log.size()});
    h.effects.push_back({"email", m});
    ++n;
  }
  return h;
}

std::string first_violation(history h) {
  auto found = history_checker{h}.violations(true);
  return found.empty() ? "" : found.front();
}

}  // namespace

TEST_CASE("a legal history with a duplicate is accepted", "[history]") {
  CHECK(first_violation(legal()) == "");
  CHECK(duplicates(legal()) == 1);
}

TEST_CASE("every single corruption of a history is caught by its rule", "[history]") {
  struct corruption {
    std::string rule;
    std::function<void(history&)> apply;
  };
  const auto c = GENERATE(
      corruption{"lost",
                 [](history& h) {
                   std::erase_if(h.log, [](const mention& m) { return m.id == "m5"; }),
                       h.marks.pop_back();
                 }},
      corruption{"atomic", [](history& h) { h.log.push_back({"gone", "a"}); }},
      corruption{"invented", [](history& h) { h.log.push_back({"forged", "a"}); }},
      corruption{"altered", [](history& h) { h.log.push_back({"m0", "b"}); }},
      corruption{"order", [](history& h) { std::swap(h.log[0], h.log[2]); }},
      corruption{"mark", [](history& h) { h.marks[0].log_size = 0; }},
      corruption{"mark", [](history& h) { h.marks.push_back({"gone", 9, 99}); }},
      corruption{"epoch",
                 [](history& h) { std::swap(h.marks.front().epoch, h.marks.back().epoch); }},
      corruption{"once", [](history& h) { h.effects.push_back(h.effects.back()); }},
      corruption{"effect: ", [](history& h) { h.effects.pop_back(); }},
      corruption{"effect order", [](history& h) { std::swap(h.effects[0], h.effects[2]); }},
      corruption{"invented", [](history& h) { h.effects.push_back({"email", {"forged", "a"}}); }});
  history h = legal();
  c.apply(h);
  INFO(c.rule);
  CHECK(first_violation(h).rfind(c.rule, 0) == 0);
}
