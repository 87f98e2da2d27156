// SPDX-License-Identifier: MIT
// The order service: orders over HTTP, kept as events, published through an outbox, paid through a
// circuit breaker.
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/log.hpp"
#include "app/service.hpp"
#include "http/api.hpp"
#include "http/server.hpp"
#include "process/shutdown_signal.hpp"

namespace {

struct settings {
  shop::http_server_options http{};
  shop::sqlite_backend_options file{};
  shop::payment_desk_options payments{};
  bool in_memory = false;
};

std::unique_ptr<shop::service> make_service(const settings& s) {
  return s.in_memory ? shop::make_memory_service(s.payments)
                     : shop::make_sqlite_service(s.file, s.payments);
}

int run(const settings& s) {
  const shop::shutdown_signal shutdown;
  const std::unique_ptr<shop::service> service = make_service(s);
  shop::http_server server{s.http};
  shop::register_api(server.routes(), *service);
  service->start();
  std::printf("listening on %d\n", server.start());
  std::fflush(stdout);
  shop::log_line("started");
  shutdown.wait();
  server.stop();  // first the requests, so that nobody hands in work any more
  service->stop();
  shop::log_line("stopped");
  return 0;
}

/// A number of milliseconds on the command line.
template <class Duration>
void add_milliseconds(CLI::App& app, const std::string& name, Duration& into,
                      const std::string& help) {
  app.add_option_function<int>(
         name, [&into](int ms) { into = std::chrono::milliseconds{ms}; }, help)
      ->check(CLI::Range(1, 3'600'000));
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app{
      "The order service, an example of gabion: event store, outbox, inbox, projections and "
      "circuit breaker at work."};
  app.add_option("--port", s.http.port, "port to listen on, 0 = any; it is printed")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--db", s.file.path, "SQLite file")->capture_default_str();
  app.add_flag("--memory", s.in_memory,
               "keep everything in memory instead, and lose it at the end");
  app.add_option("--payment", s.payments.provider.url, "URL of the payment provider")
      ->capture_default_str();
  app.add_option("--max-pages", s.file.max_pages,
                 "the file may not grow beyond this many pages, 0 = no limit")
      ->capture_default_str();
  add_milliseconds(app, "--busy-timeout", s.file.busy_timeout,
                   "ms to wait for another process's lock on the file [1000]");
  add_milliseconds(app, "--payment-timeout", s.payments.provider.timeout,
                   "ms to wait for the payment provider [500]");
  add_milliseconds(app, "--breaker-open", s.payments.breaker.open_for,
                   "ms that the payment breaker stays open [60000]");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(s);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "order_service: %s\n", e.what());
    return 1;
  }
}
