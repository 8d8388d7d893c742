// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace lyceum::heart {
namespace {

constexpr int first_passed = 3; // SD_LISTEN_FDS_START

std::string_view name_of(std::string_view line) {
  return line.substr(0, line.find('='));
}

std::vector<std::string> child_environment(const process_options& options) {
  constexpr std::array<std::string_view, 7> not_ours{"LISTEN_FDS",      "LISTEN_PID",    "LISTEN_FDNAMES",
                                                     "NOTIFY_SOCKET",   "WATCHDOG_USEC", "WATCHDOG_PID",
                                                     "HEART_LAST_DEATH"};
  std::vector<std::string> all;
  for (auto** each = environ; each != nullptr && *each != nullptr; ++each) {
    auto name = name_of(*each);
    auto replaced = std::ranges::any_of(options.environment, [&](auto& line) { return name_of(line) == name; });
    if (!replaced && std::ranges::find(not_ours, name) == not_ours.end())
      all.emplace_back(*each);
  }
  all.insert(all.end(), options.environment.begin(), options.environment.end());
  std::string names;
  for (const auto& each : options.sockets)
    names += (names.empty() ? "" : ":") + each.name;
  all.push_back("LISTEN_FDS=" + std::to_string(options.sockets.size()));
  all.push_back("LISTEN_FDNAMES=" + names);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& lines) {
  std::vector<char*> all;
  for (auto& each : lines)
    all.push_back(each.data());
  all.push_back(nullptr);
  return all;
}

/// In the child, which is as single-threaded as its parent: everything is allowed. Returns only when it failed.
void become(const process_options& options, std::vector<std::string> environment, pid_t parent, int& report) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent)
    _exit(1); // the parent died before the line above: no signal will come

  // Out of the way first: the places where the sockets go may hold one of them, or the report.
  int count = static_cast<int>(options.sockets.size());
  if (report = fcntl(report, F_DUPFD_CLOEXEC, first_passed + count); report < 0)
    return;
  std::vector<int> aside;
  for (const auto& each : options.sockets)
    if (aside.push_back(fcntl(each.fd, F_DUPFD_CLOEXEC, first_passed + count)); aside.back() < 0)
      return;
  for (int i = 0; i < count; ++i)
    if (dup2(aside[static_cast<std::size_t>(i)], first_passed + i) < 0) // and dup2 clears FD_CLOEXEC
      return;

  std::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);

  auto own = std::to_string(getpid());
  environment.push_back("LISTEN_PID=" + own);
  environment.push_back("WATCHDOG_PID=" + own);
  auto argv = options.argv;
  execve(argv.front().c_str(), pointers(argv).data(), pointers(environment).data());
}

} // namespace

expected<pid_t> start_process(const process_options& options) {
  auto environment = child_environment(options);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return fail(problem::kind::internal, std::string("no pipe: ") + std::strerror(errno));
  auto parent = getpid();
  auto child = fork();
  if (child == 0) {
    int report = ends[1];
    become(options, std::move(environment), parent, report);
    int error = errno;
    if (write(report, &error, sizeof error) < 0)
      _exit(126);
    _exit(127);
  }
  int fork_error = errno;
  close(ends[1]);
  int error = 0;
  ssize_t got = 0;
  if (child > 0)
    do // the end of the pipe says that it was executed
      got = read(ends[0], &error, sizeof error);
    while (got < 0 && errno == EINTR);
  close(ends[0]);
  if (child < 0)
    return fail(problem::kind::internal, std::string("no process: ") + std::strerror(fork_error));
  if (got == sizeof error) {
    waitpid(child, nullptr, 0);
    return fail(problem::kind::not_found, "cannot execute " + options.argv.front() + ": " + std::strerror(error));
  }
  return child;
}

std::string describe_end(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const char* name = sigabbrev_np(WTERMSIG(wait_status));
    return "was killed by " +
           (name == nullptr ? "signal " + std::to_string(WTERMSIG(wait_status)) : "SIG" + std::string(name)) +
           (WCOREDUMP(wait_status) ? " (core dumped)" : "");
  }
  return "exited with status " + std::to_string(WEXITSTATUS(wait_status));
}

} // namespace lyceum::heart
