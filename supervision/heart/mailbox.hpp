// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace lyceum::heart {

/// A descriptor that is closed with its owner.
class owned_descriptor {
public:
  explicit owned_descriptor(int fd = -1) : fd_(fd) {}
  owned_descriptor(owned_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  owned_descriptor& operator=(owned_descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~owned_descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

private:
  int fd_;
};

/// The heart's end of NOTIFY_SOCKET: abstract, with a name that the kernel chooses. Who sends is known by credentials, which the
/// kernel vouches for.
class mailbox {
public:
  struct message {
    pid_t sender = 0;
    std::string text;          ///< at most 4 KiB: lines of NAME=value
    owned_descriptor attached; ///< the first descriptor that came with it
  };

  /// False, with errno, where there is no socket to be had.
  bool open();
  /// The next one; nothing where none is left.
  std::optional<message> next() const;
  int fd() const { return socket_.get(); }
  const std::string& path() const { return path_; } ///< for NOTIFY_SOCKET

private:
  owned_descriptor socket_;
  std::string path_;
};

/// The value of the line NAME=value, where the message has one.
std::optional<std::string_view> value_in(std::string_view message, std::string_view name);

} // namespace lyceum::heart
