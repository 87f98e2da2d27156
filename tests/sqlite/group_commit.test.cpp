// SPDX-License-Identifier: MIT
#include <gabion/adapters/sqlite/group_commit.hpp>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gabion/log/transactor.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

namespace {

using namespace gabion;

static_assert(transactor<sqlite::database>);
static_assert(transactor<sqlite::group_commit>);

struct faulty_env : native_env {
  static inline std::atomic<int> commits{0};
  static inline std::atomic<bool> fail_before{false};
  static inline std::atomic<int> hold{0};  // a commit waits until this is 0
  static void failpoint(const char* name) {
    if (std::string_view{name} != "sqlite.before_commit") return;
    commits.fetch_add(1);
    while (hold.load() != 0) std::this_thread::yield();
    if (fail_before.load()) throw std::runtime_error{"power cut"};
  }
};

struct counter {
  std::atomic<int> woken{0};
  void wake() noexcept { woken.fetch_add(1); }
};

template <class Database>
std::int64_t count(Database& in) {
  return in.read([](sqlite::connection& on) {
    sqlite::rows found = on.query("SELECT count(*) FROM t");
    found.next();
    return found->number(0);
  });
}

template <class Database>
void create(Database& in) {
  in.transact(
      [](sqlite::transaction& tx) { tx.on().execute("CREATE TABLE t (v INTEGER PRIMARY KEY)"); });
}

void put(sqlite::transaction& tx, int value) { tx.on().run("INSERT INTO t (v) VALUES (?)", value); }

/// Several callers whose bodies are certain to share one commit: the first one's commit is held
/// until all others wait.
class one_batch {
 public:
  explicit one_batch(sqlite::basic_group_commit<faulty_env>& writer) : writer_{writer} {
    faulty_env::commits = 0;
    faulty_env::hold = 1;
    leader_ =
        std::thread{[this] { writer_.transact([](sqlite::transaction& tx) { put(tx, 1000); }); }};
    while (faulty_env::commits.load() == 0) std::this_thread::yield();
  }

  template <class Body>
  void add(Body body) {
    threads_.emplace_back([this, body] { writer_.transact(body); });
    while (writer_.waiting() < threads_.size()) std::this_thread::yield();
  }
  /// Adds a body and keeps the code of the error that its caller gets.
  template <class Body>
  void add(Body body, std::error_code& got) {
    threads_.emplace_back([this, body, &got] {
      try {
        writer_.transact(body);
      } catch (const error& e) {
        got = e.code();
      } catch (const std::exception&) {
        got = std::make_error_code(std::errc::interrupted);
      }
    });
    while (writer_.waiting() < threads_.size()) std::this_thread::yield();
  }

  void run() {
    faulty_env::hold = 0;
    leader_.join();
    for (std::thread& each : threads_) each.join();
  }

 private:
  sqlite::basic_group_commit<faulty_env>& writer_;
  std::thread leader_{};
  std::vector<std::thread> threads_{};
};

struct grouped {
  gabion_test::temporary_directory directory{};
  sqlite::basic_database<faulty_env> db{directory.file("group.db")};
  sqlite::basic_group_commit<faulty_env> writer{db};
  grouped() {
    faulty_env::hold = 0;
    faulty_env::fail_before = false;
    create(db);
  }
};

}  // namespace

TEST_CASE("a group commit gives back what each body returned", "[sqlite][group_commit]") {
  const gabion_test::temporary_directory directory;
  sqlite::database db{directory.file("group.db")};
  create(db);
  sqlite::group_commit writer{db};
  CHECK(writer.transact([](sqlite::transaction& tx) {
    put(tx, 7);
    return std::string{"seven"};
  }) == "seven");
  writer.transact([](sqlite::transaction& tx) { put(tx, 8); });
  CHECK(count(db) == 2);
}

