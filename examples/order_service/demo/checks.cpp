// SPDX-License-Identifier: MIT
#include "demo/checks.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace shop::demo {

namespace {

using std::string_view;

constexpr std::array<string_view, 4> booked_types{"order.placed", "order.changed",
                                                  "order.item_added", "order.cancelled"};
constexpr std::array<string_view, 4> emailed_types{
    "order.placed", "order.cancelled", "order.payment_received", "order.payment_declined"};

template <class Types>
bool is_one_of(const Types& types, const std::string& type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::string name_of(const std::string& order_id, std::uint64_t version) {
  return order_id + " v" + std::to_string(version);
}

/// Every event of these types must have caused exactly one of these effects, and nothing else may
/// have.
template <class Types>
void match_effects(finding& f, const char* service, const evidence& e, const Types& types,
                   const std::vector<effect>& effects) {
  std::map<std::string, std::size_t> times;
  for (const effect& done : effects) ++times[done.event_id];
  for (const stored_event& event : e.events) {
    if (!is_one_of(types, event.type)) continue;
    ++f.looked_at;
    const auto found = times.find(event.id);
    const std::size_t n = found == times.end() ? 0 : found->second;
    if (n != 1)
      f.break_with(std::string{service} + ": " + event.type + " " + event.id + " had its effect " +
                   std::to_string(n) + " times");
    if (found != times.end()) times.erase(found);
  }
  for (const auto& [id, n] : times)
    f.break_with(std::string{service} + ": an effect for " + id + ", which is no such event");
}

void follow_versions(finding& f, const char* service, const std::vector<effect>& effects) {
  std::map<std::string, std::uint64_t> last;
  for (const effect& done : effects) {
    ++f.looked_at;
    std::uint64_t& before = last[done.order_id];
    if (done.version <= before)
      f.break_with(std::string{service} + ": " + name_of(done.order_id, done.version) +
                   " came after v" + std::to_string(before));
    before = std::max(before, done.version);
  }
}

std::string describe(const shown_order& o) {
  return o.status + ", " + std::to_string(o.items.size()) + " items, " +
         std::to_string(o.total_cents) + " cents";
}

}  // namespace

void expected_order::apply(const step& s) {
  switch (s.kind) {
    case step_kind::place:
    case step_kind::change: items = s.items; break;
    case step_kind::add_item: items.insert(items.end(), s.items.begin(), s.items.end()); break;
    case step_kind::cancel: cancelled = true; break;
  }
}

void finding::break_with(std::string example) {
  constexpr std::size_t shown = 3;
  if (++broken <= shown) examples.push_back(std::move(example));
}

finding check_acknowledged(const evidence& e) {
  finding f{.promise = "every acknowledged command is in the read model"};
  for (const acknowledgement& a : e.acknowledged) {
    ++f.looked_at;
    const auto shown = e.shown.find(a.order_id);
    if (shown == e.shown.end())
      f.break_with(name_of(a.order_id, a.version) + " is not shown at all");
    else if (shown->second.version < a.version)
      f.break_with(name_of(a.order_id, a.version) + " was acknowledged, v" +
                   std::to_string(shown->second.version) + " is shown");
  }
  for (const auto& [id, wanted] : e.expected) {
    const auto shown = e.shown.find(id);
    if (shown == e.shown.end()) continue;  // said above
    if (shown->second.items != wanted.items ||
        (shown->second.status == "cancelled") != wanted.cancelled)
      f.break_with(id + " should have " + std::to_string(wanted.items.size()) + " items" +
                   (wanted.cancelled ? ", cancelled" : "") + "; shown: " + describe(shown->second));
  }
  return f;
}

finding check_answered(const evidence& e) {
  finding f{.promise = "every command was answered in the end",
            .looked_at = e.acknowledged.size() + e.unanswered};
  for (std::uint64_t i = 0; i < e.unanswered; ++i) f.break_with("a command got no answer");
  return f;
}

finding check_own_writes(const evidence& e) {
  finding f{
      .promise =
          "a client that sends its token reads its own write, or is told that the answer is stale",
      .looked_at = e.token_reads};
  for (std::uint64_t i = 0; i < e.stale_reads; ++i) f.break_with("a read was silently stale");
  return f;
}

finding check_repeats(const evidence& e) {
  finding f{.promise = "a command sent again with its key gets the same answer"};
  for (const repeated_answer& r : e.repeated) {
    ++f.looked_at;
    if (r.first != r.again) f.break_with(r.key + ": first " + r.first + ", then " + r.again);
  }
  return f;
}

finding check_streams(const evidence& e) {
  finding f{.promise = "no event is stored twice, none is missing from the middle of an order"};
  std::set<std::string> ids;
  std::map<std::string, std::uint64_t> last;
  for (const stored_event& event : e.events) {
    ++f.looked_at;
    if (!ids.insert(event.id).second) f.break_with("event id " + event.id + " is stored twice");
    if (event.version != ++last[event.order_id])
      f.break_with(name_of(event.order_id, event.version) + " is out of place");
  }
  return f;
}

finding check_consumers(const evidence& e) {
  finding f{.promise = "every event reached every consumer"};
  for (const auto& [consumer, ids] : e.inboxes) {
    const std::set<std::string> seen{ids.begin(), ids.end()};
    for (const stored_event& event : e.events) {
      ++f.looked_at;
      if (!seen.contains(event.id))
        f.break_with(consumer + " never got " + event.type + " " + event.id);
    }
  }
  return f;
}

finding check_effects(const evidence& e) {
  finding f{.promise = "each effect happened once"};
  match_effects(f, "inventory", e, booked_types, e.bookings);
  match_effects(f, "email", e, emailed_types, e.emails);
  return f;
}

finding check_stock(const evidence& e) {
  finding f{.promise = "the goods kept back are those of the orders"};
  std::map<std::string, std::int64_t> wanted;
  for (const auto& [id, order] : e.expected)
    for (const item& i : order.items) wanted[i.product] += order.cancelled ? 0 : i.quantity;
  for (const auto& [product, units] : e.stock) wanted.try_emplace(product, 0);
  for (const auto& [product, units] : wanted) {
    ++f.looked_at;
    const auto found = e.stock.find(product);
    const std::int64_t kept = found == e.stock.end() ? 0 : found->second;
    if (kept != units)
      f.break_with(product + ": " + std::to_string(kept) + " kept back, " + std::to_string(units) +
                   " ordered");
  }
  return f;
}

finding check_money(const evidence& e) {
  finding f{.promise = "the provider charged each order what it costs, once"};
  std::map<std::string, std::int64_t> charged;
  std::set<std::string> keys;
  for (const provider_charge& c : e.charges) {
    charged[c.order_id] += c.amount_cents;
    if (!keys.insert(c.key).second) f.break_with("key " + c.key + " was charged twice");
  }
  for (const auto& [id, shown] : e.shown) {
    ++f.looked_at;
    const std::int64_t paid = charged[id];
    if (paid != shown.settled_cents)
      f.break_with(id + ": charged " + std::to_string(paid) + ", the order says " +
                   std::to_string(shown.settled_cents));
    else if (paid != shown.total_cents && shown.status != "payment_declined")
      f.break_with(id + ": charged " + std::to_string(paid) + " for " + describe(shown));
  }
  return f;
}

finding check_key_order(const evidence& e) {
  finding f{.promise = "the events of one order arrived in their order"};
  follow_versions(f, "inventory", e.bookings);
  follow_versions(f, "email", e.emails);
  return f;
}

finding check_nothing_left(const evidence& e) {
  finding f{.promise = "nothing is left unsent, dead or unpaid", .looked_at = e.events.size()};
  if (e.unpublished > 0)
    f.break_with(std::to_string(e.unpublished) + " outbox rows are unpublished");
  if (e.dead_letters > 0)
    f.break_with(std::to_string(e.dead_letters) + " messages are dead letters");
  if (e.payments_due > 0) f.break_with(std::to_string(e.payments_due) + " payments are still due");
  return f;
}

finding check_breaker(const evidence& e, bool provider_failed) {
  finding f{.promise = "the breaker opened when the provider failed, and closed again",
            .looked_at = e.breaker.size()};
  const bool opened = std::any_of(e.breaker.begin(), e.breaker.end(),
                                  [](const breaker_step& s) { return s.to == "open"; });
  if (!provider_failed) {
    f.promise = "the breaker stayed closed, for the provider never failed";
    if (opened) f.break_with("it opened");
    return f;
  }
  if (!opened) f.break_with("it never opened");
  if (!e.breaker.empty() && e.breaker.back().to != "closed")
    f.break_with("it ended " + e.breaker.back().to);
  return f;
}

std::vector<finding> check_all(const evidence& e, bool provider_failed) {
  return {check_answered(e),  check_acknowledged(e), check_own_writes(e),
          check_repeats(e),   check_streams(e),      check_consumers(e),
          check_effects(e),   check_stock(e),        check_money(e),
          check_key_order(e), check_nothing_left(e), check_breaker(e, provider_failed)};
}

}  // namespace shop::demo
