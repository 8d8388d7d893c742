// SPDX-License-Identifier: Apache-2.0
// The control socket: how an operator's `ctl` reaches the tree. Works while the scheduler is stuck.
#pragma once

#include "supervision/system.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lyceum::supervision {

/// What came over the socket: {"id":1,"cmd":"cache","args":["show","/courses"]}
struct control_request {
  std::string command;           ///< "cache"
  std::vector<std::string> args; ///< what stands behind it
};
/// What goes back: {"id":1,"ok":…} or {"id":1,"error":{"code":…,"detail":…}}
struct control_answer {
  std::string json = "null"; ///< a JSON text; arrays of objects become tables in `ctl`
  std::string code{};        ///< empty: it worked. Else "not_found", "unavailable", "usage" …
  std::string detail{};      ///< a sentence: what is wrong and what to do
};
using control_reply = std::function<void(control_answer)>; ///< once, on any thread; later ones are dropped
using control_handler = std::function<void(const control_request&, control_reply)>;

struct control_options {
  std::filesystem::path socket{};                    ///< at most 107 bytes
  std::filesystem::path audit{};                     ///< JSON lines; empty: none
  milliseconds call_max{5000};                       ///< a call that is not answered by then gets "timeout"
  std::map<std::string, milliseconds> call_max_of{}; ///< for the commands that may take longer
  pid_t replaces = 0; ///< whose socket may be taken over, if it still answers; 0: nobody's, -1: anybody's
  std::size_t line_bytes_max = 64 * 1024;
  std::size_t connections_max = 8;

  milliseconds max_of(const std::string& command) const {
    const auto own = call_max_of.find(command);
    return own == call_max_of.end() ? call_max : own->second;
  }
};

/// UNIX stream socket, mode 0600, own uid or root (SO_PEERCRED), JSON lines. It belongs to the program, not to the actor
/// `control/socket`, which only opens and shuts the door: when that dies, neither the socket nor a connection closes.
///
/// Built in: tree show count restart stop start kill suspend resume inspect crashes wait health (status) degrade undegrade reset.
class control {
public:
  control(system& tree, control_options options);
  ~control();
  control(const control&) = delete;
  control& operator=(const control&) = delete;

  /// Adds a command (before `open`). Runs on the control thread, so it must be quick; it may answer later from elsewhere.
  /// `changes`: its use is written to the audit log, before the answer.
  void on(std::string command, control_handler handler, bool changes = false);

  /// Binds, and begins to serve on a thread of its own. Not ok: what is wrong and what to do, in `detail`.
  outcome open();
  /// Takes the path back where another server took it over and then came to nothing.
  void reclaim();
  void close();

  /// While shut, nobody new is accepted (they wait in the kernel's queue); those connected are served.
  void shut(bool is);

  struct inner;

private:
  std::unique_ptr<inner> inner_;
};

/// The child `control/socket`: opens the door while it lives. `server` outlives the tree.
child control_socket(control& server, std::string id = "socket");

} // namespace lyceum::supervision