TEST_CASE("callers that wait together share one commit", "[sqlite][group_commit]") {
  grouped g;
  one_batch batch{g.writer};
  for (int i = 0; i < 5; ++i) batch.add([i](sqlite::transaction& tx) { put(tx, i); });
  batch.run();
  CHECK(count(g.db) == 6);
  CHECK(faulty_env::commits.load() == 2);
}

TEST_CASE("a batch is never larger than its bound", "[sqlite][group_commit]") {
  grouped g;
  sqlite::basic_group_commit<faulty_env> writer{g.db, {.max_batch = 2}};
  one_batch batch{writer};
  for (int i = 0; i < 5; ++i) batch.add([i](sqlite::transaction& tx) { put(tx, i); });
  batch.run();
  CHECK(count(g.db) == 6);
  CHECK(faulty_env::commits.load() == 1 + 3);
}

TEST_CASE("a body that throws is undone alone and only its own caller hears of it",
          "[sqlite][group_commit]") {
  grouped g;
  counter kept;
  counter undone;
  std::error_code first;
  std::error_code second;
  one_batch batch{g.writer};
  batch.add([&](sqlite::transaction& tx) {
    put(tx, 1);
    tx.wake_on_commit(wake_ref{kept});
  });
  batch.add(
      [&](sqlite::transaction& tx) {
        put(tx, 2);
        tx.wake_on_commit(wake_ref{undone});
        throw std::runtime_error{"no"};
      },
      first);
  batch.add([](sqlite::transaction& tx) { put(tx, 1); }, second);  // the key is taken
  batch.add([](sqlite::transaction& tx) { put(tx, 3); });
  batch.run();
  CHECK(first == std::errc::interrupted);
  CHECK(second == errc::duplicate);
  CHECK(kept.woken.load() == 1);
  CHECK(undone.woken.load() == 0);
  CHECK(count(g.db) == 3);
}

TEST_CASE("a commit that fails fails every caller of its batch and writes nothing",
          "[sqlite][group_commit]") {
  grouped g;
  counter sleeper;
  std::error_code got[2];
  one_batch batch{g.writer};
  for (int i = 0; i < 2; ++i)
    batch.add(
        [i, &sleeper](sqlite::transaction& tx) {
          put(tx, i);
          tx.wake_on_commit(wake_ref{sleeper});
          sqlite3_commit_hook(tx.on().native(), [](void*) { return 1; }, nullptr);
        },
        got[i]);
  batch.run();
  CHECK(got[0] == errc::duplicate);  // SQLITE_CONSTRAINT_COMMITHOOK
  CHECK(got[1] == errc::duplicate);
  CHECK(sleeper.woken.load() == 0);
  CHECK(count(g.db) == 1);
}

TEST_CASE("a full disk fails every caller of the batch with that error and the next batch works",
          "[sqlite][group_commit]") {
  grouped g;
  std::error_code got[3];
  one_batch batch{g.writer};
  batch.add([](sqlite::transaction& tx) { put(tx, 1); }, got[0]);
  batch.add(
      [](sqlite::transaction& tx) {
        tx.on().execute("PRAGMA max_page_count = 10");
        tx.on().execute("CREATE TABLE big (b BLOB)");
        tx.on().execute("INSERT INTO big VALUES (zeroblob(1000000))");
      },
      got[1]);
  batch.add([](sqlite::transaction& tx) { put(tx, 2); }, got[2]);
  batch.run();
  // SQLite gives up the whole transaction then, so nobody may be told that his part is safe.
  for (const std::error_code& each : got) CHECK(each == errc::full);
  CHECK(count(g.db) == 1);
  g.writer.transact([](sqlite::transaction& tx) {
    tx.on().execute("PRAGMA max_page_count = 1000000");
    put(tx, 4);
  });
  CHECK(count(g.db) == 2);
}

