// SPDX-License-Identifier: Apache-2.0
// The control socket: how an operator's `ctl` reaches the tree. Works while the scheduler is stuck.
#pragma once

#include "supervision/control_protocol.hpp"
#include "supervision/control_roles.hpp"
#include "supervision/system.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>

namespace lyceum::supervision {

using control_handler = std::function<void(const control_request&, control_reply)>;

struct control_options {
  std::filesystem::path socket{}; ///< at most 107 bytes
  std::filesystem::path audit{};  ///< JSON lines; empty: kept in memory only
  std::string group{};         ///< its members are operators, and the socket is theirs too (mode 0660); empty: nobody's
  milliseconds call_max{5000}; ///< a call that is not answered by then gets "timeout"
  std::map<std::string, milliseconds> call_max_of{}; ///< for the commands that may take longer
  milliseconds line_max{10'000}; ///< a line that has begun has ended by then, or the connection is cut
  milliseconds idle_max{
      10'000};        ///< a connection that asked nothing for so long gives way to a newcomer when all are taken
  pid_t replaces = 0; ///< whose socket may be taken over, if it still answers; 0: nobody's, -1: anybody's
  std::size_t line_bytes_max = 64 * 1024;
  std::size_t connections_max = 8;

  milliseconds max_of(const std::string& command) const {
    const auto own = call_max_of.find(command);
    return own == call_max_of.end() ? call_max : own->second;
  }
};

/// UNIX stream socket, mode 0600 (0660 for a group), roles by SO_PEERCRED, JSON lines. It belongs to the program, not to the actor
/// `control/socket`, which only opens and shuts the door: when that dies, neither the socket nor a connection closes.
///
/// Built in: tree show count health (status) crashes inspect impact wait trace audit sub; restart stop start kill suspend resume chaos;
/// degrade undegrade reset. `man lyceum`, PROTOCOL, describes them for other programs.
class control {
public:
  control(system& tree, control_options options);
  ~control();
  control(const control&) = delete;
  control& operator=(const control&) = delete;

  /// Adds a command (before `open`). Runs on the control thread, so it must be quick; it may answer later from elsewhere.
  /// `changes`: its use, refused or not, is written to the audit log before the answer; and it needs an admin, but for those that
  /// operators have (`rule_of`).
  void on(std::string command, control_handler handler, bool changes = false);
  void on(std::string command, control_handler handler, control_rule rule);

  /// Binds, and begins to serve on a thread of its own. Not ok: what is wrong and what to do, in `detail`.
  outcome open();
  /// Takes the path back where another server took it over and then came to nothing.
  void reclaim();
  void close();

  /// While shut, nobody new is accepted (they wait in the kernel's queue); those connected are served.
  void shut(bool is);

  /// The same commands from within the process (the console in the browser): same handlers, roles, audit, `if_generation` and
  /// deadline. Any thread, never blocks; `reply` is called once, mostly on the control thread, and must be quick. At most 64 wait; one
  /// more gets "busy", and without an open socket there is "unavailable". `trace` and `chaos` answer at their end; `sub` is refused.
  void call(control_request asked, control_caller who, control_reply reply);

  struct inner;

private:
  std::unique_ptr<inner> inner_;
};

/// The child `control/socket`: opens the door while it lives. `server` outlives the tree.
child control_socket(control& server, std::string id = "socket");

} // namespace lyceum::supervision
