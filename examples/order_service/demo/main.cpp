// SPDX-License-Identifier: MIT
// Puts the order service under fire and checks from the outside that it kept its promises. Exits
// with 1 if it broke one.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "demo/checks.hpp"
#include "demo/gather.hpp"
#include "demo/load.hpp"
#include "demo/progress.hpp"
#include "demo/report.hpp"
#include "demo/script.hpp"
#include "demo/stage.hpp"

namespace {

using namespace shop::demo;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

struct settings {
  std::filesystem::path orders = DEMO_ORDERS_FILE;
  std::filesystem::path programs{};
  std::filesystem::path folder{};  ///< empty: a new one, removed again if all went well
  std::size_t commands = 10'000;
  std::size_t connections = 32;
  std::size_t kills = 3;
  int seconds = 60;
  bool provider_fails = true;
};

/// One thing that happens to the service when that part of the commands is answered.
struct blow {
  double at = 0;
  std::string what{};
  std::function<void()> strike{};
};

/// One run of the demo, from starting the processes to the report.
class show {
 public:
  show(const settings& s, std::filesystem::path folder)
      : settings_{s},
        scripts_{read_orders(s)},
        stage_{{.programs = s.programs, .folder = std::move(folder)}} {}

  /// True if every promise was kept.
  bool run() {
    say(std::to_string(settings_.commands) + " commands over " +
        std::to_string(settings_.connections) + " connections, " + std::to_string(settings_.kills) +
        " kills");
    load clients{scripts_, load_options()};
    for (const blow& b : blows()) {
      wait_until(clients, b.at);
      say(b.what);
      b.strike();
    }
    drive_to_the_end(clients);
    const double load_seconds = progress_.seconds() - begun_;
    stage_.set_provider("ok");
    const bool quiet = wait_for_quiet();
    std::vector<finding> findings = judge(clients, quiet);
    std::fputs(("\n" + write_report(evidence_, figures(clients, load_seconds), findings)).c_str(),
               stdout);
    return all_kept(findings);
  }

 private:
  static std::vector<script> read_orders(const settings& s) {
    std::ifstream file{s.orders};
    if (!file) throw std::runtime_error{"cannot read '" + s.orders.string() + "'"};
    try {
      return repeat_scripts(read_scripts(file), s.commands);
    } catch (const std::exception& e) {
      throw std::runtime_error{"'" + s.orders.string() + "': " + e.what()};
    }
  }

  struct load_options load_options() const {
    return {.port = stage_.service_port(),
            .connections = settings_.connections,
            .key_prefix = "demo-" + std::to_string(getpid()) + "-",
            .give_up_at = steady_clock::now() + seconds{settings_.seconds} + seconds{15}};
  }

  std::vector<blow> blows() {
    std::vector<blow> all;
    if (settings_.provider_fails) {
      all.push_back({0.10, "the payment provider fails", [this] { provider("fail"); }});
      all.push_back(
          {0.35, "the payment provider works again", [this] { stage_.set_provider("ok"); }});
      all.push_back({0.55, "the payment provider hangs", [this] { provider("hang"); }});
      all.push_back(
          {0.65, "the payment provider works again", [this] { stage_.set_provider("ok"); }});
      all.push_back(
          {0.80, "the payment provider is slow", [this] { stage_.set_provider("slow"); }});
      all.push_back(
          {0.90, "the payment provider works again", [this] { stage_.set_provider("ok"); }});
    }
    for (std::size_t i = 1; i <= settings_.kills; ++i)
      all.push_back({static_cast<double>(i) / static_cast<double>(settings_.kills + 1),
                     "the service is killed (SIGKILL), " + std::to_string(i) + " of " +
                         std::to_string(settings_.kills),
                     [this] { stage_.kill_and_restart(); }});
    std::stable_sort(all.begin(), all.end(),
                     [](const blow& a, const blow& b) { return a.at < b.at; });
    return all;
  }

  /// Makes the provider fail until the service has noticed.
  void provider(const std::string& mood) {
    stage_.set_provider(mood);
    const auto until = steady_clock::now() + seconds{10};
    while (steady_clock::now() < until) {
      const auto health = stage_.payment_health();
      if (health && *health == "the circuit is open") return say("the payment circuit is open");
      std::this_thread::sleep_for(milliseconds{20});
    }
    say("the payment circuit did not open");
  }

  void wait_until(load& clients, double part) {
    const auto wanted = static_cast<std::uint64_t>(part * static_cast<double>(settings_.commands));
    while (clients.answered() < wanted && !clients.finished() && !out_of_time(clients)) {
      show_load(clients);
      std::this_thread::sleep_for(milliseconds{5});
    }
  }

  void drive_to_the_end(load& clients) {
    while (!clients.finished()) {
      (void)out_of_time(clients);
      show_load(clients);
      std::this_thread::sleep_for(milliseconds{5});
    }
    clients.join();
    say("all clients are through");
  }

