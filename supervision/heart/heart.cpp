// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/heart.hpp"

#include "supervision/heart/guard.hpp"
#include "supervision/heart/run_files.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <poll.h>

namespace lyceum::heart {
namespace {

using namespace std::chrono_literals;

/// The server of a heart that was killed, while it drains. It still holds the sockets.
pid_t orphan(const heart_options& options) {
  pid_t pid = 0;
  std::ifstream(options.run_dir / "server.pid") >> pid;
  return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) ? pid : 0;
}

/// A heart that was killed leaves a server that is just about to end: its port is free in a moment.
expected<std::vector<listening_socket>> open_when_free(const heart_options& options) {
  const auto until = std::chrono::steady_clock::now() + options.figures.orphan_max;
  bool told = false;
  for (;;) {
    auto opened = open_sockets(options.listen, options.sockets_each, options.backlog);
    if (opened || opened.error().what != problem::kind::conflict || std::chrono::steady_clock::now() >= until)
      return opened;
    const auto pid = orphan(options);
    if (pid == 0)
      return open_sockets(options.listen, options.sockets_each, options.backlog); // it may have ended just now
    if (!std::exchange(told, true))
      say("waits for the server of a heart that was killed (pid " + std::to_string(pid) + ") to end");
    poll(nullptr, 0, 20);
  }
}

/// Those that systemd passed on, or our own.
expected<std::vector<listening_socket>> find_sockets(const heart_options& options) {
  std::vector<listening_socket> all;
  for (auto& each : inherited_sockets()) {
    auto bound = bound_address(each.fd);
    if (!bound)
      return tl::unexpected(bound.error());
    all.push_back({each.fd, *bound, each.name});
  }
  return all.empty() ? open_when_free(options) : all;
}

} // namespace

int run_heart(const heart_options& options) {
  auto told = [](const problem& what) {
    say(what.detail);
    return 1;
  };
  if (auto made = make_run_dir(options.run_dir); !made)
    return told(made.error());
  auto lock = run_lock::take(options.run_dir);
  if (!lock)
    return told(lock.error());
  auto sockets = find_sockets(options);
  if (!sockets)
    return told(sockets.error());
  return guard(options, std::move(*sockets)).run();
}

} // namespace lyceum::heart
