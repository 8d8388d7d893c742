// SPDX-License-Identifier: Apache-2.0
#include "ops/try_program.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::size_t output_max = 4096; // what comes behind it is not read
constexpr auto look_every = 20ms;

struct descriptor {
  int fd = -1;
  ~descriptor() {
    if (fd >= 0)
      close(fd);
  }
};

/// Starts it with its output into a pipe; in a process group of its own, so that what it starts can be killed, too.
expected<pid_t> start(const fs::path& file, int output) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&how);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, 1);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string name = file.string(), word = "version";
  std::array<char*, 3> arguments{name.data(), word.data(), nullptr};
  pid_t pid = 0;
  const int fault = posix_spawn(&pid, name.c_str(), &files, &how, arguments.data(), environ);
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  if (fault != 0)
    return fail(problem::kind::invalid, fmt::format("{} cannot be executed: {}", name, std::strerror(fault)));
  return pid;
}

} // namespace

expected<std::string> version_of(const fs::path& file, std::chrono::milliseconds patience,
                                 const std::function<bool()>& give_up) {
  const auto wrong = [&](const std::string& why) {
    return fail(problem::kind::invalid, fmt::format("{} {}", file.string(), why));
  };
  struct stat facts {};
  if (stat(file.c_str(), &facts) != 0)
    return fail(problem::kind::not_found, fmt::format("{}: {}", file.string(), std::strerror(errno)));
  if (!S_ISREG(facts.st_mode))
    return wrong("is no file to execute");
  if (access(file.c_str(), X_OK) != 0)
    return wrong("may not be executed by the server's user: chmod +x it");

  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return wrong(fmt::format("cannot be tried: {}", std::strerror(errno)));
  const descriptor reading{ends[0]};
  expected<pid_t> pid = 0;
  {
    const descriptor writing{ends[1]};
    pid = start(file, writing.fd);
  }
  if (!pid)
    return tl::unexpected(pid.error());

  const auto until = clock::now() + patience;
  std::string said;
  int status = 0;
  bool over = false, ended = false;
  while (!ended && clock::now() < until && !give_up()) {
    pollfd one{over ? -1 : reading.fd, POLLIN, 0};
    poll(&one, 1, look_every / 1ms);
    std::array<char, output_max> bytes;
    const auto got = over ? 0 : read(reading.fd, bytes.data(), bytes.size());
    if (got > 0 && said.size() < output_max)
      said.append(bytes.data(), static_cast<std::size_t>(got));
    over = over || got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) || said.size() >= output_max;
    ended = waitpid(*pid, &status, WNOHANG) == *pid;
  }
  for (std::array<char, output_max> bytes; ended && said.size() < output_max;) { // written just before its end
    const auto got = read(reading.fd, bytes.data(), bytes.size());
    if (got <= 0)
      break;
    said.append(bytes.data(), static_cast<std::size_t>(got));
  }
  kill(-*pid, SIGKILL); // it, or what it left behind
  if (!ended) {
    waitpid(*pid, &status, 0);
    return wrong(fmt::format("is no lyceum: `version` does not end within {} s", patience / 1s));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return wrong(WIFEXITED(status) ? fmt::format("is no lyceum: `version` exits with {}", WEXITSTATUS(status))
                                   : fmt::format("is no lyceum: `version` is killed by signal {}", WTERMSIG(status)));
  said.resize(std::min(said.find('\n'), said.size()));
  if (!said.starts_with("lyceum "))
    return wrong("is no lyceum: `version` does not say so");
  return said;
}

} // namespace lyceum