  /// A service that has died of itself answers nobody: there is nothing to wait for.
  void require_running(load& clients) {
    try {
      stage_.require_running();
    } catch (...) {
      clients.give_up();
      throw;
    }
  }

  bool out_of_time(load& clients) {
    if (progress_.seconds() < settings_.seconds) return false;
    clients.stop();
    return true;
  }

  void show_load(load& clients) {
    require_running(clients);
    progress_.show(std::to_string(clients.answered()) + " of " +
                   std::to_string(settings_.commands) + " commands answered, " +
                   std::to_string(clients.counters().retries) + " sent again");
  }

  /// Waits until nothing is on its way any more; false if that takes too long.
  bool wait_for_quiet() {
    const auto until = steady_clock::now() + seconds{30};
    for (;;) {
      const std::uint64_t left = count_in_flight(stage_.database());
      if (left == 0) return true;
      if (steady_clock::now() >= until) return false;
      stage_.require_running();
      progress_.show("waiting until all is quiet: " + std::to_string(left) + " still on the way");
      std::this_thread::sleep_for(milliseconds{50});
    }
  }

  std::vector<finding> judge(load& clients, bool quiet) {
    say(quiet ? "all is quiet; checking" : "it does not become quiet; checking all the same");
    load_result& seen = clients.result();
    evidence_.repeated = repeat_commands(seen, stage_.service_port());
    gather_shown_orders(evidence_, stage_.service_port());
    gather_charges(evidence_, stage_.provider_port());
    const std::optional<int> status = stage_.shut_down_service();
    gather_from_file(evidence_, stage_.database());
    evidence_.acknowledged = std::move(seen.acknowledged);
    evidence_.expected = std::move(seen.expected);
    evidence_.unanswered = seen.unanswered;
    evidence_.token_reads = seen.token_reads;
    evidence_.stale_reads = seen.stale_reads;
    std::vector<finding> findings = check_all(evidence_, settings_.provider_fails);
    finding stopped{.promise = "SIGTERM ends the service cleanly and soon", .looked_at = 1};
    if (status != 0)
      stopped.break_with(status ? "exit status " + std::to_string(*status) : "it had to be killed");
    findings.push_back(stopped);
    return findings;
  }

  run_figures figures(load& clients, double load_seconds) const {
    const load_result& seen = clients.result();
    return {.commands = clients.answered(),
            .load_seconds = load_seconds,
            .kills = settings_.kills,
            .lost_connections = clients.counters().lost_connections,
            .unavailable = clients.counters().unavailable,
            .retries = clients.counters().retries,
            .declared_stale = seen.declared_stale,
            .refused = seen.refused,
            .latency = clients.latency()};
  }

  void say(const std::string& what) { progress_.say(what); }

  settings settings_;
  std::vector<script> scripts_;
  progress progress_{};
  stage stage_;
  double begun_ = progress_.seconds();
  evidence evidence_{};
};

std::filesystem::path new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "gabion-demo-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    throw std::runtime_error{"cannot make a folder in " +
                             std::filesystem::temp_directory_path().string()};
  return name;
}

bool run_in(const settings& s, const std::filesystem::path& folder) {
  try {
    return show{s, folder}.run();
  } catch (const std::exception&) {
    std::printf("\nthe database file and the logs are in %s\n", folder.c_str());
    throw;
  }
}

int run(const settings& s) {
  const std::filesystem::path folder = s.folder.empty() ? new_folder() : s.folder;
  std::filesystem::create_directories(folder);
  if (std::filesystem::exists(folder / "orders.db"))
    throw std::runtime_error{"'" + folder.string() + "' holds an orders.db already"};
  const bool kept = run_in(s, folder);
  std::printf("\n%s\n", kept ? "every promise was kept" : "A PROMISE WAS BROKEN");
  if (kept && s.folder.empty())
    std::filesystem::remove_all(folder);
  else
    std::printf("the database file and the logs are in %s\n", folder.c_str());
  return kept ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a killed service closes connections that are being written to
  settings s;
  s.programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  CLI::App app{
      "Drives the order service as real processes, lets its payment provider fail, kills it, and "
      "checks what it promised."};
  app.add_option("--orders", s.orders, "JSON-lines file of orders, repeated as often as needed")
      ->capture_default_str();
  app.add_option("--commands", s.commands, "how many commands to send")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option("--connections", s.connections, "clients at the same time")
      ->check(CLI::Range(1, 60))
      ->capture_default_str();
  app.add_option("--kills", s.kills, "how often to kill the service")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--seconds", s.seconds, "begin no new order after this long")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  app.add_option("--folder", s.folder, "keep the database file and the logs here");
  app.add_option("--programs", s.programs,
                 "folder of order_service and payment_provider [that of this program]");
  app.add_flag("!--steady-provider", s.provider_fails,
               "let the payment provider work all the time");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(s);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "order_demo: %s\n", e.what());
    return 2;
  }
}
