// SPDX-License-Identifier: MIT
#include "core/archetypes.hpp"

#include <chrono>
#include <string>

#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/codec.hpp>
#include <gabion/core/deadline.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/observer.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/uuid_v7.hpp>
#include <gabion/core/wire_name.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;

namespace {

// Each archetype satisfies its concept, and lacks no operation that a template of the core uses:
// the tests below call them all.
static_assert(gabion::clock<archetype::clock>);
static_assert(gabion::wall_clock<archetype::wall_clock>);
static_assert(gabion::explain_clock<archetype::clock>() &&
              gabion::explain_wall_clock<archetype::wall_clock>());
static_assert(gabion::random_source<archetype::random_source>);
static_assert(gabion::explain_env<archetype::env>() && gabion::explain_env<gabion::native_env>());
static_assert(gabion::env<archetype::env>);
static_assert(gabion::codec_for<archetype::codec, archetype::payload>);
static_assert(gabion::explain_codec_for<archetype::codec, archetype::payload>());
static_assert(gabion::observes<archetype::observer, archetype::event>);

// Each concept refuses what lacks one thing.
struct may_throw {
  gabion::instant now() const { return {}; }
};
struct wrong_time {
  gabion::wall_time now() const noexcept { return {}; }
};
struct not_const {
  gabion::instant now() noexcept { return {}; }
};
struct not_copyable {
  not_copyable(const not_copyable&) = delete;
  gabion::instant now() const noexcept { return {}; }
};
static_assert(!gabion::clock<may_throw> && !gabion::clock<wrong_time> && !gabion::clock<not_const>);
static_assert(!gabion::clock<not_copyable> && !gabion::clock<int>);
static_assert(gabion::wall_clock<wrong_time> && !gabion::wall_clock<archetype::clock>);

struct random_that_throws {
  std::uint64_t operator()() { return 0; }
};
struct random_of_32_bits {
  std::uint32_t operator()() noexcept { return 0; }
};
static_assert(!gabion::random_source<random_that_throws> &&
              !gabion::random_source<random_of_32_bits>);
static_assert(!gabion::random_source<const archetype::random_source> &&
              !gabion::random_source<int>);

struct env_without_failpoints {
  template <class T>
  using atomic = archetype::atomic<T>;
  using mutex = archetype::env::mutex;
};
struct env_without_mutex {
  template <class T>
  using atomic = archetype::atomic<T>;
  static void failpoint(const char*) {}
};
struct env_without_atomics {
  using mutex = archetype::env::mutex;
  static void failpoint(const char*) {}
};
static_assert(gabion::has_atomics<env_without_failpoints> &&
              gabion::has_mutex<env_without_atomics>);
static_assert(!gabion::env<env_without_atomics> && !gabion::env<env_without_failpoints> &&
              !gabion::env<env_without_mutex> && !gabion::env<int>);

struct other {};
struct codec_without_type {
  std::string encode(const other&) const { return {}; }
  template <class T>
  T decode(std::string_view) const {
    return {};
  }
};
struct codec_that_only_writes {
  std::string_view content_type() const { return {}; }
  std::string encode(const other&) const { return {}; }
};
struct codec_that_only_reads {
  std::string_view content_type() const { return {}; }
  template <class T>
  T decode(std::string_view) const {
    return {};
  }
};
static_assert(!gabion::codec_for<archetype::codec, other>);
static_assert(!gabion::codec_for<codec_without_type, other> &&
              gabion::encodes<codec_without_type, other>);
static_assert(!gabion::codec_for<codec_that_only_writes, other> &&
              gabion::encodes<codec_that_only_writes, other>);
static_assert(!gabion::codec_for<codec_that_only_reads, other> &&
              gabion::decodes<codec_that_only_reads, other>);

static_assert(!gabion::observes<archetype::observer, int>);
static_assert(!gabion::observes<gabion::no_observer, archetype::event>);

// Names: by a member, by a specialisation, or none.
struct named {
  static constexpr std::string_view wire_name = "order.placed";
};
struct named_by_literal {
  static constexpr const char* wire_name = "order.paid";
};
struct foreign {};
struct nameless {};
struct misnamed {
  static constexpr int wire_name = 7;
};

}  // namespace

template <>
struct gabion::wire_name<foreign> {
  static constexpr std::string_view value = "customer.moved";
};

namespace {

static_assert(gabion::wire_name_of<named>() == "order.placed" &&
              gabion::explain_wire_named<named>());
static_assert(gabion::wire_name_of<named_by_literal>() == "order.paid");
static_assert(gabion::wire_name_of<foreign>() == "customer.moved");
static_assert(!gabion::wire_named<nameless> && !gabion::wire_named<misnamed> &&
              !gabion::wire_named<int>);

}  // namespace

TEST_CASE("the templates of the core ask no more of a type than its concept", "[core][archetype]") {
  auto random = archetype::random_source::make();
  CHECK(gabion::uniform(random, 10) < 10);
  CHECK(gabion::uniform(random, 3, 3) == 3);
  CHECK(gabion::next_delay(gabion::backoff_options{}, 1, 0ns, random) <= 100ms);
  gabion::basic_backoff backoff{gabion::backoff_options{}, archetype::random_source::make()};
  CHECK(backoff.next() <= 100ms);

  CHECK(gabion::deadline::in(archetype::clock::make(), 1s).when() == gabion::instant{1s});

  CHECK(gabion::make_uuid_v7(gabion::wall_time{}, random).version() == 7);
  gabion::basic_uuid_v7_generator next{archetype::wall_clock::make(),
                                       archetype::random_source::make()};
  const gabion::uuid first = next();
  CHECK(first < next());
  gabion::basic_shared_uuid_v7_generator<archetype::wall_clock, archetype::random_source,
                                         archetype::env>
      shared{archetype::wall_clock::make(), archetype::random_source::make()};
  const gabion::uuid first_shared = shared();
  CHECK(first_shared < shared());

  const auto codec = archetype::codec::make();
  CHECK(codec.decode<archetype::payload>(codec.encode(archetype::payload::make(12))).number() == 2);
}

TEST_CASE("an observer hears the events it takes and no others", "[core][observer]") {
  int heard = 0;
  archetype::observer observer{heard};
  gabion::notify(observer, archetype::event{5});
  gabion::notify(observer, 7);
  CHECK(heard == 5);

  gabion::no_observer nobody;
  gabion::notify(nobody, archetype::event{5});

  std::string said;
  gabion::observers both{[&](int n) { said += std::to_string(n); },
                         [&](const std::string& s) { said += s; }};
  gabion::notify(both, 1);
  gabion::notify(both, std::string{"x"});
  gabion::notify(both, archetype::event{5});
  CHECK(said == "1x");
}
