// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <gabion/testing/detail/message_samples.hpp>
#include <gabion/testing/detail/outbox_case.hpp>

/// Cases about what messages may hold.
namespace gabion {
inline namespace v0 {
namespace testing::detail::outbox_cases {

template <class Case>
void messages_come_back_exactly(Case& c) {
  const std::vector<message_sample> samples = message_samples();
  std::vector<message> batch;
  for (const message_sample& s : samples) batch.push_back(s.what);
  c.put(batch);
  const std::vector<outbox_record> got = c.pending();
  c.require(got.size() == samples.size(), "each of them is stored");
  for (std::size_t i = 0; i < got.size(); ++i)
    c.expect(got[i].what == samples[i].what, "comes back as it was: " + samples[i].why);
}

template <class Case>
void keys_are_compared_byte_by_byte(Case& c) {
  const lease held = c.own();
  const position first = c.put_one(letter_of("dead", std::string("k\0a", 3)));
  c.settled(held, {dead(first)});
  c.put({letter_of("same", std::string("k\0a", 3)), letter_of("shorter", "k"),
         letter_of("other", std::string("k\0b", 3)), letter_of("case", std::string("K\0a", 3))});
  for (const outbox_record& r : c.pending())
    c.expect(r.blocked == (r.what.id == "same"), "only the very same key is blocked: " + r.what.id);
}

/// Stored whole or refused with a clear error and nothing written, so that it is never poison
/// later.
template <class Case>
void large_payload_is_kept_or_refused(Case& c, std::size_t size) {
  std::vector<message> batch(2, letter_of("small"));
  batch[1].id = "large";
  batch[1].data->assign(size, 'p');
  const std::error_code code = code_of([&] { c.put(batch); });
  const std::string what = " (" + std::to_string(size) + " bytes)";
  if (code) {
    c.expect(code == errc::too_large, "a payload that is refused is too large" + what);
    c.expect(c.pending().empty(), "and nothing of its batch is written" + what);
  } else {
    c.require(c.ids() == "small large", "a payload that is not refused is stored" + what);
    c.expect(c.pending().back().what.data == batch[1].data, "whole" + what);
  }
}

template <class Case>
void just_below_a_mebibyte(Case& c) {
  large_payload_is_kept_or_refused(c, (std::size_t{1} << 20U) - 1);
}
template <class Case>
void a_mebibyte(Case& c) {
  large_payload_is_kept_or_refused(c, std::size_t{1} << 20U);
}
template <class Case>
void just_above_a_mebibyte(Case& c) {
  large_payload_is_kept_or_refused(c, (std::size_t{1} << 20U) + 1);
}
template <class Case>
void a_hundred_mebibytes(Case& c) {
  large_payload_is_kept_or_refused(c, std::size_t{100} << 20U);
}

template <class Case>
void header_without_a_name_is_refused(Case& c) {
  message bad = letter_of("a");
  bad.headers = {{"", "value"}};
  c.expect(code_of([&] { c.put({bad}); }) == errc::invalid_argument,
           "a header without a name is an invalid argument");
  c.expect(c.pending().empty(), "and nothing is written");
}

}  // namespace testing::detail::outbox_cases
}  // namespace v0
}  // namespace gabion
