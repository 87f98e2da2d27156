// SPDX-License-Identifier: MIT
#pragma once

#include <ucontext.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Runs a small concurrent scenario under every interleaving of its shared accesses, on one real thread.
namespace gabion::inline v0::testing {

/// What a thread of a scenario is about to do to shared memory.
enum class access : std::uint8_t { load, store, update, lock };

/// How far to explore. Later members are only ever added at the end.
struct explorer_options {
  std::size_t max_executions = 2'000'000;  ///< stop after so many; the report then says `exhausted = false`; default 2,000,000
  std::size_t max_steps = 5'000;           ///< in one execution; more is reported as a livelock; default 5,000
  std::string_view replay{};               ///< a schedule from an earlier report: run this one alone
};

/// What an exploration found. True if every execution was as it must be.
struct exploration {
  std::size_t executions = 0;
  std::size_t deepest = 0;  ///< shared accesses in the longest execution
  bool exhausted = false;   ///< every interleaving was covered (up to those that only swap independent accesses)
  std::string failure{};    ///< the first failed check; empty = none
  std::string schedule{};   ///< of the failed execution, for `explorer_options::replay`: one thread number per step
  std::string trace{};      ///< the same in words

  [[nodiscard]] explicit operator bool() const noexcept { return failure.empty(); }
  /// One line for a test's log.
  [[nodiscard]] std::string summary() const {
    return std::to_string(executions) + (exhausted ? " executions, exhausted" : " executions, NOT exhausted") + ", deepest " +
           std::to_string(deepest) + (failure.empty() ? "" : "; FAILED: " + failure + "; replay \"" + schedule + "\": " + trace);
  }
};

/// The scheduler behind `explorer_env`. A depth-first search over a stack of choices; sleep sets leave out executions that
/// differ only in the order of independent accesses. Memory is sequentially consistent: weaker orders are not explored.
/// Up to 8 threads. Not thread safe: it is one real thread that plays all.
class explorer {
 public:
  explicit explorer(explorer_options options = {}) : options_{options} {}
  explorer(const explorer&) = delete;
  explorer& operator=(const explorer&) = delete;

  /// Runs `scenario(*this)` once per interleaving. It builds its objects on `explorer_env`, calls `threads` once, then checks.
  /// It must do the same each time, apart from the schedule.
  template <class Scenario>
  exploration run(Scenario&& scenario) {
    report_ = {};
    do {
      begin();
      current() = this;
      scenario(*this);
      current() = nullptr;
      ++report_.executions;
      report_.deepest = report_.deepest < schedule_.size() ? schedule_.size() : report_.deepest;
      if (!report_.failure.empty()) return finish(false);
      if (!options_.replay.empty()) return finish(false);
      if (!backtrack()) return finish(true);
    } while (report_.executions < options_.max_executions);
    return finish(false);
  }

  /// Runs the functions as the scenario's threads until all have ended. Returns false if they cannot: then nothing that they
  /// share may be touched any more, so leave the scenario at once.
  bool threads(std::initializer_list<std::function<void()>> bodies) {
    fibers_.clear();
    for (const auto& body : bodies) start(body);
    const std::size_t first = choose();
    if (first != none) resume(first);
    return !stuck_;
  }

  /// Records the first failure of an execution. May be called from threads and after them.
  void expect(bool holds, std::string_view what) {
    if (holds || !report_.failure.empty()) return;
    report_.failure = what;
    note_schedule();
  }

  /// Called by `explorer_env` before each shared access. Outside of `threads` it does nothing.
  static void point(const void* object, access what) {
    if (explorer* const e = current(); e != nullptr && e->active_ != none) e->pause(object, what);
  }
  static void hold(const void* mutex) {
    if (explorer* const e = current()) e->held_[mutex] = true;
  }
  static void release(const void* mutex) {
    if (explorer* const e = current()) e->held_[mutex] = false;
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr std::size_t stack_size = 128 * 1024;

  struct fiber {
    std::function<void()> body{};
    ucontext_t context{};
    const void* object = nullptr;
    access what = access::load;
    bool done = false;
  };

  // One choice that was made: who could go on, who need not be tried, who was tried.
  struct choice {
    std::uint32_t enabled = 0;
    std::uint32_t asleep = 0;
    std::uint32_t tried = 0;
    std::size_t taken = none;
  };

  [[nodiscard]] static explorer*& current() noexcept {
    static thread_local explorer* running = nullptr;
    return running;
  }
  [[nodiscard]] static constexpr std::uint32_t bit(std::size_t thread) noexcept { return std::uint32_t{1} << thread; }

  void begin() {
    depth_ = 0;
    asleep_ = 0;
    free_run_ = false;
    stuck_ = false;
    active_ = none;
    held_.clear();
    schedule_.clear();
    steps_.clear();
  }

  void start(const std::function<void()>& body) {
    const std::size_t id = fibers_.size();
    fibers_.push_back(std::make_unique<fiber>());
    if (stacks_.size() <= id) stacks_.push_back(std::make_unique<std::array<char, stack_size>>());
    fiber& f = *fibers_.back();
    f.body = body;
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = stacks_[id]->data();
    f.context.uc_stack.ss_size = stack_size;
    f.context.uc_link = nullptr;
    makecontext(&f.context, &explorer::enter, 0);
    starting_ = true;
    active_ = id;
    swapcontext(&home_, &f.context);  // up to its first shared access, or to its end
    starting_ = false;
  }

  static void enter() {
    explorer* const e = current();
    fiber& f = *e->fibers_[e->active_];
    f.body();
    f.done = true;
    e->leave(f);
  }

  void pause(const void* object, access what) {
    fiber& f = *fibers_[active_];
    f.object = object;
    f.what = what;
    if (starting_)
      swapcontext(&f.context, &home_);
    else
      go_on(f);
  }

  /// The running thread stops here; the next one goes on, which may be the same.
  void go_on(fiber& f) {
    const std::size_t next = choose();
    if (next == none) {
      active_ = none;
      swapcontext(&f.context, &home_);
      return;
    }
    if (fibers_[next].get() == &f) return;
    active_ = next;
    swapcontext(&f.context, &fibers_[next]->context);
  }

  [[noreturn]] void leave(fiber& f) {
    for (;;) {
      if (starting_) {
        swapcontext(&f.context, &home_);
      } else {
        go_on(f);
      }
    }
  }

  void resume(std::size_t next) {
    active_ = next;
    swapcontext(&home_, &fibers_[next]->context);
    active_ = none;
  }

  [[nodiscard]] std::uint32_t enabled() const {
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < fibers_.size(); ++i) {
      const fiber& f = *fibers_[i];
      const auto held = held_.find(f.object);
      const bool blocked = f.what == access::lock && held != held_.end() && held->second;
      if (!f.done && !blocked) mask |= bit(i);
    }
    return mask;
  }

