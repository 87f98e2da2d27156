// SPDX-License-Identifier: MIT
// The connection against a real server: answers, errors, and a server that dies, hangs, or closes
// what is idle.
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>

#include <gabion/adapters/redis/connection.hpp>
#include <gabion/adapters/redis/detail/sha1.hpp>
#include <gabion/testing/manual_clock.hpp>

#include "adapters/redis/redis_server.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using namespace redis_tests;
using gabion::errc;
namespace redis = gabion::redis;

namespace {

using manual_connection = redis::basic_connection<gabion::testing::manual_clock>;

void refuses(redis::connection_options options, std::string_view member) {
  try {
    redis::connection c{std::move(options)};
    FAIL_CHECK("taken, though out of range: " << member);
  } catch (const gabion::error& e) {
    CHECK(e.code() == errc::invalid_argument);
    CHECK(std::string{e.what()}.find(std::string{"connection_options."}.append(member)) !=
          std::string::npos);
  }
}

}  // namespace

TEST_CASE("SHA-1 gives the digests of the standard", "[redis]") {
  CHECK(redis::detail::sha1("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(redis::detail::sha1("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(redis::detail::sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(redis::detail::sha1(std::string(1'000'000, 'a')) ==
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST_CASE("a command has its answer whatever bytes are in it", "[redis]") {
  redis::connection c{empty_server().options()};
  const std::string odd{"a\0 \r\n\"{}", 8};
  CHECK(c.command({"SET", odd, odd}));
  CHECK(c.command({"GET", odd}).value().text() == odd);
  CHECK(c.command({"GET", "nobody"}).value().is_nil());
  CHECK(c.command({"INCRBY", "n", "42"}).value().integer() == 42);
  const auto list = c.command({"MGET", odd, "nobody"});
  REQUIRE(list.value().size() == 2);
  CHECK(list.value()[0].text() == odd);
  CHECK(list.value()[1].is_nil());
  CHECK(list.value()[2].is_nil());
  CHECK(list.value().text().empty());
  CHECK(c.connections() == 1);
}

TEST_CASE("a socket and a database of one's own are used", "[redis]") {
  redis_server& server = empty_server();
  redis::connection_options options = server.options();
  options.port = 1;
  options.unix_socket = server.socket();
  options.database = 3;
  redis::connection here{options};
  CHECK(here.command({"SET", "k", "v"}));
  redis::connection there{server.options()};
  CHECK(there.command({"GET", "k"}).value().is_nil());
  options.database = 16;
  redis::connection nowhere{options};
  CHECK(nowhere.command({"PING"}).error() == errc::rejected);
}

TEST_CASE("a server with a password is logged in to", "[redis]") {
  redis_server server{{"--requirepass", "open sesame"}};
  redis::connection_options options = server.options();
  CHECK(redis::connection{options}.command({"PING"}).error() == errc::rejected);
  options.password = "wrong";
  CHECK(redis::connection{options}.command({"PING"}).error() == errc::rejected);
  options.password = "open sesame";
  CHECK(redis::connection{options}.command({"PING"}));
  options.user = "default";
  CHECK(redis::connection{options}.command({"PING"}));
}

TEST_CASE("an error of the server is told by what it means", "[redis]") {
  redis::connection c{empty_server().options()};
  CHECK(c.command({"SET", "text", "x"}));
  const auto wrong = c.command({"LPUSH", "text", "x"});
  CHECK(wrong.error() == errc::corrupt);
  CHECK(wrong.what().find("WRONGTYPE") != std::string::npos);
  CHECK(c.command({"NO-SUCH-COMMAND"}).error() == errc::rejected);
  CHECK(c.command({"EVALSHA", std::string(40, '0'), "0"}).error() == errc::not_found);
  CHECK(c.command({"CONFIG", "SET", "maxmemory", "1"}));
  CHECK(c.command({"SET", "more", "x"}).error() == errc::full);
  CHECK(c.command({"CONFIG", "SET", "maxmemory", "0"}));
  CHECK(c.command({"SET", "more", "x"}));
  CHECK(c.connections() == 1);
}

TEST_CASE("the errors of Redis have their places", "[redis]") {
  CHECK(redis::classify("BUSY Redis is busy running a script") == errc::busy);
  CHECK(redis::classify("BUSYGROUP Consumer Group name already exists") == errc::rejected);
  CHECK(redis::classify("LOADING Redis is loading") == errc::unavailable);
  CHECK(redis::classify("READONLY You can't write") == errc::unavailable);
  CHECK(redis::classify("OOM command not allowed") == errc::full);
  CHECK(redis::classify("NOAUTH Authentication required.") == errc::rejected);
  CHECK(redis::classify("") == errc::rejected);
}

TEST_CASE("a script runs by its digest, and by its text where it is not known yet", "[redis]") {
  redis::connection c{empty_server().options()};
  const redis::script sum{"return {KEYS[1], ARGV[1] + ARGV[2]}"};
  const auto run = [&] { return c.run(sum, {"key"}, {"40", "2"}).value()[1].integer(); };
  CHECK(c.command({"SCRIPT", "FLUSH"}));
  CHECK(run() == 42);
  CHECK(c.command({"CONFIG", "RESETSTAT"}));
  CHECK(run() == 42);
  const std::string stats{c.command({"INFO", "commandstats"}).value().text()};
  CHECK(stats.find("cmdstat_evalsha") != std::string::npos);
  CHECK(stats.find("cmdstat_eval:") == std::string::npos);
  CHECK(c.command({"SCRIPT", "FLUSH"}));
  CHECK(run() == 42);
}

TEST_CASE("nobody there is unavailable, and left alone until the back-off is over", "[redis]") {
  gabion::testing::manual_time time;
  redis_server server;
  redis::connection_options options = server.options();
  options.reconnect = {.initial = 1s, .cap = 8s, .jitter = gabion::backoff_jitter::none};
  server.stop();
  manual_connection c{options, time.clock()};
  CHECK(c.command({"PING"}).error() == errc::unavailable);
  server.start();
  const auto alone = c.command({"PING"});
  CHECK(alone.error() == errc::unavailable);
  CHECK(alone.what().find("left alone") != std::string::npos);
  time.advance(1s - 1ns);
  CHECK_FALSE(c.command({"PING"}));
  time.advance(1ns);
  CHECK(c.command({"PING"}));
  CHECK(c.connections() == 1);
}

TEST_CASE("a clock that goes back does not make the back-off longer than its cap", "[redis]") {
  gabion::testing::manual_time time;
  redis_server server;
  redis::connection_options options = server.options();
  options.reconnect = {.initial = 8s, .cap = 8s, .jitter = gabion::backoff_jitter::none};
  server.stop();
  manual_connection c{options, time.clock()};
  CHECK_FALSE(c.command({"PING"}));
  server.start();
  time.advance(-30min);
  CHECK_FALSE(c.command({"PING"}));
  time.advance(8s);
  CHECK(c.command({"PING"}));
}

TEST_CASE("a server that was killed and comes back is found again before anything is lost",
          "[redis]") {
  redis_server server;
  redis::connection c{server.options()};
  CHECK(c.command({"SET", "k", "v"}));
  server.stop();
  CHECK(c.command({"GET", "k"}).error() == errc::unavailable);
  server.start();
  CHECK(c.command({"GET", "k"}).value().is_nil());
  CHECK(c.connections() == 2);
}

TEST_CASE("a connection that was closed while it was idle is made again without an error",
          "[redis]") {
  redis_server& server = empty_server();
  redis::connection c{server.options()};
  redis::connection admin{server.options()};
  CHECK(c.command({"PING"}));
  CHECK(admin.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}).value().integer() ==
        1);
  CHECK(c.command({"PING"}));
  CHECK(c.connections() == 2);
}

TEST_CASE("an answer that does not come in time is in doubt", "[redis]") {
  redis_server server;
  redis::connection_options options = server.options();
  options.command_timeout = 20ms;
  options.reconnect = {.initial = 1h, .cap = 1h, .jitter = gabion::backoff_jitter::none};
  gabion::testing::manual_time time;
  manual_connection c{options, time.clock()};
  REQUIRE(c.command({"PING"}));
  server.freeze();
  CHECK(c.command({"INCR", "n"}).error() == errc::in_doubt);
  CHECK(c.command({"INCR", "n"}).error() == errc::unavailable);
  server.thaw();
  time.advance(1h);
  redis::connection patient{server.options()};
  CHECK(patient.command({"GET", "n"}).value().text() == "1");
}

TEST_CASE("options out of their ranges are refused by name", "[redis][options]") {
  refuses({.host = ""}, "host");
  refuses({.port = 0}, "port");
  refuses({.user = "me"}, "password");
  refuses({.connect_timeout = 999ns}, "connect_timeout");
  refuses({.connect_timeout = 1h + 1ns}, "connect_timeout");
  refuses({.command_timeout = 999ns}, "command_timeout");
  refuses({.command_timeout = 1h + 1ns}, "command_timeout");
  refuses({.reconnect = {.initial = -1ns}}, "reconnect.initial");
  CHECK_NOTHROW(redis::connection{{.port = 65535, .connect_timeout = 1us, .command_timeout = 1us}});
  CHECK_NOTHROW(redis::connection{
      {.host = "", .port = 0, .unix_socket = "s", .connect_timeout = 1h, .command_timeout = 1h}});
}
