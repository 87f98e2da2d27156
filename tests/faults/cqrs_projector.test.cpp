// SPDX-License-Identifier: MIT
#include <gabion/cqrs/projector.hpp>

#include <chrono>
#include <stop_token>

#include <gabion/cqrs/event_subscription.hpp>

#include "faults/cqrs_fixture.hpp"
#include "support/catch.hpp"

using namespace gabion_test;
using namespace std::chrono_literals;

namespace {

/// The checkpoint is at 10, and the log has been restored from a backup that holds five events.
struct restored_fixture : projection_fixture {
  fault_log restored{time};

  restored_fixture() {
    log.append(10);
    make(into, log)->run_once();
    into.applied = 0;
    restored.append(5);
  }
};

}  // namespace

TEST_CASE("Q1: a checkpoint ahead of a restored log is a fault and not the end of the log",
          "[fault][!shouldfail]") {
  restored_fixture f;
  const auto projector = f.make(f.into, f.restored);
  projector->run_once();
  CHECK(projector->progress().status() == projection_status::faulted);
  CHECK_FALSE(projector->progress().reason().empty());
  CHECK(projector->progress().look(position{5}).status == wait_status::faulted);
  f.restored.append(3);
  f.time.advance(1s);
  projector->run_once();
  CHECK(projector->progress().look(position{8}).status == wait_status::faulted);
}

TEST_CASE("Q1a: a subscription ahead of a restored log is refused", "[fault][!shouldfail]") {
  restored_fixture f;
  event_subscription reader{f.restored.events, position{10}};
  CHECK_THROWS_AS(reader.poll(), gabion::error);
  CHECK_FALSE(reader.live());
}

TEST_CASE("Q1b: a rebuild over a restored log ends, and new events are not replayed ones",
          "[fault][!shouldfail]") {
  restored_fixture f;
  const auto projector = f.make(f.into, f.restored);
  projector->run_once();
  projector->rebuild();
  f.time.advance(1s);
  projector->run_once();
  CHECK(f.into.applied == 5);
  CHECK(projector->progress().status() == projection_status::running);
  f.into.replayed = 0;
  f.restored.append(1);
  f.time.advance(1s);
  projector->run_once();
  CHECK(f.into.applied == 6);
  CHECK(f.into.replayed == 0);
}

TEST_CASE("Q4: a second projection of the same name and version is refused",
          "[fault][!shouldfail]") {
  projection_fixture f;
  counting_projection<2> other;
  f.log.append(3);
  const auto first = f.make(f.into, f.log);
  first->run_once();
  CHECK(f.into.applied == 3);
  CHECK_NOTHROW(f.make(f.into, f.log, "standby"));

  bool refused = false;
  try {
    const auto second = f.make(other, f.log, "second");
    second->run_once();
    refused = second->progress().status() == projection_status::faulted;
    CHECK_FALSE(second->progress().look(position{3}).reached());
  } catch (const gabion::error&) {
    refused = true;
  }
  CHECK(refused);
}

TEST_CASE("Q4a: after a restart another projection does not take over a checkpoint of this name",
          "[fault][!shouldfail]") {
  projection_fixture f;
  f.log.append(3);
  f.make(f.into, f.log)->run_once();
  counting_projection<2> other;
  bool refused = false;
  try {
    const auto second = f.make(other, f.log);
    second->run_once();
    refused = second->progress().status() == projection_status::faulted;
  } catch (const gabion::error&) {
    refused = true;
  }
  CHECK(refused);
}

TEST_CASE("Q10: run_once applies what was appended since the last look", "[fault][!shouldfail]") {
  projection_fixture f;
  const auto projector = f.make(f.into, f.log);
  for (int i = 1; i <= 3; ++i) {
    f.log.append(1);
    CHECK(projector->run_once() == 1);
    CHECK(projector->lag() == 0);
  }
}

TEST_CASE("Q10a: run_once of a projector works after a stopped run", "[fault][!shouldfail]") {
  projection_fixture f;
  const auto projector = f.make(f.into, f.log);
  f.log.append(1);
  CHECK(projector->run_once() == 1);
  std::stop_source stopped;
  stopped.request_stop();
  projector->run(stopped.get_token());
  f.log.append(1);
  f.time.advance(1h);
  CHECK(projector->run_once() == 1);
}

TEST_CASE("Q11: once resume has returned, a wait does not report the fault that was lifted",
          "[fault][!shouldfail]") {
  projection_fixture f;
  const auto projector = f.make(f.into, f.log);
  f.into.before_apply = [] { throw std::runtime_error{"poison"}; };
  f.log.append(1);
  projector->run_once();
  REQUIRE(projector->progress().status() == projection_status::faulted);
  f.into.before_apply = nullptr;
  projector->resume();
  CHECK(projector->progress().look(position{1}).status == wait_status::timeout);
}

TEST_CASE("Q11a: once rebuild has returned, a wait does not report the old read model",
          "[fault][!shouldfail]") {
  projection_fixture f;
  const auto projector = f.make(f.into, f.log);
  f.log.append(3);
  projector->run_once();
  REQUIRE(projector->progress().look(position{3}).reached());
  projector->rebuild();
  CHECK_FALSE(projector->progress().look(position{3}).reached());
}

TEST_CASE("Q13: a wait on standby looks at the checkpoint itself", "[fault][!shouldfail]") {
  projection_fixture f;
  const auto working = f.make(f.into, f.log);
  counting_projection<> copy;
  const auto standby = f.make(copy, f.log, "second");
  working->run_once();
  standby->run_once();
  f.log.append(5);
  working->wake();
  CHECK(working->run_once() == 5);
  const int before = f.checkpoints.reads;
  CHECK(standby->wait_for(position{5}, deadline::in(f.time.clock(), 0s)).reached());
  const int looks = f.checkpoints.reads - before;
  CHECK(looks >= 1);
  CHECK(looks <= 2);
}
