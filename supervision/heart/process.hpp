// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "supervision/heart/sockets.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace lyceum::heart {

struct process_options {
  std::vector<std::string> argv;
  std::vector<std::string> environment; ///< besides our own; a name here replaces ours
  const std::vector<listening_socket>& sockets;
};

/// Forks and executes: sockets from descriptor 3 on, no signal blocked, a process group of its own (so that ^C in a
/// terminal reaches it once, through us), SIGTERM when we die. Only for a process of one thread.
///   not_found  the program cannot be executed
///   internal   no process to be had
expected<pid_t> start_process(const process_options& options);

/// How a process ended, in words: "was killed by SIGSEGV (core dumped)", "exited with status 1".
std::string describe_end(int wait_status);

} // namespace lyceum::heart
