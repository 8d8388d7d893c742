// SPDX-License-Identifier: Apache-2.0
// The server's side of the heart, and of systemd: both speak LISTEN_FDS and NOTIFY_SOCKET.
#pragma once

#include "supervision/heart/result.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::heart {

struct inherited_socket {
  int fd = -1;
  std::string name; ///< from LISTEN_FDNAMES; "" where there is none
};

/// The sockets that the heart or systemd passed on, in their order; each gets FD_CLOEXEC. Empty when nobody passed any
/// (LISTEN_PID is another process, or absent). Takes the variables out of the environment, so call it once, early, while
/// there is one thread.
std::vector<inherited_socket> inherited_sockets();

/// Where messages about our state go. Copyable; a default one tells nobody.
class notifier {
public:
  notifier() = default;
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC/WATCHDOG_PID and the heart's HEART_LAST_DEATH, and takes them out of the environment, so that no child of
  /// ours beats in our name. Call it once, early, while there is one thread.
  static notifier from_environment();

  /// One datagram, e.g. "READY=1", "STOPPING=1\nSTATUS=draining", "WATCHDOG=1". Never blocks; thread-safe and safe
  /// beside fork. False when nobody listens.
  bool notify(std::string_view message) const;
  bool ready() const { return notify("READY=1"); }
  bool stopping() const { return notify("STOPPING=1"); }
  bool beat() const { return notify("WATCHDOG=1"); }
  bool status(std::string_view text) const;

  /// Asks the heart for another program in our place, and waits until that one serves, or for why it does not. From then on we get
  /// SIGTERM. systemd takes no notice of the question: ask only a heart. Any thread.
  ///   internal  another upgrade is under way, the new server died or was not ready in time, the heart does not answer
  expected<int> upgrade(std::string_view file, std::chrono::milliseconds patience) const;

  /// How the server before us died, in words: "the server (pid 4711) was killed by SIGSEGV after 3 s". Empty: it did not.
  const std::string& last_death() const { return last_death_; }

  bool listened_to() const { return !path_.empty(); }
  /// How often to beat: a fifth of what the other side allows, and at most a second. Absent: nobody wants beats.
  std::optional<std::chrono::milliseconds> beat_period() const { return period_; }

private:
  bool send(std::string_view message, int attached) const;

  std::string path_; ///< "@…" stands for an abstract socket
  std::optional<std::chrono::milliseconds> period_;
  std::string last_death_;
};

} // namespace lyceum::heart
