// SPDX-License-Identifier: Apache-2.0
#include "ops/active_lock.hpp"

#include <array>
#include <cstdlib>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace lyceum {

using namespace std::chrono_literals;

active_lock::active_lock(const std::filesystem::path& file)
    : fd_(open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)) {}

active_lock::~active_lock() {
  if (fd_ >= 0)
    close(fd_);
}

bool active_lock::try_take() {
  if (held_)
    return true;
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0)
    return false;
  held_ = true;
  const auto text = std::to_string(getpid()) + "\n";
  // Without the number (a full disk) the lock holds as well: only a successor after a crash of the heart would miss it.
  if (ftruncate(fd_, 0) == 0) [[maybe_unused]]
    const auto wrote = pwrite(fd_, text.data(), text.size(), 0);
  return true;
}

bool active_lock::take(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!try_take()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

void active_lock::release() {
  if (held_)
    flock(fd_, LOCK_UN);
  held_ = false;
}

pid_t active_lock::last_holder() const {
  std::array<char, 16> text{};
  return pread(fd_, text.data(), text.size() - 1, 0) > 0 ? static_cast<pid_t>(std::atoi(text.data())) : 0;
}

} // namespace lyceum
