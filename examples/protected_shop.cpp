// SPDX-License-Identifier: MIT
// A shop on five services. Each has a circuit breaker tuned to it and an answer for when it is
// away; the circuits are in groups, so that a shop of which half is down stops trying. Time is
// moved by hand: the same program, the same timeline each time.
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/resilience/circuit_presets.hpp>
#include <gabion/resilience/circuit_tree.hpp>
#include <gabion/resilience/fallback.hpp>
#include <gabion/resilience/last_good.hpp>
#include <gabion/testing/manual_clock.hpp>

using namespace std::chrono_literals;

namespace {

gabion::testing::manual_time now;
const gabion::instant start = now.now();

void tell(const char* what, std::string_view name, std::string_view from, std::string_view to,
          std::string_view why) {
  std::printf("%4lld s  %s %s: %s -> %s, %s\n", static_cast<long long>((now.now() - start) / 1s),
              what, std::string{name}.c_str(), from.data(), to.data(), why.data());
}
struct timeline {
  void operator()(const gabion::circuit_transition& t) const {
    tell("circuit", t.name, to_string(t.from), to_string(t.to), to_string(t.cause));
  }
  void operator()(const gabion::circuit_group_transition& t) const {
    tell("GROUP", t.name, to_string(t.from), to_string(t.to), to_string(t.cause));
  }
};
void answer(const std::string& text) {
  std::printf("%4lld s    %s\n", static_cast<long long>((now.now() - start) / 1s), text.c_str());
}

/// One remote service: up or down.
struct remote {
  bool up = true;
  int called = 0;
  std::string ask(const char* reply) {
    ++called;
    if (!up) throw std::runtime_error{"connection refused"};
    return reply;
  }
};

struct shop {
  gabion::basic_circuit_tree<gabion::testing::manual_clock, timeline> circuits{{}, now.clock()};
  gabion::circuit_group_id application = circuits.add_group({.open_percent = 60, .name = "shop"});
  gabion::circuit_group_id money = circuits.add_group(
      application, {.open_percent = 100, .minimum_children = 1, .name = "money"});
  gabion::circuit_group_id people =
      circuits.add_group(application, {.open_percent = 100, .name = "people"});
  gabion::circuit_group_id extras =
      circuits.add_group(application, {.open_percent = 100, .name = "extras"});
  gabion::circuit_id payment = circuits.add_circuit(money, gabion::presets::payment_api());
  gabion::circuit_id users = circuits.add_circuit(people, gabion::presets::user_database());
  gabion::circuit_id mail = circuits.add_circuit(people, gabion::presets::email_service());
  gabion::circuit_id images = circuits.add_circuit(extras, gabion::presets::image_service());
  gabion::circuit_id analytics = circuits.add_circuit(extras, gabion::presets::analytics_api());

  remote payment_api, user_database, replica, email_service, image_service, analytics_api;
  gabion::last_good<std::string, std::string> rates{{.capacity = 8, .max_age = 10min}};
  std::vector<std::string> outbox{};
  int dropped = 0;

  /// The last good exchange rate, while the provider is away.
  std::string rate(const std::string& pair) {
    auto remembered = gabion::fallback([&]() -> std::optional<std::string> {
      const auto known = rates.get(pair, now.now());
      if (!known) return std::nullopt;
      return known->value + ", " + std::to_string(known->age / 1s) + " s old";
    });
    return remembered.call([&] {
      std::string fresh =
          circuits.call(payment, [&] { return payment_api.ask("1 EUR = 1.10 USD"); });
      rates.put(pair, fresh, now.now());
      return fresh;
    });
  }
  /// A replica that can be read, while the database is away.
  std::string user(const char* name) {
    auto read_only = gabion::fallback([&] { return replica.ask(name) + " (from the replica)"; });
    return read_only.call(
        [&] { return circuits.call(users, [&] { return user_database.ask(name); }); });
  }
  /// Mail waits in the outbox, while the mail service is away.
  std::string send(const std::string& letter) {
    auto later = gabion::fallback([&] {
      outbox.push_back(letter);
      return "queued: " + letter;
    });
    return later.call(
        [&] { return circuits.call(mail, [&] { return email_service.ask("sent: ") + letter; }); });
  }
  /// A placeholder, while there are no pictures.
  std::string image() {
    gabion::basic_fallback placeholder{gabion::fallback_value{std::string{"placeholder.png"}}};
    return placeholder.call(
        [&] { return circuits.call(images, [&] { return image_service.ask("shoe.png"); }); });
  }
  /// Clicks are dropped, while nobody counts them.
  void click() {
    auto drop = gabion::fallback([&] { ++dropped; });
    drop.call([&] { circuits.call(analytics, [&] { analytics_api.ask("counted"); }); });
  }
  void visit() {
    static_cast<void>(rate("EUR/USD"));
    static_cast<void>(user("ada"));
    static_cast<void>(send("welcome"));
    static_cast<void>(image());
    click();
  }
};

}  // namespace

int main() {
  shop s;
  answer(s.rate("EUR/USD"));
  answer(s.user("ada"));
  answer(s.send("order 1"));
  answer(s.image());

  now.advance(30s);
  answer("-- payments fail");
  s.payment_api.up = false;
  for (int i = 0; i < 4; ++i) answer(s.rate("EUR/USD"));

  now.advance(10s);
  answer("-- so do the database and the mail service");
  s.user_database.up = s.email_service.up = false;
  for (int i = 0; i < 6; ++i) {
    const std::string name = s.user("ada");
    const std::string letter = s.send("order " + std::to_string(i + 2));
    answer(name + "; " + letter);
  }
  answer("pictures are well, but the shop is closed: " + s.image());
  s.click();

  now.advance(70s);
  answer("-- all is well again");
  s.payment_api.up = s.user_database.up = s.email_service.up = true;
  for (int i = 0; i < 8; ++i) {
    now.advance(30s);
    s.visit();
  }
  now.advance(60s);
  answer(s.rate("EUR/USD"));
  answer(s.user("ada"));
  answer(s.image());
  const auto queued = std::exchange(s.outbox, {});
  for (const std::string& letter : queued) static_cast<void>(s.send(letter));
  answer(std::to_string(queued.size()) + " queued letters tried again, " +
         std::to_string(s.outbox.size()) + " still waiting");
  std::printf("payment API called %d times, mail service %d; clicks dropped: %d\n",
              s.payment_api.called, s.email_service.called, s.dropped);
}