TEST_CASE("a body that ends the shared transaction fails its whole batch",
          "[sqlite][group_commit]") {
  grouped g;
  std::error_code got[2];
  one_batch batch{g.writer};
  batch.add([](sqlite::transaction& tx) { put(tx, 1); }, got[0]);
  batch.add([](sqlite::transaction& tx) { tx.on().execute("ROLLBACK"); }, got[1]);
  batch.run();
  CHECK(got[0] == errc::unavailable);
  CHECK(got[1] == errc::unavailable);
  CHECK(count(g.db) == 1);
}

TEST_CASE("a crash before the commit reaches every caller of the batch", "[sqlite][group_commit]") {
  grouped g;
  std::error_code got[2];
  one_batch batch{g.writer};
  batch.add(
      [](sqlite::transaction& tx) {
        put(tx, 1);
        faulty_env::fail_before = true;
      },
      got[0]);
  batch.add([](sqlite::transaction& tx) { put(tx, 2); }, got[1]);
  batch.run();
  CHECK(got[0] == std::errc::interrupted);
  CHECK(got[1] == std::errc::interrupted);
  faulty_env::fail_before = false;
  CHECK(count(g.db) == 1);
}

TEST_CASE("one caller more than may wait is told that the writer is busy",
          "[sqlite][group_commit]") {
  grouped g;
  sqlite::basic_group_commit<faulty_env> writer{g.db, {.max_waiting = 2}};
  one_batch batch{writer};
  batch.add([](sqlite::transaction& tx) { put(tx, 1); });
  batch.add([](sqlite::transaction& tx) { put(tx, 2); });
  CHECK_THROWS_WITH(writer.transact([](sqlite::transaction&) {}),
                    Catch::Contains("max_waiting") && Catch::Contains("2 callers"));
  batch.run();
  CHECK(count(g.db) == 3);
}

TEST_CASE("a group commit inside its own body is refused and the body may go on",
          "[sqlite][group_commit]") {
  grouped g;
  g.writer.transact([&](sqlite::transaction& tx) {
    CHECK_THROWS_WITH(g.writer.transact([](sqlite::transaction&) {}),
                      Catch::Contains("use the transaction that is open"));
    CHECK_THROWS_AS(g.db.transact([](sqlite::transaction&) {}), error);
    put(tx, 1);
  });
  CHECK(count(g.db) == 1);
}

TEST_CASE("options of a group commit out of range are named", "[sqlite][group_commit]") {
  grouped g;
  using writer = sqlite::basic_group_commit<faulty_env>;
  CHECK_THROWS_WITH((writer{g.db, {.max_batch = 0}}),
                    Catch::Contains("group_commit_options.max_batch is 0; allowed: 1 to 65536"));
  CHECK_THROWS_WITH((writer{g.db, {.max_batch = 65537}}), Catch::Contains("max_batch is 65537"));
  CHECK_THROWS_WITH((writer{g.db, {.max_waiting = 0}}), Catch::Contains("max_waiting is 0"));
  CHECK_NOTHROW(writer{g.db, {.max_batch = 65536, .max_waiting = 1048576}});
}

TEST_CASE("many threads lose nothing and each reads its own write", "[sqlite][group_commit]") {
  const gabion_test::temporary_directory directory;
  sqlite::database db{directory.file("group.db"), {.synchronous = sqlite::durability::off}};
  create(db);
  sqlite::group_commit writer{db, {.max_batch = 4}};
  constexpr int threads = 8;
  constexpr int each = 50;
  std::atomic<int> missing{0};
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        const int value = t * each + i;
        writer.transact([value](sqlite::transaction& tx) { put(tx, value); });
        const bool there = db.read([value](sqlite::connection& on) {
          return on.query("SELECT 1 FROM t WHERE v = ?", value).next();
        });
        if (!there) missing.fetch_add(1);
      }
    });
  for (std::thread& thread : running) thread.join();
  CHECK(missing.load() == 0);
  CHECK(count(db) == threads * each);
}
