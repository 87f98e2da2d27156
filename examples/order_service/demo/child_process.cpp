// SPDX-License-Identifier: MIT
#include "demo/child_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace shop::demo {

namespace {

using clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error{errno, std::generic_category(), what};
}

/// What is left of the time until then, for poll().
int left_until(clock::time_point then) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(then - clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

/// Runs in the child between fork and exec, where only system calls are safe.
[[noreturn]] void become(const char* program, char* const* arguments, int output, int log) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(output, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(program, arguments);
  _exit(127);
}

}  // namespace

child_process::child_process(const std::filesystem::path& program,
                             std::vector<std::string> arguments, const std::filesystem::path& log) {
  std::string name = program.string();
  std::vector<char*> argv{name.data()};
  for (std::string& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  const int log_file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_file < 0) fail("cannot write '" + log.string() + "'");
  pid_ = fork();
  if (pid_ == 0) become(name.c_str(), argv.data(), ends[1], log_file);
  close(ends[1]);
  close(log_file);
  output_ = ends[0];
  if (pid_ < 0) fail("cannot start '" + name + "'");
}

child_process::~child_process() {
  kill();
  close(output_);
}

int child_process::wait_for_port(std::chrono::milliseconds at_most) {
  constexpr std::string_view prefix = "listening on ";
  std::string line;
  if (!read_line(line, at_most))
    throw std::runtime_error{"the process did not say in time where it listens"};
  if (!line.starts_with(prefix))
    throw std::runtime_error{"the process ended or failed instead of listening; see its log"};
  return std::atoi(line.c_str() + prefix.size());
}

bool child_process::running() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

void child_process::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  reap();
}

std::optional<int> child_process::terminate(std::chrono::milliseconds at_most) {
  if (pid_ <= 0) return std::nullopt;
  ::kill(pid_, SIGTERM);
  if (wait_for_end(at_most)) return reap();
  kill();
  return std::nullopt;
}

bool child_process::read_line(std::string& line, std::chrono::milliseconds at_most) {
  const auto until = clock::now() + at_most;
  for (char c = 0;;) {
    pollfd readable{.fd = output_, .events = POLLIN, .revents = 0};
    const int ready = poll(&readable, 1, left_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    if (read(output_, &c, 1) <= 0 || c == '\n') return true;
    line += c;
  }
}

bool child_process::wait_for_end(std::chrono::milliseconds at_most) {
  // The pipe ends when the process does, so there is something to wait on.
  const auto until = clock::now() + at_most;
  for (;;) {
    pollfd readable{.fd = output_, .events = POLLIN, .revents = 0};
    const int ready = poll(&readable, 1, left_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char rest[256];
    if (read(output_, rest, sizeof rest) <= 0) return true;
  }
}

int child_process::reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace shop::demo
