// SPDX-License-Identifier: MIT
// What the explorer leaves out must not be missed: random programs, run with and without reduction,
// end in the same results.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include <gabion/core/random.hpp>
#include <gabion/testing/explorer_env.hpp>

#include "support/catch.hpp"

using gabion::testing::exploration;
using gabion::testing::explorer;
using gabion::testing::explorer_env;
using gabion::testing::explorer_options;

namespace {

enum class op : std::uint8_t { load, store, add, swap_if_seen, locked_add };
struct instruction {
  op what = op::load;
  std::size_t where = 0;
  std::memory_order order = std::memory_order_relaxed;
  int value = 0;
};
using program = std::vector<std::vector<instruction>>;
using results = std::set<std::vector<int>>;

program written_by(gabion::xoshiro256& draw) {
  constexpr std::array load_orders{std::memory_order_relaxed, std::memory_order_acquire,
                                   std::memory_order_seq_cst};
  constexpr std::array store_orders{std::memory_order_relaxed, std::memory_order_release,
                                    std::memory_order_seq_cst};
  program p(2 + draw() % 2);
  int value = 0;
  for (auto& thread : p) {
    thread.resize((p.size() == 2 ? 2 : 1) + draw() % 3);
    for (instruction& i : thread) {
      i.what = std::array{op::load, op::load,         op::store,     op::store,
                          op::add,  op::swap_if_seen, op::locked_add}
                   .at(draw() % 7);
      i.where = draw() % 2;
      i.order = i.what == op::load ? load_orders.at(draw() % 3) : store_orders.at(draw() % 3);
      i.value = ++value;
    }
  }
  return p;
}

// Everything that the threads read, and what is left in memory.
class machine {
 public:
  explicit machine(std::size_t threads) : read_(threads) {}

  void play(std::size_t thread, const std::vector<instruction>& code) {
    for (const instruction& i : code) read_[thread].push_back(step(i));
  }
  [[nodiscard]] std::vector<int> result() const {
    std::vector<int> all{words_[0].load(), words_[1].load()};
    for (const auto& r : read_) all.insert(all.end(), r.begin(), r.end());
    return all;
  }

 private:
  int step(const instruction& i) {
    auto& word = words_.at(i.where);
    if (i.what == op::load) return word.load(i.order);
    if (i.what == op::add) return word.fetch_add(100, i.order);
    if (i.what == op::swap_if_seen) {
      int seen = 0;
      return word.compare_exchange_strong(seen, i.value, i.order, std::memory_order_relaxed) ? -1
                                                                                             : seen;
    }
    if (i.what == op::locked_add) {
      lock_.lock();
      word.store(word.load(std::memory_order_relaxed) + 100, std::memory_order_relaxed);
      lock_.unlock();
      return 0;
    }
    word.store(i.value, i.order);
    return 0;
  }

  std::array<explorer_env::atomic<int>, 2> words_{};
  explorer_env::mutex lock_{};
  std::vector<std::vector<int>> read_;
};

exploration run(const program& p, const explorer_options& options, results& seen) {
  return explorer{options}.run([&](explorer& e) {
    machine m{p.size()};
    const auto thread = [&](std::size_t i) { return [&m, &p, i] { m.play(i, p[i]); }; };
    if (p.size() == 2 ? e.threads({thread(0), thread(1)})
                      : e.threads({thread(0), thread(1), thread(2)}))
      seen.insert(m.result());
  });
}

}  // namespace

TEST_CASE("what the explorer leaves out has the same results as what it runs", "[explorer]") {
  gabion::xoshiro256 draw{20};
  std::size_t all = 0;
  std::size_t reduced = 0;
  std::size_t several = 0;
  for (int i = 0; i < 400; ++i) {
    const program p = written_by(draw);
    const std::size_t old_values = std::array<std::size_t, 4>{0, 1, 2, 8}.at(draw() % 4);
    results wanted;
    results seen;
    const exploration whole = run(p, {.preemptions = 1'000, .old_values = old_values}, wanted);
    const exploration found = run(p, {.old_values = old_values}, seen);
    REQUIRE(whole.exhausted);
    REQUIRE(found.exhausted);
    CHECK(seen == wanted);
    all += whole.executions;
    reduced += found.executions;
    several += wanted.size() > 3 ? 1 : 0;
  }
  CHECK(several > 200);      // programs in which the order matters
  CHECK(reduced * 5 < all);  // and the reduction is worth its while
  INFO(all << " executions, reduced to " << reduced);
  CHECK(all > 100'000);
}
