// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gabion/core/message.hpp>
#include <gabion/outbox/transport.hpp>
#include <gabion/testing/conformance.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// What the suite runs in: a transport to an empty broker that takes any message, and everything
/// that has arrived there by now, in the order within each key.
template <class World>
concept transport_world = requires(World& w) {
  requires transport<std::remove_reference_t<decltype(w.transport())>>;
  { w.arrived() } -> std::same_as<std::vector<message>>;
};

namespace detail::transport_cases {

/// How often it polls before a delivery counts as lost; each poll waits at most 10 ms.
inline constexpr int patience = 1000;

inline message numbered(const std::string& key, std::size_t n) {
  return {.id = key + "-" + std::to_string(n),
          .source = "/suite",
          .type = "suite.sent",
          .subject = key,
          .data = std::to_string(n),
          .topic = "suite"};
}

inline std::vector<outgoing> wrap(const std::vector<message>& messages, std::size_t from = 0,
                                  std::size_t count = ~std::size_t{0}) {
  std::vector<outgoing> batch;
  for (std::size_t i = from; i < messages.size() && batch.size() < count; ++i)
    batch.push_back({position{(i + 1) * 10}, &messages[i], 1});
  return batch;
}

/// Polls until `n` deliveries are there, or patience ends.
template <class Transport>
std::vector<delivery> await(Transport& t, std::size_t n) {
  std::vector<delivery> got;
  for (int i = 0; i < patience && got.size() < n; ++i) t.poll(got, std::chrono::milliseconds{10});
  return got;
}

/// Sends everything, in order, whatever the transport takes at once; all of it has to be delivered.
template <class Transport>
std::vector<delivery> send_all(Transport& t, const std::vector<message>& messages) {
  std::vector<delivery> all;
  const std::size_t step = Transport::keeps_key_order ? messages.size() : 1;
  for (std::size_t sent = 0, tries = 0;
       sent < messages.size() && tries < messages.size() + patience; ++tries) {
    const std::vector<outgoing> batch = wrap(messages, sent, step);
    const std::size_t taken = t.submit(batch);
    const std::vector<delivery> got = transport_cases::await(t, taken);
    all.insert(all.end(), got.begin(), got.end());
    sent += taken;
  }
  return all;
}

template <class World>
void arrives_whole(World& w, manual_time&, findings& found) {
  message m = numbered("key", 1);
  m.content_type = "application/octet-stream";
  m.schema = "urn:schema";
  m.time = wall_time{std::chrono::microseconds{1'700'000'000'123'456}};
  m.data = std::string{"\0\xff\r\n binary", 10};
  m.headers = {{"traceparent", "00-1"}, {"twice", "a"}, {"twice", "b"}};
  send_all(w.transport(), {m});
  const std::vector<message> got = w.arrived();
  found.expect(got.size() == 1, "one message was sent, and not one arrived");
  found.expect(got.size() == 1 && got.front() == m, "the message did not arrive as it was sent");
}

template <class World>
void empty_is_not_absent(World& w, manual_time&, findings& found) {
  std::vector<message> both{numbered("a", 1), numbered("b", 1)};
  both[0].data = std::string{};
  both[1].data.reset();
  send_all(w.transport(), both);
  for (const message& m : w.arrived())
    found.expect(m.data.has_value() == (m.subject == "a"),
                 "an empty payload and an absent one look the same");
  found.expect(w.arrived().size() == 2, "two messages were sent, and not two arrived");
}

template <class World>
void one_delivery_each(World& w, manual_time&, findings& found) {
  std::vector<message> messages;
  for (std::size_t i = 0; i < 100; ++i) messages.push_back(numbered("key-" + std::to_string(i), i));
  std::map<position, int> deliveries;
  for (const delivery& d : send_all(w.transport(), messages)) {
    ++deliveries[d.at];
    found.expect(d.result == outcome::delivered, "a good message was not delivered: " + d.reason);
  }
  found.expect(deliveries.size() == messages.size(), "a message got no delivery");
  for (const auto& [at, n] : deliveries)
    found.expect(n == 1 && to_number(at) % 10 == 0,
                 "a delivery came twice, or for what was not submitted");
  std::vector<delivery> late;
  for (int i = 0; i < 10; ++i) w.transport().poll(late, duration::zero());
  found.expect(late.empty(), "a delivery came again later");
}

template <class World>
void order_within_a_key(World& w, manual_time&, findings& found) {
  std::vector<message> messages;
  for (std::size_t i = 0; i < 300; ++i)
    messages.push_back(numbered("key-" + std::to_string(i % 3), i));
  send_all(w.transport(), messages);
  std::map<std::string, std::vector<std::string>> sent;
  std::map<std::string, std::vector<std::string>> arrived;
  for (const message& m : messages) sent[m.subject].push_back(m.id);
  for (const message& m : w.arrived()) arrived[m.subject].push_back(m.id);
  found.expect(sent == arrived, "the messages of a key arrived in another order, or not once each");
}

template <class World>
void nothing_is_nothing(World& w, manual_time&, findings& found) {
  found.expect(w.transport().submit(std::span<const outgoing>{}) == 0, "more was taken than given");
  std::vector<delivery> known{{.at = position{7}, .reason = "mine"}};
  w.transport().poll(known, duration::zero());
  found.expect(known.size() == 1 && known.front().reason == "mine",
               "poll touched what was in the list, or made something up");
  found.expect(w.arrived().empty(), "something arrived although nothing was sent");
}

template <class World>
void a_large_backlog(World& w, manual_time&, findings& found) {
  std::vector<message> messages;
  for (std::size_t i = 0; i < 5000; ++i)
    messages.push_back(numbered("key-" + std::to_string(i % 100), i));
  const std::vector<delivery> known = send_all(w.transport(), messages);
  found.expect(known.size() == messages.size(), "not every message of a backlog was delivered");
  found.expect(w.arrived().size() == messages.size(),
               "not every message of a backlog arrived once");
}

template <transport_world World>
inline constexpr conformance_case<World> all[] = {
    {"a message arrives whole", arrives_whole<World>},
    {"an empty payload is not an absent one", empty_is_not_absent<World>},
    {"each message gets exactly one delivery", one_delivery_each<World>},
    {"order is kept within a key", order_within_a_key<World>},
    {"an empty submission and a poll of nothing do nothing", nothing_is_nothing<World>},
    {"a backlog larger than any queue arrives", a_large_backlog<World>},
};

}  // namespace detail::transport_cases

/// The cases that every transport must pass. Run each in a world of its own:
///
///   testing::run_suite(testing::transport_suite<my_world>(), [](testing::manual_time&) { return
///   my_world{}; }, report);
///
/// What only a broken broker shows (in doubt, rejected, unavailable) is for tests of the adapter.
template <transport_world World>
[[nodiscard]] constexpr const auto& transport_suite() noexcept {
  return detail::transport_cases::all<World>;
}

}  // namespace testing
}  // namespace v0
}  // namespace gabion
