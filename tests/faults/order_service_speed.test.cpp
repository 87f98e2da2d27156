// SPDX-License-Identifier: MIT
// Speed is judged by what is done, never by the clock: statements, rows and allocations.
#include "support/catch.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <sqlite3.h>

#include <gabion/adapters/sqlite/database.hpp>

#include "app/service.hpp"
#include "http/api.hpp"
#include "http/render.hpp"
#include "http/server.hpp"
#include "order_service/running_service.hpp"
#include "support/allocations.hpp"
#include "support/temporary_file.hpp"

namespace {

/// Statements begun and rows read by the reading connections of this process.
struct work_of_readers {
  static inline std::atomic<int> statements{0};
  static inline std::atomic<int> rows{0};
};

extern "C" {
static int note_work(unsigned kind, void*, void* statement, void*) {
  sqlite3* const on = sqlite3_db_handle(static_cast<sqlite3_stmt*>(statement));
  if (sqlite3_db_readonly(on, "main") != 1) return 0;
  ++(kind == SQLITE_TRACE_ROW ? work_of_readers::rows : work_of_readers::statements);
  return 0;
}
static int trace_connection(sqlite3* on, const char**, const sqlite3_api_routines*) {
  return sqlite3_trace_v2(on, SQLITE_TRACE_STMT | SQLITE_TRACE_ROW, note_work, nullptr);
}
}

/// Traces every connection that is opened while it lives.
struct traced {
  traced() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(trace_connection)); }
  ~traced() { sqlite3_reset_auto_extension(); }
};

/// A file with 60 orders, shown, and a service on it whose threads do not run.
class still_service {
 public:
  still_service() {
    fill();
    app_ = shop::make_sqlite_service({.path = file_.file("orders.db")}, {});
    shop::register_api(server_.routes(), *app_);
    http_ = std::make_unique<httplib::Client>("127.0.0.1", server_.start());
    http_->set_keep_alive(true);
    get("/orders?limit=1");  // opens the connections and prepares what is prepared once
    get(an_order());
  }

  [[nodiscard]] std::string an_order() const { return "/orders/" + last_id_; }
  [[nodiscard]] const std::string& last_id() const noexcept { return last_id_; }
  [[nodiscard]] shop::order_app& app() noexcept { return *app_; }

  std::string get(const std::string& path, const std::string& known_tag = {}) {
    httplib::Headers headers;
    if (!known_tag.empty()) headers.emplace("If-None-Match", known_tag);
    work_of_readers::statements = work_of_readers::rows = 0;
    const auto answer = http_->Get(path, headers);
    REQUIRE(answer);
    REQUIRE(answer->status == (known_tag.empty() ? 200 : 304));
    return answer->get_header_value("ETag");
  }

 private:
  void fill() {
    const auto writing = shop::make_sqlite_service({.path = file_.file("orders.db")}, {});
    writing->start();
    shop::receipt last;
    for (int i = 0; i < 60; ++i)
      last = writing->send(
          shop::place_order{.by = {"c-1", "Ada", "a@b"}, .items = {{"book", 2, {1500}}}}, {});
    last_id_ = last.order_id;
    using std::chrono::seconds;
    const auto shown =
        writing->ask(shop::list_orders{.fresh = {.at_least = last.at, .wait_for = seconds{20}}});
    REQUIRE(shown.read_model_at >= last.at);
    writing->stop();
  }

  traced tracing_{};
  gabion_test::temporary_directory file_{};
  std::string last_id_{};
  std::unique_ptr<shop::service> app_{};
  shop::http_server server_{{.threads = 1}};
  std::unique_ptr<httplib::Client> http_{};
};

}  // namespace

TEST_CASE("S8: one order is read with one statement", "[fault][!shouldfail]") {
  still_service s;
  s.get(s.an_order());
  CHECK(work_of_readers::statements <= 1);
}

TEST_CASE("S8a: a page is read with one statement", "[fault][!shouldfail]") {
  still_service s;
  s.get("/orders?limit=50");
  CHECK(work_of_readers::statements <= 1);
}

TEST_CASE("S8b: a client that has the page already costs no more than a row",
          "[fault][!shouldfail]") {
  still_service s;
  const std::string tag = s.get("/orders?limit=50");
  s.get("/orders?limit=50", tag);
  CHECK(work_of_readers::rows <= 1);
}

TEST_CASE("S8c: a page of 50 orders allocates at most six times what one order does",
          "[fault][!shouldfail]") {
  still_service s;
  const auto one = gabion_test::allocations_in([&] {
    (void)shop::render(*s.app().ask(shop::get_order{.order_id = s.last_id()}).result).dump();
  });
  const auto page = gabion_test::allocations_in([&] {
    const shop::list_orders query{.filter = {.limit = 50}};
    (void)shop::render(s.app().ask(query).result, "/orders", query.filter).dump();
  });
  INFO("one order: " << one << ", a page of 50: " << page);
  CHECK(page <= 6 * one);
}

TEST_CASE("S8d: a reader does not wait for another reader", "[fault][!shouldfail]") {
  const gabion_test::temporary_directory folder;
  gabion::sqlite::database database{folder.file("d.db")};
  database.transact([](gabion::sqlite::transaction& tx) { tx.on().execute("CREATE TABLE t (a)"); });
  std::atomic<bool> inside{false};
  std::thread second;
  const bool together = database.read([&](gabion::sqlite::connection&) {
    second = std::thread{[&] {
      database.read([&](gabion::sqlite::connection&) {
        inside = true;
        return 0;
      });
    }};
    return order_tests::eventually([&] { return inside.load(); }, std::chrono::milliseconds{300});
  });
  second.join();
  CHECK(together);
}
