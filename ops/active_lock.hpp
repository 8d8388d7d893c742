// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>

#include <sys/types.h>

namespace lyceum {

/// One active server on a data folder: who holds the lock imports, and writes the cache's file. It goes with the process, however
/// that ends. The file holds the pid of the last one that took it.
class active_lock {
public:
  explicit active_lock(const std::filesystem::path& file);
  ~active_lock();
  active_lock(const active_lock&) = delete;
  active_lock& operator=(const active_lock&) = delete;

  bool try_take();
  bool take(std::chrono::milliseconds patience);
  /// For the next one; also where it was never taken.
  void release();
  bool held() const { return held_; }
  /// Who took it last; 0: nobody is known. That process may be gone.
  pid_t last_holder() const;

private:
  int fd_;
  bool held_ = false;
};

} // namespace lyceum
