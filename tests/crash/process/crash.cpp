// SPDX-License-Identifier: MIT
// Kills a small service at every failpoint and at random moments, starts it again, and looks at
// what it left behind.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gabion/core/random.hpp>

#include "journal.hpp"
#include "outsider.hpp"
#include "worker.hpp"

namespace {

using namespace gabion_test::crash;
using namespace std::chrono_literals;

/// A promise was broken: `what` says which, and how to see it again.
struct caught : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The test did not test what it is meant to.
struct vacuous : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The files of one service. They are kept if something was found and somebody may want to look.
class workplace {
 public:
  static inline bool keep = false;

  workplace() {
    std::string name = (std::filesystem::temp_directory_path() / "gabion-crash-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error{"cannot make a directory like " + name};
    path_ = name;
  }
  workplace(const workplace&) = delete;
  workplace& operator=(const workplace&) = delete;
  ~workplace() {
    if (keep && std::uncaught_exceptions() > 0) {
      std::printf("the files are kept in %s\n", path_.c_str());
      return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

constexpr std::uint64_t commands_in_loop = 12;
constexpr std::uint64_t commands_in_threads = 120;

// ---- processes

std::string to_text(const death& d) {
  return d.point.empty() ? "-" : d.point + "@" + std::to_string(d.hit);
}

death to_death(const std::string& text) {
  const auto at = text.rfind('@');
  if (at == std::string::npos) return {};
  return {text.substr(0, at), std::stoull(text.substr(at + 1))};
}

/// Starts this program again, in another process, to live that life.
pid_t start(const life& l) {
  const std::vector<std::string> words{"crash",
                                       "--live",
                                       l.directory,
                                       std::to_string(l.incarnation),
                                       to_text(l.at),
                                       l.threads ? "threads" : "loop",
                                       std::to_string(l.commands),
                                       l.counts_to};
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error{"cannot fork"};
  if (child == 0) {
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(127);
  }
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error{"cannot wait for the service"};
  return status;
}

/// Whether the process was killed; throws `caught` unless it was that or came to rest.
bool was_killed(int status, const std::string& story) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return true;
  if (WIFEXITED(status) && WEXITSTATUS(status) == came_to_rest) return false;
  if (WIFSIGNALED(status))
    throw caught{"ended: the service died by signal " + std::to_string(WTERMSIG(status)) + "; " +
                 story};
  if (WEXITSTATUS(status) == never_came_to_rest)
    throw caught{"rest: the service never came to rest; " + story};
  throw caught{"ended: the service gave up with exit code " + std::to_string(WEXITSTATUS(status)) +
               "; " + story};
}

void look(const std::string& directory, bool at_rest, const std::string& story) {
  const std::vector<std::string> broken = broken_promises(directory, at_rest);
  if (!broken.empty())
    throw caught{broken.front() + " (" + std::to_string(broken.size()) + " in all); " + story};
}

// ---- the lane of the failpoints

/// Kills one service at these points, one in each life, then lets it come to rest.
class scenario {
 public:
  scenario(std::vector<death> deaths, bool look_at_corpses)
      : deaths_{std::move(deaths)}, look_at_corpses_{look_at_corpses} {}

  /// The deaths that really came, in order.
  std::vector<death> run() {
    std::vector<death> died;
    const workplace home;
    life l{.directory = home.path(), .commands = commands_in_loop};
    for (const death& at : deaths_) {
      l.at = at;
      if (!was_killed(wait_for(start(l)), story())) break;
      died.push_back(at);
      if (look_at_corpses_) look(l.directory, false, story());
      ++l.incarnation;
    }
    l.at = {};
    ++l.incarnation;
    if (was_killed(wait_for(start(l)), story()))
      throw vacuous{"the last life was killed by somebody else; " + story()};
    look(l.directory, true, story());
    return died;
  }

 private:
  std::string story() const {
    std::string text = "see it again with: crash --replay";
    for (const death& d : deaths_) text += " " + to_text(d);
    return text + (look_at_corpses_ ? " --look" : "");
  }

  std::vector<death> deaths_;
  bool look_at_corpses_;
};

/// How often a life without a kill comes to each point.
std::map<std::string, std::uint64_t> count_points() {
  const workplace home;
  const life l{
      .directory = home.path(), .commands = commands_in_loop, .counts_to = home.file("counts")};
  if (was_killed(wait_for(start(l)), "nobody kills this one"))
    throw vacuous{"the first life was killed by somebody else"};
  look(l.directory, true, "nobody was killed");
  std::map<std::string, std::uint64_t> counts;
  std::ifstream in{l.counts_to};
  std::string point;
  for (std::uint64_t hits = 0; in >> point >> hits;) counts[point] = hits;
  return counts;
}

/// Every failpoint that the library has must be one that this service comes to.
void require_all_failpoints(const std::string& headers,
                            const std::map<std::string, std::uint64_t>& counts) {
  static const std::regex call{"Env::failpoint\\(\"([^\"]+)\"\\)"};
  std::set<std::string> reached;
  for (const auto& [point, hits] : counts)
    reached.insert(point.substr(point.find_first_of("/") + 1));
  std::size_t known = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{headers}) {
    if (!entry.is_regular_file() ||
        entry.path().string().find("/adapters/memory/") != std::string::npos)
      continue;
    std::ifstream in{entry.path()};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    for (std::sregex_iterator found{text.begin(), text.end(), call};
         found != std::sregex_iterator{}; ++found, ++known)
      if (!reached.contains((*found)[1]))
        throw vacuous{"the service never comes to the failpoint " + (*found)[1].str() + " of " +
                      entry.path().filename().string()};
  }
  if (known < 10)
    throw vacuous{"only " + std::to_string(known) + " failpoints were found in " + headers};
}

/// The moments of one point: the first ones, one in the middle, the last. At least three, if need
/// be the first again.
std::vector<std::uint64_t> moments(std::uint64_t hits) {
  std::set<std::uint64_t> which{1, (std::min)(hits, std::uint64_t{2}), (hits + 1) / 2, hits};
  std::vector<std::uint64_t> all{which.begin(), which.end()};
  while (all.size() < 3) all.push_back(1);
  return all;
}

struct tally {
  std::map<std::string, std::uint64_t> killed_at{};
  std::uint64_t scenarios = 0;
  std::uint64_t kills = 0;
};

void kill_at_failpoints(const std::map<std::string, std::uint64_t>& counts, tally& t) {
  std::vector<std::string> points;
  for (const auto& [point, hits] : counts)
    if (point.rfind("setup/", 0) != 0) points.push_back(point);
  std::size_t turn = 0;
  for (const auto& [point, hits] : counts)
    for (const std::uint64_t hit : moments(hits)) {
      // The second and third deaths come while the service recovers from the one before.
      std::vector<death> deaths{{point, hit}, {points[turn * 7 % points.size()], 1 + turn % 3}};
      if (turn % 3 == 0) deaths.push_back({points[turn * 11 % points.size()], 1});
      const std::vector<death> died = scenario{deaths, turn % 2 == 1}.run();
      if (died.empty())
        throw vacuous{"the service did not come to " + to_text(deaths.front()) + " this time"};
      for (const death& d : died) ++t.killed_at[d.point];
      t.kills += died.size();
      ++t.scenarios;
      ++turn;
    }
  for (const auto& [point, hits] : counts)
    if (t.killed_at[point] < 3)
      throw vacuous{"killed only " + std::to_string(t.killed_at[point]) + " times at " + point};
}

// ---- the lane of random moments

/// Kills after a random time: one in four from the start of the process on, the others from a
/// random command on.
void kill_some_time(pid_t child, const std::string& journal, gabion::xoshiro256& random) {
  const std::size_t before = read_journal(journal).begun.size();
  const std::size_t wanted =
      gabion::uniform(random, 4) == 0 ? 0 : gabion::uniform(random, 1, commands_in_threads - 20);
  for (int patience = 0; patience < 10'000 && read_journal(journal).begun.size() < before + wanted;
       ++patience)
    std::this_thread::sleep_for(500us);
  std::this_thread::sleep_for(std::chrono::microseconds{gabion::uniform(random, 20'000)});
  ::kill(child, SIGKILL);
}

/// Kills one service with threads at moments drawn from the seed, then lets it come to rest.
void kill_at_random(std::uint64_t seed, std::uint64_t kills, tally& t) {
  const std::string story =
      "see it again, if the timing allows, with: crash --random " + std::to_string(seed);
  gabion::xoshiro256 random{seed};
  const workplace home;
  life l{.directory = home.path(), .threads = true, .commands = commands_in_threads};
  std::uint64_t busy = 0;
  for (std::uint64_t i = 0; i < kills; ++i, ++l.incarnation) {
    const auto before = read_journal(home.file("journal")).begun.size();
    const pid_t child = start(l);
    kill_some_time(child, home.file("journal"), random);
    if (!was_killed(wait_for(child), story)) continue;
    ++t.kills;
    if (read_journal(home.file("journal")).begun.size() > before) ++busy;
    if (i % 2 == 1 && std::filesystem::exists(home.file("broker.db")))
      look(l.directory, false, story);
  }
  if (was_killed(wait_for(start(l)), story))
    throw vacuous{"the last life was killed by somebody else"};
  look(l.directory, true, story);
  if (busy < kills / 4)
    throw vacuous{"only " + std::to_string(busy) + " of " + std::to_string(kills) +
                  " kills came while commands ran; " + story};
  ++t.scenarios;
}

// ---- the command line

int run_all(const std::optional<std::string>& headers) {
  tally points;
  const std::map<std::string, std::uint64_t> counts = count_points();
  if (headers) require_all_failpoints(*headers, counts);
  kill_at_failpoints(counts, points);
  std::printf("%llu kills at %zu failpoints in %llu services:\n",
              static_cast<unsigned long long>(points.kills), counts.size(),
              static_cast<unsigned long long>(points.scenarios));
  for (const auto& [point, kills] : points.killed_at)
    std::printf("  %4llu  %s\n", static_cast<unsigned long long>(kills), point.c_str());
  tally random;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) kill_at_random(seed, 10, random);
  std::printf("%llu kills at random moments in %llu services\n",
              static_cast<unsigned long long>(random.kills),
              static_cast<unsigned long long>(random.scenarios));
  if (points.kills < 150) throw vacuous{"fewer than 150 kills at failpoints"};
  if (random.kills < 30) throw vacuous{"fewer than 30 kills at random moments"};
  return 0;
}

int replay(const std::vector<std::string>& words) {
  std::vector<death> deaths;
  bool look_at_corpses = false;
  for (const std::string& word : words) {
    if (word == "--look")
      look_at_corpses = true;
    else
      deaths.push_back(to_death(word));
  }
  for (const death& d : scenario{deaths, look_at_corpses}.run())
    std::printf("died at %s\n", to_text(d).c_str());
  return 0;
}

int run(const std::vector<std::string>& words) {
  const std::string mode = words.empty() ? "" : words[0];
  workplace::keep = !words.empty();
  if (mode == "--live" && words.size() == 7)
    return live({.directory = words[1],
                 .incarnation = std::stoull(words[2]),
                 .at = to_death(words[3]),
                 .threads = words[4] == "threads",
                 .commands = std::stoull(words[5]),
                 .counts_to = words[6]});
  if (mode == "--replay") return replay({words.begin() + 1, words.end()});
  if (mode == "--random" && words.size() == 2) {
    tally t;
    kill_at_random(std::stoull(words[1]), 10, t);
    return 0;
  }
  if (mode == "--list") {
    for (const auto& [point, hits] : count_points())
      std::printf("%6llu  %s\n", static_cast<unsigned long long>(hits), point.c_str());
    return 0;
  }
  if (words.empty() || (mode == "--headers" && words.size() == 2))
    return run_all(words.empty() ? std::nullopt : std::optional{words[1]});
  std::fprintf(stderr,
               "usage: crash [--headers DIRECTORY] | --list | --replay POINT@HIT... [--look] | "
               "--random SEED\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const caught& e) {
    std::printf("caught: %s\n", e.what());
    return 1;
  } catch (const vacuous& e) {
    std::printf("vacuous: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
