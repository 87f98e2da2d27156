// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gabion/testing/detail/schedule.hpp>
#include <gabion/testing/detail/scheduler.hpp>
#include <gabion/testing/detail/search.hpp>

// Runs a small concurrent scenario under every interleaving of its shared accesses, on one real
// thread.
namespace gabion {
inline namespace v0 {
namespace testing {

/// How to go through the executions: all of them, depth first, or as a walk that draws every
/// choice.
enum class search_by : std::uint8_t { depth_first, random_walk };

/// How far to explore. Later members are only ever added at the end.
struct explorer_options {
  static constexpr std::size_t unbounded = static_cast<std::size_t>(-1);

  /// Stop after so many; the report then says `exhausted = false`; default 2,000,000
  std::size_t max_executions = 2'000'000;
  /// In one execution, 1 to 30,000; more is reported as a livelock; default 5,000
  std::size_t max_steps = 5'000;
  std::string_view replay{};  ///< a schedule from an earlier report: run this one alone
  /// How often a thread that could go on may be interrupted in one execution; default: without
  /// bound. With a bound every schedule within it is run, also those that differ only in the order
  /// of independent accesses.
  std::size_t preemptions = unbounded;
  /// How many stores before the newest one a load may reach, if the memory model lets it; 0: memory
  /// is sequentially consistent, whatever the orders say; at most 25; default 8.
  std::size_t old_values = 8;
  /// So many compare_exchange_weak of an execution may fail for nothing; default 0
  std::size_t spurious_failures = 0;
  /// A random walk ends after `max_executions` and is never exhausted
  search_by search = search_by::depth_first;
  std::uint64_t seed = 1;  ///< of a random walk: the same seed, the same walk
};

/// What an exploration found. True if every execution was as it must be.
struct exploration {
  std::size_t executions = 0;
  std::size_t deepest = 0;  ///< shared accesses in the longest execution
  /// Every interleaving was covered (up to those that only swap independent accesses)
  bool exhausted = false;
  std::string failure{};   ///< the first failed check; empty = none
  std::string schedule{};  ///< of the failed execution, for `explorer_options::replay`; `A5bB2` =
                           ///< five steps of thread A, the last of which reads one store before the
                           ///< newest, then two of thread B
  std::string trace{};     ///< the same in words
  std::size_t redundant = 0;  ///< of the executions: begun, but seen before in another order
  std::uint64_t steps = 0;    ///< of all executions together

  [[nodiscard]] explicit operator bool() const noexcept { return failure.empty(); }
  /// One line for a test's log.
  [[nodiscard]] std::string summary() const {
    return std::to_string(executions) +
           (exhausted ? " executions, exhausted" : " executions, NOT exhausted") + ", deepest " +
           std::to_string(deepest) +
           (failure.empty() ? ""
                            : "; FAILED: " + failure + "; replay \"" + schedule + "\": " + trace);
  }
};

/// Runs a scenario of up to 8 threads under every interleaving, and under every value that a load
/// may return.
///
/// Threads are fibers of the calling thread, so an execution is a list of choices that can be
/// searched and run again. What they share is made of `explorer_env`. Memory is that of C++20, for
/// what it offers: loads and stores relaxed, release/acquire and seq_cst, release sequences,
/// coherence, mutexes. Not modelled, so not found: stand-alone fences, a load that returns a store
/// which comes later in the schedule (load buffering), a modification order that is not the order
/// of execution. Read-modify-writes, failing ones as well, read the newest value.
///
/// Finds failed checks, deadlocks, lost wakeups, livelocks, exceptions that leave a thread, and
/// races on `explorer_env::plain`. Not thread safe: it is one real thread that plays all.
class explorer {
 public:
  explicit explorer(explorer_options options = {}) : options_{options} {}
  explorer(const explorer&) = delete;
  explorer& operator=(const explorer&) = delete;

  /// Runs `scenario(*this)` once for each execution. It builds its objects on `explorer_env`, calls
  /// `threads` once, then checks. It must do the same each time, apart from the schedule.
  template <class Scenario>
  exploration run(Scenario&& scenario) {
    exploration report;
    std::vector<detail::step> script;
    if (!detail::steps_of(options_.replay, script)) {
      report.failure =
          "the schedule cannot be read: it is letters A to H with numbers, as in a report";
      return report;
    }
    detail::scheduler play{limits(), plan()};
    if (!options_.replay.empty()) play.follow(script);
    play_ = &play;
    do {
      play.begin();
      failure_ = {};
      scenario(*this);
      play.stop();
      take_down(report);
      if (!report.failure.empty() || !options_.replay.empty()) break;
      report.exhausted = !play.next_execution();
    } while (!report.exhausted && report.executions < options_.max_executions);
    play_ = nullptr;
    return report;
  }

  /// Runs the functions as the scenario's threads until all have ended. Returns false if they
  /// cannot: then nothing that they share may be touched any more, so leave the scenario at once.
  bool threads(std::initializer_list<thread_body> bodies) { return play_->play(bodies); }

  /// Records the first failure of an execution. May be called from threads and after them.
  void expect(bool holds, std::string_view what) {
    if (!holds && failure_.empty()) failure_ = what;
  }

 private:
  [[nodiscard]] detail::scheduler_limits limits() const noexcept {
    constexpr std::size_t most = 30'000;
    return {.max_steps = options_.max_steps < most ? options_.max_steps : most,
            .old_values = options_.old_values < 25 ? options_.old_values : 25,
            .spurious_failures = options_.spurious_failures};
  }
  [[nodiscard]] detail::search_plan plan() const noexcept {
    const bool bounded = options_.preemptions != explorer_options::unbounded;
    return {.random = options_.search == search_by::random_walk,
            .seed = options_.seed,
            .preemptions = options_.preemptions,
            .bounded = bounded,
            .reduced = !bounded};
  }

  void take_down(exploration& report) {
    const auto& steps = play_->steps();
    ++report.executions;
    report.steps += steps.size();
    if (play_->redundant()) ++report.redundant;
    if (report.deepest < steps.size()) report.deepest = steps.size();
    report.failure = play_->complaint().empty() ? failure_ : std::string{play_->complaint()};
    if (report.failure.empty()) return;
    report.schedule = detail::schedule_of(steps);
    report.trace = detail::trace_of(steps);
  }

  explorer_options options_;
  detail::scheduler* play_ = nullptr;
  std::string failure_{};
};

}  // namespace testing
}  // namespace v0
}  // namespace gabion
