// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gabion/outbox/inbox_store.hpp>
#include <gabion/testing/detail/store_case.hpp>

namespace gabion {
inline namespace v0 {
namespace testing::detail {

/// An inbox under test, with the words in which the cases speak. The consumer is "billing" unless
/// said otherwise.
template <class World>
class inbox_case : public store_case<World> {
 public:
  using store_case<World>::store_case;
  static constexpr std::string_view billing = "billing";

  /// Whether the message is new; remembers it as handled.
  bool handle(const message& m, std::string_view consumer = billing) {
    return this->transact([&](auto& tx) { return this->store().begin_message(tx, consumer, m); });
  }
  void keep_dead(const message& m, std::uint32_t attempts = 3,
                 std::string_view reason = "refused for good") {
    this->transact([&](auto& tx) {
      this->store().keep_dead(tx, billing, m, attempts, reason);
      return 0;
    });
  }
  bool keep_parked(const message& m) {
    return this->transact([&](auto& tx) { return this->store().keep_parked(tx, billing, m); });
  }
  bool blocked(std::string_view key, std::string_view consumer = billing) {
    return this->transact([&](auto& tx) { return this->store().blocked(tx, consumer, key); });
  }
  bool finish(position at, std::string_view consumer = billing) {
    return this->transact([&](auto& tx) { return this->store().finish_letter(tx, consumer, at); });
  }

  [[nodiscard]] std::vector<inbox_letter> letters() {
    return this->store().letters(billing, beginning, 10'000);
  }
  [[nodiscard]] std::optional<inbox_letter> letter(std::string_view id) {
    for (inbox_letter& l : letters())
      if (l.what.id == id) return std::move(l);
    return std::nullopt;
  }
  /// Where the letter of that id lies. Ends the case if there is none.
  [[nodiscard]] position place(std::string_view id) {
    const std::optional<inbox_letter> found = letter(id);
    this->require(found.has_value(), "there is a letter " + std::string{id});
    return found->at;
  }
  /// All letters in order, as "id:status" joined by spaces.
  [[nodiscard]] std::string listing() {
    std::string all;
    for (const inbox_letter& l : letters())
      all += (all.empty() ? "" : " ") + l.what.id + ":" + name_of(l.status);
    return all;
  }
  /// The ids of the redriven letters in order, joined by spaces.
  [[nodiscard]] std::string redriven_ids() {
    std::string all;
    for (const inbox_letter& l : this->store().redriven(billing, beginning, 10'000))
      all += (all.empty() ? "" : " ") + l.what.id;
    return all;
  }
  /// Where the log says the message stands, in words; "none" if it says nothing.
  [[nodiscard]] std::string logged(std::string_view id, std::string_view consumer = billing) {
    const std::optional<inbox_entry> e = this->store().entry(consumer, "/conformance", id);
    return e ? name_of(e->status) : "none";
  }

 private:
  [[nodiscard]] static std::string name_of(inbox_status s) {
    switch (s) {
      case inbox_status::processed: return "processed";
      case inbox_status::dead: return "dead";
      case inbox_status::parked: return "parked";
      case inbox_status::redriven: return "redriven";
    }
    return "unknown";
  }
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace gabion
