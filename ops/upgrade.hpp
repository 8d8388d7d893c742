// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/expected.hpp"
#include "supervision/control.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace lyceum {

struct upgrade_options {
  /// Asks the heart, and waits until the new server (its pid) serves or has come to nothing. Absent: there is no heart.
  std::function<expected<int>(const std::string& file)> ask_heart;
  std::function<bool()> active;          ///< false while this server itself is still taking over from its predecessor
  std::function<void()> came_to_nothing; ///< the new server is gone, and may have taken what is ours
};

/// `lyceum ctl upgrade FILE`, in the server that is to be replaced. It only asks: the heart starts the new server beside this one.
/// The asker is told of the outcome, by a thread that lives for one upgrade.
class upgrader {
public:
  explicit upgrader(upgrade_options how) : how_(std::move(how)) {}
  ~upgrader() { settle(); }
  upgrader(const upgrader&) = delete;
  upgrader& operator=(const upgrader&) = delete;

  /// The control command. Answers at once where it refuses:
  ///   usage        FILE is not an absolute path
  ///   unavailable  there is no heart
  ///   conflict     another upgrade is under way
  /// and later: not_found, invalid (FILE), failed (the heart, or the new server); or {"upgraded":true,"pid":…,"version":…}.
  void handle(const supervision::control_request& asked, supervision::control_reply reply);

  /// The process ends: what is under way is told soon, and no more begins.
  void settle();

private:
  supervision::control_answer run(const std::string& file);

  upgrade_options how_;
  std::mutex guard_;
  std::thread thread_;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> ending_ = false;
};

} // namespace lyceum
