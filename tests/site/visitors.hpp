// SPDX-License-Identifier: Apache-2.0
// Visitors who keep asking while something is done to the server.
#pragma once

#include "tests/site/server.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lyceum::testing {

/// Threads that read pages over keep-alive connections at a steady rate, from construction until `leave`. A keep-alive connection
/// that was closed between two requests is opened again and is no failure (RFC 9112 9.3.1); everything else but 200 is.
class visitors {
public:
  struct options {
    int port = 0;
    std::vector<std::string> paths{"/"};
    int count = 8;
    double rate = 400; ///< requests a second, over all
    bool new_connections = false;
    std::vector<int> allowed; ///< statuses besides 200
  };
  explicit visitors(options how);
  ~visitors() { leave(); }
  visitors(const visitors&) = delete;
  visitors& operator=(const visitors&) = delete;

  struct tally {
    std::uint64_t good = 0;
    std::uint64_t allowed = 0;
    std::uint64_t failed = 0;
    std::uint64_t refused = 0;        ///< among the failed: connection refused
    std::chrono::milliseconds gap{0}; ///< longest time between two good answers, over all
    std::map<std::string, int> why;
    std::string text() const;
  };
  /// Waits for them to finish what they are at.
  tally leave();

private:
  void visit(int number);

  options how_;
  std::atomic<bool> leaving_ = false;
  std::vector<std::thread> threads_;
  std::mutex guard_;
  tally all_;
  std::chrono::steady_clock::time_point last_good_;
};

} // namespace lyceum::testing