  [[nodiscard]] bool all_done() const {
    for (const auto& f : fibers_)
      if (!f->done) return false;
    return true;
  }

  /// Who makes the next step; none if all have ended, or nobody can go on.
  [[nodiscard]] std::size_t choose() {
    if (all_done()) return none;
    const std::uint32_t able = enabled();
    if (able == 0 || schedule_.size() >= options_.max_steps) {
      stuck_ = true;
      expect(false, able == 0 ? "deadlock" : "more steps than max_steps: livelock?");
      return none;
    }
    const std::size_t next = options_.replay.empty() ? search(able) : replayed(able);
    note_step(next);
    return next;
  }

  [[nodiscard]] std::size_t replayed(std::uint32_t able) const {
    const std::size_t at = schedule_.size();
    const std::size_t wanted = at < options_.replay.size() ? static_cast<std::size_t>(options_.replay[at] - '0') : none;
    return wanted < fibers_.size() && (able & bit(wanted)) != 0 ? wanted : preferred(able);
  }

  [[nodiscard]] std::size_t preferred(std::uint32_t of) const {
    if (active_ != none && (of & bit(active_)) != 0) return active_;
    return static_cast<std::size_t>(std::countr_zero(of));
  }

  [[nodiscard]] std::size_t search(std::uint32_t able) {
    if (free_run_) return preferred(able);
    if (depth_ == choices_.size()) {
      if ((able & ~asleep_) == 0) {  // all that could follow has been seen in another order: just come to an end
        free_run_ = true;
        return preferred(able);
      }
      choices_.push_back({able, asleep_, 0, preferred(able & ~asleep_)});
    }
    const choice& c = choices_[depth_++];
    fall_asleep(c);
    return c.taken;
  }

  /// Whoever need not be tried here need not be tried after the step either, unless the step has to do with its access.
  void fall_asleep(const choice& c) {
    asleep_ = 0;
    for (std::size_t i = 0; i < fibers_.size(); ++i)
      if (((c.asleep | c.tried) & bit(i)) != 0 && independent(*fibers_[i], *fibers_[c.taken])) asleep_ |= bit(i);
  }

  [[nodiscard]] static bool independent(const fiber& a, const fiber& b) noexcept {
    return a.object != b.object || (a.what == access::load && b.what == access::load);
  }

  /// Turns to the next execution; false if there is none.
  [[nodiscard]] bool backtrack() {
    while (!choices_.empty()) {
      choice& c = choices_.back();
      c.tried |= bit(c.taken);
      if (const std::uint32_t left = c.enabled & ~(c.asleep | c.tried); left != 0) {
        c.taken = static_cast<std::size_t>(std::countr_zero(left));
        return true;
      }
      choices_.pop_back();
    }
    return false;
  }

  void note_step(std::size_t thread) {
    schedule_ += static_cast<char>('0' + static_cast<int>(thread));
    steps_.push_back({thread, fibers_[thread]->object, fibers_[thread]->what});
  }

  void note_schedule() {
    report_.schedule = schedule_;
    std::map<const void*, std::size_t> names;
    for (const step& s : steps_) {
      constexpr std::array<std::string_view, 4> verbs{"load", "store", "update", "lock"};
      const std::size_t name = names.emplace(s.object, names.size()).first->second;
      report_.trace.append(std::to_string(s.thread)).append(":").append(verbs[static_cast<std::size_t>(s.what)]);
      report_.trace.append(" #").append(std::to_string(name)).append(" ");
    }
  }

  exploration finish(bool exhausted) {
    report_.exhausted = exhausted;
    choices_.clear();
    return std::exchange(report_, {});
  }

  struct step {
    std::size_t thread = 0;
    const void* object = nullptr;
    access what = access::load;
  };

  explorer_options options_;
  exploration report_{};
  std::vector<choice> choices_{};
  std::size_t depth_ = 0;
  std::uint32_t asleep_ = 0;
  bool free_run_ = false;
  bool starting_ = false;
  bool stuck_ = false;
  std::size_t active_ = none;
  std::map<const void*, bool> held_{};
  std::string schedule_{};
  std::vector<step> steps_{};
  std::vector<std::unique_ptr<std::array<char, stack_size>>> stacks_{};
  std::vector<std::unique_ptr<fiber>> fibers_{};
  ucontext_t home_{};
};

}  // namespace gabion::inline v0::testing
