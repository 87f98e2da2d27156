// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <gabion/adapters/sqlite/group_commit.hpp>
#include <gabion/adapters/sqlite/outbox_store.hpp>
#include <gabion/core/random.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

namespace {

using namespace gabion;

constexpr std::size_t writers = 4;

/// Memory that outlives the killed process: what it was told is durable.
class acknowledgements {
 public:
  acknowledgements() {
    void* page = ::mmap(nullptr, sizeof(counters), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) throw std::bad_alloc{};
    counters_ = new (page) counters{};
  }
  acknowledgements(const acknowledgements&) = delete;
  acknowledgements& operator=(const acknowledgements&) = delete;
  ~acknowledgements() { ::munmap(counters_, sizeof(counters)); }

  /// Where a writer begins: what it found in the database.
  void begin(std::size_t writer, std::int64_t number) { counters_->number[writer].store(number); }
  void set(std::size_t writer, std::int64_t number) {
    counters_->number[writer].store(number);
    counters_->total.fetch_add(1);
  }
  [[nodiscard]] std::int64_t number(std::size_t writer) const {
    return counters_->number[writer].load();
  }
  [[nodiscard]] std::int64_t total() const { return counters_->total.load(); }

 private:
  struct counters {
    std::array<std::atomic<std::int64_t>, writers> number{};
    std::atomic<std::int64_t> total{0};
  };
  counters* counters_;
};

/// Runs `body()` in a process of its own and kills that once `enough()` is true. False if it died
/// before.
template <class Body, class Enough>
bool kill_when(Body body, Enough enough) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
    } catch (...) {}
    ::_exit(1);
  }
  int status = 0;
  while (!enough())
    if (::waitpid(child, &status, WNOHANG) == child) return false;
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

std::int64_t number_of(sqlite::connection& on, std::string_view sql, std::size_t writer) {
  sqlite::rows r = on.query(sql, writer);
  return r.next() ? r->number(0) : -1;
}

/// Each transaction writes its number into two tables, so half of one would show.
void write_pair(sqlite::transaction& tx, std::size_t writer, std::int64_t number) {
  tx.on().run("INSERT INTO a (writer, number) VALUES (?, ?)", writer, number);
  tx.on().run("INSERT INTO b (writer, number) VALUES (?, ?)", writer, number);
}

template <class Transactor>
void write_for_ever(Transactor& through, std::size_t writer, std::int64_t next,
                    acknowledgements& told) {
  told.begin(writer, next - 1);
  for (;; ++next) {
    through.transact([&](sqlite::transaction& tx) { write_pair(tx, writer, next); });
    told.set(writer, next);
  }
}

struct pairs {
  gabion_test::temporary_directory directory{};
  std::string path = directory.file("kill.db");
  acknowledgements told{};

  pairs() {
    sqlite::database db{path};
    db.transact([](sqlite::transaction& tx) {
      tx.on().execute("CREATE TABLE a (writer, number)");
      tx.on().execute("CREATE TABLE b (writer, number)");
    });
  }

  void check() const {
    sqlite::database db{path};
    db.read([&](sqlite::connection& on) {
      sqlite::rows integrity = on.query("PRAGMA integrity_check");
      REQUIRE(integrity.next());
      CHECK(integrity->text(0) == "ok");
      for (std::size_t w = 0; w < writers; ++w) {
        const std::int64_t count = number_of(on, "SELECT count(*) FROM a WHERE writer = ?", w);
        const std::int64_t last =
            number_of(on, "SELECT coalesce(max(number), 0) FROM a WHERE writer = ?", w);
        CHECK(count == last);           // no gap: a prefix of what the writer wrote
        CHECK(last >= told.number(w));  // nothing that it was told is durable is lost
        // and at most the one that was under way is there besides
        CHECK(last <= told.number(w) + 1);
      }
      CHECK_FALSE(
          on.query("SELECT writer, number FROM a EXCEPT SELECT writer, number FROM b").next());
      CHECK_FALSE(
          on.query("SELECT writer, number FROM b EXCEPT SELECT writer, number FROM a").next());
    });
  }
};

std::int64_t next_number(sqlite::database& db, std::size_t writer) {
  return db.read([&](sqlite::connection& on) {
    return number_of(on, "SELECT coalesce(max(number), 0) + 1 FROM a WHERE writer = ?", writer);
  });
}

