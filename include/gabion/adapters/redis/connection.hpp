// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/time.h>

#include <hiredis/hiredis.h>

#include <gabion/adapters/redis/detail/no_sigpipe.hpp>
#include <gabion/adapters/redis/error.hpp>
#include <gabion/adapters/redis/reply.hpp>
#include <gabion/adapters/redis/script.hpp>
#include <gabion/core/backoff.hpp>
#include <gabion/core/clock.hpp>
#include <gabion/core/detail/checks.hpp>
#include <gabion/core/env.hpp>
#include <gabion/core/error.hpp>
#include <gabion/core/random.hpp>
#include <gabion/core/saturating.hpp>

namespace gabion {
inline namespace v0 {
namespace redis {

/// Where the server is and how long to wait for it. Later members are only ever added at the end.
struct connection_options {
  std::string host{"127.0.0.1"};  ///< name or address; default this machine
  std::uint16_t port = 6379;      ///< 1 to 65535; default 6379
  std::string unix_socket{};      ///< a path; if set, it takes the place of host and port
  std::string user{};             ///< for AUTH; default none
  std::string password{};         ///< for AUTH; empty = no AUTH, the default
  std::uint32_t database = 0;     ///< for SELECT; default 0
  /// 1 us to 1 h, without the look-up of the name; default 200 ms
  duration connect_timeout = std::chrono::milliseconds{200};
  /// For each command; 1 us to 1 h; default 100 ms
  duration command_timeout = std::chrono::milliseconds{100};
  /// How long to fail at once after a failure, instead of making each caller wait; default 50 ms
  /// doubling to 5 s, half random.
  backoff_options reconnect{.initial = std::chrono::milliseconds{50},
                            .cap = std::chrono::seconds{5},
                            .jitter = backoff_jitter::equal};
};

/// Throws error(invalid_argument) that names the member and its range, or does nothing.
inline void validate(const connection_options& o) {
  using gabion::detail::fail;
  const auto timeout = [](const char* member, duration value) {
    if (value < std::chrono::microseconds{1} || value > std::chrono::hours{1})
      fail(errc::invalid_argument, std::string{"redis::connection_options."} + member + " is " +
                                       std::to_string(value.count()) + " ns; allowed: 1 us to 1 h");
  };
  if (o.unix_socket.empty()) {
    if (o.host.empty())
      fail(errc::invalid_argument,
           "redis::connection_options.host is empty; allowed: a name or an address, or set "
           "unix_socket");
    gabion::detail::check_range("redis::connection_options.port", o.port, 1, 65535);
  }
  if (!o.user.empty() && o.password.empty())
    fail(errc::invalid_argument,
         "redis::connection_options.password is empty; allowed with a user: 1 byte and more");
  timeout("connect_timeout", o.connect_timeout);
  timeout("command_timeout", o.command_timeout);
  gabion::validate(o.reconnect, "redis::connection_options.reconnect");
}

/// A connection to a Redis server that is made when it is first needed, and again after it was
/// lost.
///
/// A command is sent once and never repeated. It fails with errc::unavailable if nothing was sent,
/// errc::in_doubt if it was sent and no answer came in time, and what the server's own error means
/// otherwise, see classify(). After a failure commands fail at once until the back-off is over.
/// That the server has closed an idle connection is noticed before anything is sent.
///
/// Safe to use from several threads; commands go one after another. Use one for each thread where
/// that is too slow.
template <clock Clock = steady_clock, random_source Random = xoshiro256, env Env = native_env>
class basic_connection {
 public:
  /// Connects to nothing yet. Throws error(invalid_argument) that names the option and its range.
  explicit basic_connection(connection_options options = {}, Clock time = Clock{},
                            Random random = Random{})
      : options_{(redis::validate(options), std::move(options))},
        time_{std::move(time)},
        backoff_{options_.reconnect, std::move(random)} {}
  basic_connection(const basic_connection&) = delete;
  basic_connection& operator=(const basic_connection&) = delete;

  /// Sends a command and waits for its answer, for at most connect_timeout and command_timeout (and
  /// as long again to log in).
  result command(std::span<const std::string_view> words) {
    const std::lock_guard guard{mutex_};
    if (result ready = connect(); !ready) return ready;
    return judge(send(words));
  }
  result command(std::initializer_list<std::string_view> words) {
    return command(std::span<const std::string_view>{words.begin(), words.size()});
  }

  /// Runs a script by its digest, and by its text on a server that has not seen it.
  result run(const script& what, std::span<const std::string_view> keys,
             std::span<const std::string_view> arguments) {
    const std::string count = std::to_string(keys.size());
    std::vector<std::string_view> words{"EVALSHA", what.digest(), count};
    words.insert(words.end(), keys.begin(), keys.end());
    words.insert(words.end(), arguments.begin(), arguments.end());
    result done = command(words);
    if (done.error() != errc::not_found) return done;
    words[0] = "EVAL";
    words[1] = what.text();
    return command(words);
  }
  result run(const script& what, std::initializer_list<std::string_view> keys,
             std::initializer_list<std::string_view> arguments) {
    return run(what, std::span<const std::string_view>{keys.begin(), keys.size()},
               std::span<const std::string_view>{arguments.begin(), arguments.size()});
  }

  /// How many connections have been made.
  [[nodiscard]] std::uint64_t connections() const {
    const std::lock_guard guard{mutex_};
    return connections_;
  }

  [[nodiscard]] const connection_options& options() const noexcept { return options_; }

 private:
  struct close {
    void operator()(redisContext* context) const noexcept { redisFree(context); }
  };

  [[nodiscard]] static timeval as_timeval(duration d) noexcept {
    const auto us = std::chrono::ceil<std::chrono::microseconds>(d).count();
    timeval t{};
    t.tv_sec = static_cast<decltype(t.tv_sec)>(us / 1'000'000);
    t.tv_usec = static_cast<decltype(t.tv_usec)>(us % 1'000'000);
    return t;
  }

  /// Nothing is outstanding between commands, so whatever can be read then is the end of the
  /// connection.
  [[nodiscard]] bool closed_by_server() const noexcept {
    pollfd look{context_->fd, POLLIN, 0};
    return ::poll(&look, 1, 0) != 0;
  }

  result connect() {
    if (context_ && !closed_by_server()) return result{nullptr};
    context_.reset();
    const instant now = time_.now();
    again_at_ = (std::min)(again_at_, gabion::saturating_add(now, options_.reconnect.cap));
    if (now < again_at_)
      return {make_error_code(errc::unavailable),
              "redis: the server is left alone after a failure"};
    const timeval limit = as_timeval(options_.connect_timeout);
    context_.reset(options_.unix_socket.empty()
                       ? redisConnectWithTimeout(options_.host.c_str(), options_.port, limit)
                       : redisConnectUnixWithTimeout(options_.unix_socket.c_str(), limit));
    if (!context_ || context_->err != 0)
      return lost(errc::unavailable, "cannot connect to " + place() + ": " +
                                         (context_ ? context_->errstr : "out of memory"));
    redisSetTimeout(context_.get(), as_timeval(options_.command_timeout));
    ++connections_;
    return log_in();
  }

  result log_in() {
    if (!options_.password.empty()) {
      std::vector<std::string_view> words{"AUTH"};
      if (!options_.user.empty()) words.push_back(options_.user);
      words.push_back(options_.password);
      if (result done = judge(send(words)); !done) return refused(done);
    }
    if (options_.database != 0) {
      const std::string number = std::to_string(options_.database);
      const std::string_view words[]{"SELECT", number};
      if (result done = judge(send(words)); !done) return refused(done);
    }
    return result{nullptr};
  }

  /// The command itself was never sent, whatever became of logging in.
  result refused(const result& why) {
    const errc code =
        why.error() == errc::in_doubt ? errc::unavailable : static_cast<errc>(why.error().value());
    return lost(code, "cannot log in to " + place() + ": " + why.what());
  }

  redisReply* send(std::span<const std::string_view> words) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string_view word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    const detail::no_sigpipe guard;
    return static_cast<redisReply*>(redisCommandArgv(context_.get(), static_cast<int>(words.size()),
                                                     texts.data(), sizes.data()));
  }

  result judge(redisReply* reply) {
    if (reply == nullptr)
      return lost(errc::in_doubt,
                  std::string{"no answer from "} + place() + ": " + context_->errstr);
    backoff_.reset();
    result answered{reply};
    if (!answered.value().is_error()) return answered;
    const std::string text{answered.value().text()};
    return {make_error_code(redis::classify(text)), "redis: " + text};
  }

  result lost(errc code, const std::string& what) {
    context_.reset();
    again_at_ = gabion::saturating_add(time_.now(), backoff_.next());
    return {make_error_code(code), "redis: " + what};
  }

  [[nodiscard]] std::string place() const {
    return options_.unix_socket.empty() ? options_.host + ":" + std::to_string(options_.port)
                                        : options_.unix_socket;
  }

  connection_options options_;
  [[no_unique_address]] Clock time_;
  basic_backoff<Random> backoff_;
  mutable typename Env::mutex mutex_{};
  std::unique_ptr<redisContext, close> context_{};
  instant again_at_ = (instant::min)();
  std::uint64_t connections_ = 0;
};

using connection = basic_connection<>;

}  // namespace redis
}  // namespace v0
}  // namespace gabion
