// SPDX-License-Identifier: Apache-2.0
// A program of somebody else's that a test talks to by lines.
#pragma once

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace lyceum {

/// Runs while it lives, with its standard input and output joined to us. Ends when its input does, else by SIGKILL.
class companion {
public:
  explicit companion(std::vector<std::string> words) {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0)
      throw std::runtime_error("no socket left");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(both[1], 0);
      ::dup2(both[1], 1);
      std::vector<char*> raw;
      for (auto& word : words)
        raw.push_back(word.data());
      raw.push_back(nullptr);
      ::execvp(raw[0], raw.data());
      ::_exit(127);
    }
    ::close(both[1]);
    fd_ = both[0];
  }
  companion(const companion&) = delete;
  companion& operator=(const companion&) = delete;
  ~companion() { end(); }

  void say(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const auto n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0)
        throw std::runtime_error("the companion is gone");
      at += static_cast<std::size_t>(n);
    }
  }
  /// Its next line without the line end; nothing where it ended.
  std::optional<std::string> line() {
    for (;;) {
      if (const auto end = heard_.find('\n'); end != std::string::npos) {
        auto first = heard_.substr(0, end);
        heard_.erase(0, end + 1);
        return first;
      }
      char bytes[65536];
      const auto n = ::read(fd_, bytes, sizeof bytes);
      if (n <= 0)
        return std::nullopt;
      heard_.append(bytes, static_cast<std::size_t>(n));
    }
  }
  /// Its exit status; 128 and more for a signal.
  int end() {
    if (pid_ <= 0)
      return status_;
    ::shutdown(fd_, SHUT_WR);
    int raw = 0;
    for (int waits = 0; ::waitpid(pid_, &raw, WNOHANG) == 0; ++waits) {
      if (waits == 200)
        ::kill(pid_, SIGKILL);
      ::usleep(10'000);
    }
    ::close(fd_);
    pid_ = 0;
    return status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }

private:
  pid_t pid_ = 0;
  int fd_ = -1;
  int status_ = 0;
  std::string heard_;
};

inline std::string peer(const std::string& name) {
  return std::string(LYCEUM_SOURCE_DIR) + "/tests/peers/" + name;
}

} // namespace lyceum
