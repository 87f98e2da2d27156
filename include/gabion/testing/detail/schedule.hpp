// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/version.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// What a thread of a scenario is about to do to shared memory.
enum class access : std::uint8_t { load, store, update, lock, wait, sleep };

namespace detail {

/// One step of an execution, and what was chosen in it.
struct step {
  std::uint8_t thread = 0;
  access what = access::load;
  std::uint8_t age = 0;     // a load: how many stores before the newest
  bool spurious = false;    // a weak compare-and-exchange that failed for nothing
  std::uint32_t where = 0;  // number of the location
  std::uint64_t value = 0;  // read, or else written
};

/// Steps in a row by one thread are its letter and their number; a small letter after them says how
/// old the value is that the last of them read (b: one store before the newest), and an exclamation
/// mark that it failed for nothing: `A5bB2A`.
[[nodiscard]] inline std::string schedule_of(const std::vector<step>& steps) {
  std::string text;
  for (std::size_t i = 0; i < steps.size();) {
    std::size_t end = i + 1;
    while (end < steps.size() && steps[end].thread == steps[i].thread && steps[end - 1].age == 0 &&
           !steps[end - 1].spurious)
      ++end;
    const step& last = steps[end - 1];
    text += static_cast<char>('A' + last.thread);
    if (end - i > 1) text += std::to_string(end - i);
    if (last.age != 0) text += static_cast<char>('a' + last.age);
    if (last.spurious) text += '!';
    i = end;
  }
  return text;
}

/// The steps of such a text, with thread, age and spurious set. False if it is none.
[[nodiscard]] inline bool steps_of(std::string_view text, std::vector<step>& steps) {
  steps.clear();
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] < 'A' || text[i] > 'H') return false;
    const auto thread = static_cast<std::uint8_t>(text[i++] - 'A');
    std::size_t count = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && count < 100'000; ++i)
      count = count * 10 + static_cast<std::size_t>(text[i] - '0');
    steps.insert(steps.end(), count == 0 ? 1 : count, step{.thread = thread});
    if (i < text.size() && text[i] >= 'a' && text[i] <= 'z')
      steps.back().age = static_cast<std::uint8_t>(text[i++] - 'a');
    if (i < text.size() && text[i] == '!') steps.back().spurious = ++i != 0;
  }
  return true;
}

/// The same for people: `A:load #0 = 5, one before the newest`.
[[nodiscard]] inline std::string trace_of(const std::vector<step>& steps) {
  constexpr std::array<std::string_view, 6> verbs{"load", "store", "update",
                                                  "lock", "wait",  "sleep"};
  std::string text;
  for (const step& s : steps) {
    if (!text.empty()) text += "; ";
    text += static_cast<char>('A' + s.thread);
    text.append(":")
        .append(verbs[static_cast<std::size_t>(s.what)])
        .append(" #")
        .append(std::to_string(s.where));
    if (s.what <= access::update)
      text.append(" = ").append(std::to_string(static_cast<std::int64_t>(s.value)));
    if (s.age != 0) text.append(" (old by ").append(std::to_string(s.age)).append(")");
    if (s.spurious) text += " (failed for nothing)";
  }
  return text;
}

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace gabion
