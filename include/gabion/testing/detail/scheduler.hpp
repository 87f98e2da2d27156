// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gabion/testing/detail/fiber.hpp>
#include <gabion/testing/detail/schedule.hpp>
#include <gabion/testing/detail/search.hpp>
#include <gabion/testing/detail/vector_clock.hpp>
#include <gabion/testing/detail/weak_memory.hpp>

namespace gabion {
inline namespace v0 {
namespace testing {

/// What a thread of a scenario does: a reference to something that can be called, which must
/// outlive the call of `threads`.
class thread_body {
 public:
  template <class Function>
    requires std::is_invocable_v<Function&> &&
                 (!std::is_same_v<std::remove_cvref_t<Function>, thread_body>)
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): constrained above
  explicit(false) thread_body(Function&& f) noexcept
      : target_{const_cast<void*>(static_cast<const void*>(&f))},
        call_{[](void* t) { (*static_cast<std::remove_reference_t<Function>*>(t))(); }} {}
  void operator()() const { call_(target_); }

 private:
  void* target_;
  void (*call_)(void*);
};

namespace detail {

/// Where an object's location is, in the execution that it was made for.
struct location_ref {
  location* where = nullptr;
  std::uint64_t execution = 0;
};

/// While it lives, what happens is the explorer's doing and not the scenario's: for whoever watches
/// every access to memory.
class backstage {
 public:
  backstage() noexcept { on = true; }
  backstage(const backstage&) = delete;
  backstage& operator=(const backstage&) = delete;
  ~backstage() { on = false; }

  static inline constinit thread_local bool on = true;
};

struct scheduler_limits {
  std::size_t max_steps = 0;
  std::size_t old_values = 0;
  std::size_t spurious_failures = 0;
};

/// Plays the threads of one execution, and what they share.
class scheduler {
 public:
  /// The one that plays the calling thread, if it is one of a scenario's.
  [[nodiscard]] static scheduler* active() noexcept {
    scheduler* const s = running;
    return s != nullptr && s->active_ != no_thread ? s : nullptr;
  }

  scheduler(scheduler_limits limits, const search_plan& plan) : limits_{limits} {
    search_.plan(plan);
  }
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;
  ~scheduler() { stop(); }

  /// Runs this schedule instead of searching.
  void follow(const std::vector<step>& script) { script_ = &script; }

  void begin() {
    search_.begin();
    memory_.begin();
    steps_.clear();
    spurious_ = 0;
    count_ = 0;
    complaint_ = {};
    running = this;
  }
  void stop() noexcept {
    if (running == this) running = nullptr;
  }
  [[nodiscard]] bool next_execution() { return search_.backtrack(); }

  /// False if they cannot end.
  bool play(std::initializer_list<thread_body> bodies) {
    next_ = {};
    live_ = 0;
    stuck_ = false;
    count_ = 0;
    if (bodies.size() > max_threads) {
      complain("a scenario has at most 8 threads");
      return false;
    }
    ++this_execution;  // what was done before is seen by all
    for (const thread_body& b : bodies) start(b);
    if (const std::size_t first = choose(no_thread); first != no_thread) {
      active_ = first;
      fiber::change(home_, threads_[first].where);
    }
    active_ = no_thread;
    return !stuck_;
  }

  [[nodiscard]] const std::vector<step>& steps() const noexcept { return steps_; }
  [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }
  [[nodiscard]] bool redundant() const noexcept { return search_.redundant(); }

  // What threads do, called through explorer_env.

  std::uint64_t load(location_ref& ref, std::uint64_t initial, std::memory_order order) {
    location& l = located(ref, initial);
    const bool ordered = order == std::memory_order_seq_cst;
    reach({&l, access::load, ordered});
    thread_state& t = threads_[active_];
    const std::size_t age = pick_age(l, t, ordered);
    const std::size_t i = l.newest() - age;
    const std::uint64_t value = l.read(i, active_, t.clock, order);
    t.clock.advance(active_);
    note(value, age);
    search_.did(
        {{&l, access::load, ordered}, active_, l.outlives(i, active_, {limits_.old_values})});
    return value;
  }

  void store(location_ref& ref, std::uint64_t initial, std::uint64_t value,
             std::memory_order order) {
    location& l = located(ref, initial);
    reach({&l, access::store, order == std::memory_order_seq_cst});
    thread_state& t = threads_[active_];
    l.write(value, active_, t.clock, order);
    done(value, t);
  }

  /// Reads the newest value; `change(value)` says whether to write, and makes it the value to
  /// write. A failing update is a load with `failure`; `weak`: it may fail for nothing. Gives what
  /// was read; `failed_for_nothing` is then true.
  template <class Change>
  std::uint64_t update(location_ref& ref, std::uint64_t initial, std::memory_order success,
                       std::memory_order failure, bool weak, bool& failed_for_nothing,
                       const Change& change) {
    location& l = located(ref, initial);
    reach({&l, access::update, success == std::memory_order_seq_cst});
    thread_state& t = threads_[active_];
    const std::uint64_t old = l.last();
    std::uint64_t value = old;
    const bool wanted = change(value);
    failed_for_nothing = wanted && weak && fail_for_nothing();
    const bool written = wanted && !failed_for_nothing;
    l.read(l.newest(), active_, t.clock, written ? success : failure);
    if (written) l.replace(value, active_, t.clock, success);
    done(written ? value : old, t);
    return old;
  }

  void lock(location_ref& ref) {
    location& l = located(ref, 0);
    reach({&l, access::lock, false});
    l.lock(threads_[active_].clock);
    done(0, threads_[active_]);
  }
  // Not a step of its own: whoever waits can go on only after the next step in any case.
  void unlock(location_ref& ref) {
    thread_state& t = threads_[active_];
    located(ref, 0).unlock(t.clock);
    t.clock.advance(active_);
  }

  // Of an event, whose value is 1 if somebody has been woken who has not been there yet.
  void wake(location_ref& ref, std::uint64_t initial) {
    swap({&located(ref, initial), access::update, false}, 1);
  }
  void wait(location_ref& ref, std::uint64_t initial) {
    swap({&located(ref, initial), access::wait, false}, 0);
  }
  std::uint64_t take(location_ref& ref, std::uint64_t initial) {
    return swap({&located(ref, initial), access::update, false}, 0);
  }

  // As std::atomic::wait: blocked until somebody notifies after a store that comes after the one
  // that was read.
  void wait_while(location_ref& ref, std::uint64_t initial, std::uint64_t old,
                  std::memory_order order) {
    location& l = located(ref, initial);
    while (load(ref, initial, order) == old) {
      const std::size_t seen = l.newest() - steps_.back().age;
      reach({&l, access::sleep, false, seen});
      done(old, threads_[active_]);
    }
  }
  void notify(location_ref& ref, std::uint64_t initial) {
    location& l = located(ref, initial);
    reach({&l, access::update, false});
    l.notify();
    done(l.last(), threads_[active_]);
  }

  [[nodiscard]] const void* playing() const noexcept { return &threads_[active_]; }

  // Of the running thread, for whoever watches plain data.
  [[nodiscard]] std::size_t thread() const noexcept { return active_; }
  [[nodiscard]] const vector_clock& clock() const noexcept { return threads_[active_].clock; }
  [[nodiscard]] static std::uint64_t execution() noexcept { return this_execution; }
  void complain(std::string_view what) noexcept {
    if (complaint_.empty()) complaint_ = what;
  }

  void touch(location_ref& ref, bool writes) {
    location& l = located(ref, 0);
    thread_state& t = threads_[active_];
    if (!(writes ? l.writes_plainly(active_, t.clock) : l.reads_plainly(active_, t.clock)))
      complain(writes ? "data race: a thread writes plain data that another one uses"
                      : "data race: a thread reads plain data that another one writes");
  }

 private:
  struct thread_state {
    fiber where{};
    const thread_body* body = nullptr;
    vector_clock clock{};
  };

  static inline constinit thread_local scheduler* running = nullptr;
  static inline constinit thread_local std::uint64_t this_execution = 0;

  std::uint64_t swap(const intent& i, std::uint64_t value) {
    reach(i);
    thread_state& t = threads_[active_];
    const std::uint64_t old =
        i.where->read(i.where->newest(), active_, t.clock, std::memory_order_acquire);
    i.where->replace(value, active_, t.clock, std::memory_order_acq_rel);
    done(value, t);
    return old;
  }

  [[nodiscard]] location& located(location_ref& ref, std::uint64_t initial) {
    if (ref.execution != this_execution) ref = {&memory_.add(initial), this_execution};
    return *ref.where;
  }

  void start(const thread_body& body) {
    thread_state& t = threads_[count_];
    t.body = &body;
    t.clock = {};
    t.clock.set(count_, 1);
    t.where.prepare(&scheduler::enter);
    active_ = count_++;
    live_ |= only(active_);
    starting_ = true;
    fiber::change(home_, t.where);  // up to its first shared access, or to its end
    starting_ = false;
    active_ = no_thread;
  }

  static void enter() {
    scheduler* const s = running;
    backstage::on = false;
    try {
      (*s->threads_[s->active_].body)();
    } catch (...) {
      s->complain("an exception left a thread");
    }
    backstage::on = true;
    s->live_ &= ~only(s->active_);
    for (;;) s->hand_over();
  }

  /// The running thread is about to do this. It goes on when it is its turn.
  void reach(const intent& i) {
    next_[active_] = i;
    hand_over();
  }

  void hand_over() {
    fiber& here = threads_[active_].where;
    const std::size_t next = starting_ ? no_thread : choose(active_);
    if (next == active_) return;
    active_ = next;
    fiber::change(here, next == no_thread ? home_ : threads_[next].where);
  }

  [[nodiscard]] thread_set able() const noexcept {
    thread_set set = live_;
    for (thread_set left = live_; left != 0; left &= left - 1) {
      const auto t = static_cast<std::size_t>(std::countr_zero(left));
      if (blocked(next_[t])) set &= ~only(t);
    }
    return set;
  }
  [[nodiscard]] static bool blocked(const intent& i) noexcept {
    switch (i.what) {
      case access::lock: return i.where->held();
      case access::wait: return i.where->last() == 0;
      case access::sleep: return i.where->notified() <= i.seen;
      default: return false;
    }
  }

  /// Who makes the next step; none if all have ended, or nobody can go on.
  [[nodiscard]] std::size_t choose(std::size_t before) {
    if (live_ == 0) return no_thread;
    const thread_set set = able();
    if (set == 0 || steps_.size() >= limits_.max_steps) return give_up(set);
    const std::size_t next =
        script_ != nullptr ? scripted(set, before) : search_.thread(set, before, next_);
    if (next == no_thread) return next;
    steps_.push_back({.thread = static_cast<std::uint8_t>(next),
                      .what = next_[next].what,
                      .where = next_[next].where->number()});
    return next;
  }

  [[nodiscard]] std::size_t give_up(thread_set set) {
    bool all_wait = true;
    for (thread_set left = live_; left != 0; left &= left - 1)
      all_wait =
          all_wait && next_[static_cast<std::size_t>(std::countr_zero(left))].what >= access::wait;
    stuck_ = true;
    complain(set != 0   ? "more steps than max_steps: livelock?"
             : all_wait ? "lost wakeup: a thread waits for ever"
                        : "deadlock");
    return no_thread;
  }

  /// The next step of the schedule that is to be followed. Beyond its end: whoever was running.
  [[nodiscard]] std::size_t scripted(thread_set set, std::size_t before) {
    if (steps_.size() >= script_->size()) {
      if (before != no_thread && (set & only(before)) != 0) return before;
      return static_cast<std::size_t>(std::countr_zero(set));
    }
    const std::size_t next = (*script_)[steps_.size()].thread;
    if ((set & only(next)) != 0) return next;
    stuck_ = true;
    complain("the schedule is of another scenario: it lets a thread go on that cannot");
    return no_thread;
  }
  [[nodiscard]] const step* scripted_step() const noexcept {
    return script_ != nullptr && steps_.size() <= script_->size() ? &(*script_)[steps_.size() - 1]
                                                                  : nullptr;
  }

  [[nodiscard]] std::size_t pick_age(const location& l, const thread_state& t, bool ordered) {
    const std::size_t newest = l.newest();
    const std::size_t oldest = l.oldest(active_, t.clock, ordered, {limits_.old_values});
    if (script_ != nullptr) {
      const step* const s = scripted_step();
      return s == nullptr ? 0 : std::min<std::size_t>(s->age, newest - oldest);
    }
    return search_.value(newest - (std::max)(oldest, search_.floor()) + 1);
  }

  [[nodiscard]] bool fail_for_nothing() {
    if (spurious_ >= limits_.spurious_failures) return false;
    const step* const s = scripted_step();
    const bool fails = script_ != nullptr ? s != nullptr && s->spurious : search_.value(2) == 1;
    if (fails) {
      ++spurious_;
      steps_.back().spurious = true;
    }
    return fails;
  }

  void note(std::uint64_t value, std::size_t age) noexcept {
    steps_.back().value = value;
    steps_.back().age = static_cast<std::uint8_t>(age);
  }
  void done(std::uint64_t value, thread_state& t) noexcept {
    note(value, 0);
    t.clock.advance(active_);
    search_.did({next_[active_], active_, false});
  }

  scheduler_limits limits_;
  search search_{};
  shared_memory memory_{};
  std::vector<step> steps_{};
  const std::vector<step>* script_ = nullptr;
  std::string_view complaint_{};
  std::array<thread_state, max_threads> threads_{};
  intents next_{};
  fiber home_{};
  thread_set live_ = 0;
  std::size_t active_ = no_thread;
  std::size_t count_ = 0;
  std::size_t spurious_ = 0;
  bool starting_ = false;
  bool stuck_ = false;
};

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace gabion
