// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "supervision/heart/address.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

/// The outer ring: a small single-threaded parent process that holds the listening sockets, starts the server with
/// them, listens for its beat, and replaces it when it dies or stops beating. It reads nothing from the network.
namespace lyceum::heart {

/// Design: "a beat a second, dead after 5 s without one, SIGABRT, then SIGKILL 1 s later". Shorter in tests.
struct heart_figures {
  std::chrono::milliseconds silence_max{5000};   ///< after READY; given to the server as WATCHDOG_USEC
  std::chrono::milliseconds kill_after{1000};    ///< from SIGABRT to SIGKILL
  std::chrono::milliseconds boot_max{60'000};    ///< before READY: from the start, or the last beat; then as if silent
  std::chrono::milliseconds stop_max{60'000};    ///< from an ordered stop, or STOPPING=1, to SIGKILL
  std::chrono::milliseconds upgrade_max{60'000}; ///< from the start of an upgrade's server to READY; then given up
  std::chrono::milliseconds orphan_max{15'000};  ///< how long a killed heart's server may still hold the port
  std::chrono::milliseconds young{1000};         ///< a death before READY or within this time of it is a boot loop
  std::chrono::milliseconds backoff_unit{1000};  ///< next starts after 0, 1, 2, 4 … units
  std::chrono::milliseconds backoff_max{30'000};
};

struct heart_options {
  std::vector<address> listen;
  std::size_t sockets_each = 1; ///< SO_REUSEPORT sockets for every address: one for each I/O loop
  int backlog = 4096;
  std::filesystem::path run_dir;               ///< data/run: made if it is not there
  std::vector<std::string> server;             ///< argv of the server; server[0] is a file name, not searched in PATH
  std::vector<std::string> environment;        ///< "NAME=value" that the server gets besides our own environment
  std::vector<std::string> beside_environment; ///< … and, besides, the server of an upgrade
  std::vector<int> final_statuses{2};          ///< exit statuses at the first boot that starting again cannot mend
  heart_figures figures;
};

/// Runs until the server is stopped in good order or cannot be started at all; returns the exit status for the process.
///
/// The sockets are opened here, or, under systemd's socket activation, those that it passed on. The server gets them
/// by the same protocol (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES) from descriptor 3 on, address by address: socket i is
/// for loop i mod sockets_each. NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID tell it where to beat
/// (supervision/heart/notify.hpp is its side). It dies with the heart: PR_SET_PDEATHSIG sends it SIGTERM.
///
/// One that follows a server that died is told how, in HEART_LAST_DEATH (`notifier::last_death`), so that it can raise an alert.
///
/// The server may ask for another program in its place: `notifier::upgrade` sends X_UPGRADE=/path and a socket for the outcome.
/// That program is started with the same arguments and sockets beside the old server. When it says READY=1 it is the server, and the
/// old one gets SIGTERM; if it ends before, or is not ready in time, it is given up and the old one serves on. One upgrade at a time;
/// at most 8 former servers drain. A server that dies meanwhile is followed by the one that was starting.
///
/// A server that says STOPPING=1 and exits with 0 or 70 has stopped in good order, whoever asked it to: that is final.
/// Under Type=notify the heart passes READY, STOPPING and STATUS on, and beats for itself.
///
/// Of messages, only those of the server and its heir are read, by the sender's credentials. Files in `run_dir`, each replaced atomically: heart.pid, server.pid, listen.json, heart.json.
///
/// SIGTERM, SIGINT: passed on, and the server's exit is final; a second one kills it. SIGHUP is passed on.
/// Exit status: the server's after an ordered stop or a final status; 0 if the signal that was passed on ended it,
/// 128 + signal if another one did; 1 when a socket cannot be opened, the run folder cannot be written, or another heart lives in it.
///
/// Call it before any thread is started: it blocks signals, and forks.
int run_heart(const heart_options& options);

} // namespace lyceum::heart
