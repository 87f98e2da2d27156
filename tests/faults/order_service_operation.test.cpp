// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gabion/adapters/sqlite/connection.hpp>

#include "order_service/running_service.hpp"

using namespace order_tests;

namespace {

std::string log_in(const temporary_folder& folder) {
  std::ifstream file{folder.path() / "log"};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

std::string health_of(running& service) {
  const std::string body = service.http().Get("/health")->body;
  UNSCOPED_INFO(body);
  return json::parse(body).at("state");
}

/// What a program that does not come to listen has written before it ended.
std::string complaint_of(const std::vector<std::string>& arguments) {
  const temporary_folder folder;
  shop::demo::child_process service{ORDER_SERVICE, arguments, folder.path() / "log"};
  try {
    (void)service.wait_for_port(seconds{5});
  } catch (const std::runtime_error&) {
    return log_in(folder);
  }
  return {};
}

/// What a shell command writes, and its status.
std::pair<std::string, int> output_of(const std::string& command) {
  std::FILE* const from = ::popen((command + " 2>&1").c_str(), "r");
  if (from == nullptr) throw std::runtime_error{"cannot run " + command};
  std::string text;
  char part[4096];
  while (const std::size_t size = std::fread(part, 1, sizeof part, from)) text.append(part, size);
  return {text, ::pclose(from)};
}

/// 2026-01-31T10:20:30.123Z info ...
bool has_time_and_level(const std::string& line) {
  std::istringstream words{line};
  std::string time;
  std::string level;
  words >> time >> level;
  for (char& c : level) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool known = level == "debug" || level == "info" || level == "warning" || level == "warn" ||
                     level == "error";
  return known && time.size() >= 20 && time[10] == 'T' && time.back() == 'Z';
}

bool all_have_time_and_level(const std::string& log) {
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);)
    if (!has_time_and_level(line)) return false;
  return !log.empty();
}

}  // namespace

TEST_CASE("S4: while the disk is full the service is not up", "[fault][!shouldfail]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  running service = start_service(folder, {"--payment", provider.url(), "--max-pages", "110"});
  int status = 202;
  for (int i = 0; status == 202 && i < 1000; ++i)
    status = service.http().Post("/orders", good_order, "application/json")->status;
  REQUIRE(status == 503);
  CHECK(health_of(service) != "up");
}

TEST_CASE("S4a: a service that could not write is not up until a write succeeds again",
          "[fault][!shouldfail]") {
  const temporary_folder folder;
  running provider = start_provider(folder);
  running service = start_service(folder, {"--payment", provider.url(), "--busy-timeout", "20"});
  {
    gabion::sqlite::connection other{(folder.path() / "orders.db").string()};
    other.execute("BEGIN IMMEDIATE");
    REQUIRE(service.http().Post("/orders", good_order, "application/json")->status == 503);
    CHECK(health_of(service) != "up");
    other.execute("ROLLBACK");
  }
  place(service);
  CHECK(health_of(service) == "up");
}

TEST_CASE("S4b: health has a part for the store", "[fault][!shouldfail]") {
  const temporary_folder folder;
  running service{ORDER_SERVICE, {"--port", "0", "--memory"}, folder.path()};
  CHECK(json::parse(service.http().Get("/health")->body).at("parts").contains("store"));
}

TEST_CASE("S7: a service that cannot listen says why", "[fault][!shouldfail]") {
  const temporary_folder folder;
  running first{ORDER_SERVICE, {"--port", "0", "--memory"}, folder.path()};
  const std::string text = complaint_of({"--memory", "--port", std::to_string(first.port())});
  REQUIRE(text.find("cannot listen on 127.0.0.1:" + std::to_string(first.port())) !=
          std::string::npos);
  CHECK(text.find("in use") != std::string::npos);
}

TEST_CASE("S7a: the address to listen on can be chosen", "[fault][!shouldfail]") {
  const temporary_folder folder;
  running service{ORDER_SERVICE, {"--port", "0", "--memory", "--host", "127.0.0.1"}, folder.path()};
  CHECK(service.http().Get("/health")->status == 200);
}

TEST_CASE("S7b: the URL of the payment provider must be one", "[fault][!shouldfail]") {
  CHECK(complaint_of({"--memory", "--port", "0", "--payment", "foo"}).find("--payment") !=
        std::string::npos);
}

TEST_CASE("S7c: every line of the log has its time and level", "[fault][!shouldfail]") {
  const temporary_folder folder;
  running service{ORDER_SERVICE, {"--port", "0", "--memory"}, folder.path()};
  REQUIRE(service.process().terminate(seconds{5}) == 0);
  const std::string log = log_in(folder);
  INFO(log);
  CHECK(all_have_time_and_level(log));
}

TEST_CASE("S7d: a service that does not start logs the reason with its time and level",
          "[fault][!shouldfail]") {
  const std::string log = complaint_of({"--port", "0", "--db", "/nowhere/orders.db"});
  INFO(log);
  CHECK(all_have_time_and_level(log));
}

TEST_CASE("S7e: the log says where the service listens", "[fault][!shouldfail]") {
  const temporary_folder folder;
  running service{ORDER_SERVICE, {"--port", "0", "--memory"}, folder.path()};
  REQUIRE(service.process().terminate(seconds{5}) == 0);
  CHECK(log_in(folder).find(std::to_string(service.port())) != std::string::npos);
}

TEST_CASE("S7f: the demo stops at the first order that the service refuses and says which",
          "[fault][!shouldfail]") {
  const temporary_folder folder;
  const std::filesystem::path orders = folder.path() / "mine.jsonl";
  std::string refused = good_order;
  refused.replace(refused.find("\"quantity\":2"), 12, "\"quantity\":-2");
  std::ofstream{orders} << refused << '\n' << good_order << '\n';
  const auto [text, status] = output_of(
      std::string{ORDER_DEMO} + " --commands 2 --connections 1 --kills 0 --steady-provider" +
      " --orders " + orders.string() + " --folder " + (folder.path() / "run").string());
  INFO(text);
  CHECK(status != 0);
  CHECK(text.find("line 1") != std::string::npos);
  CHECK(text.find("items[0].quantity") != std::string::npos);
  CHECK(text.find("BROKEN") == std::string::npos);
}