constexpr int kills = 20;

}  // namespace

TEST_CASE("a process killed among its transactions leaves a prefix of them", "[sqlite][crash]") {
  pairs p;
  xoshiro256 random{1};
  for (int kill = 0; kill < kills; ++kill) {
    const std::int64_t until = p.told.total() + static_cast<std::int64_t>(uniform(random, 1, 30));
    REQUIRE(kill_when(
        [&] {
          sqlite::database db{p.path};
          write_for_ever(db, 0, next_number(db, 0), p.told);
        },
        [&] { return p.told.total() >= until; }));
    p.check();
  }
}

TEST_CASE("a process killed among its group commits leaves a prefix of each writer",
          "[sqlite][crash]") {
  pairs p;
  xoshiro256 random{2};
  for (int kill = 0; kill < kills; ++kill) {
    const std::int64_t until = p.told.total() + static_cast<std::int64_t>(uniform(random, 1, 60));
    REQUIRE(kill_when(
        [&] {
          sqlite::database db{p.path};
          sqlite::group_commit writer{db};
          std::vector<std::thread> running;
          for (std::size_t w = 0; w < writers; ++w)
            running.emplace_back(
                [&, w, next = next_number(db, w)] { write_for_ever(writer, w, next, p.told); });
          for (std::thread& each : running) each.join();
        },
        [&] { return p.told.total() >= until; }));
    p.check();
  }
}

TEST_CASE("a process killed while it enqueues and settles loses and repeats nothing",
          "[sqlite][crash]") {
  const gabion_test::temporary_directory directory;
  const std::string path = directory.file("kill.db");
  acknowledgements told;  // 0: what was enqueued, 1: what was settled
  {
    sqlite::database db{path};
    sqlite::outbox_store::create_schema(db);
    db.transact(
        [](sqlite::transaction& tx) { tx.on().execute("CREATE TABLE a (writer, number)"); });
  }
  xoshiro256 random{3};
  for (int kill = 0; kill < kills; ++kill) {
    const std::int64_t until = told.total() + static_cast<std::int64_t>(uniform(random, 1, 40));
    REQUIRE(kill_when(
        [&] {
          sqlite::database db{path};
          sqlite::outbox_store outbox{db};
          std::thread relay{[&] {
            const lease held = outbox.acquire_lease("relay", "me", std::chrono::hours{1}).value();
            for (;;)
              for (const outbox_record& r : outbox.fetch(0, beginning, 5)) {
                const std::vector<settlement> done{{.at = r.at}};
                if (outbox.settle(held, done, r.at) != settle_status::applied) return;
                told.set(1, static_cast<std::int64_t>(to_number(r.at)));
              }
          }};
          for (std::int64_t n = next_number(db, 0);; ++n) {
            db.transact([&](sqlite::transaction& tx) {
              tx.on().run("INSERT INTO a (writer, number) VALUES (0, ?)", n);
              const std::vector<message> batch{
                  {.id = std::to_string(n), .type = "t", .subject = "k"}};
              outbox.enqueue(tx, batch);
            });
            told.set(0, n);
          }
        },
        [&] { return told.total() >= until; }));
    sqlite::database db{path};
    db.read([&](sqlite::connection& on) {
      sqlite::rows integrity = on.query("PRAGMA integrity_check");
      REQUIRE(integrity.next());
      CHECK(integrity->text(0) == "ok");
      CHECK_FALSE(
          on.query("SELECT CAST(number AS TEXT) FROM a EXCEPT SELECT event_id FROM gabion_outbox")
              .next());
      CHECK_FALSE(
          on.query("SELECT event_id FROM gabion_outbox EXCEPT SELECT CAST(number AS TEXT) FROM a")
              .next());
      CHECK(number_of(on, "SELECT max(number) FROM a WHERE writer = ?", 0) >= told.number(0));
      // One relay, in order: what is published is a prefix.
      const std::int64_t published =
          number_of(on, "SELECT count(*) + ? FROM gabion_outbox WHERE state = 1", 0);
      CHECK(number_of(on, "SELECT coalesce(max(id), 0) + ? FROM gabion_outbox WHERE state = 1",
                      0) == published);
      CHECK(published >= told.number(1));
    });
  }
}
