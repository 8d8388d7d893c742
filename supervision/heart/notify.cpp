// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/notify.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace lyceum::heart {
namespace {

std::optional<long long> number_in(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr)
    return {};
  long long number = 0;
  const char* end = text + std::strlen(text);
  auto [rest, failed] = std::from_chars(text, end, number);
  return failed == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

constexpr int first_passed = 3; // SD_LISTEN_FDS_START
constexpr long long passed_max = 1024;

} // namespace

std::vector<inherited_socket> inherited_sockets() {
  std::vector<inherited_socket> all;
  auto count = number_in("LISTEN_FDS");
  if (number_in("LISTEN_PID") == static_cast<long long>(getpid()) && count && *count > 0 && *count <= passed_max) {
    const char* listed = std::getenv("LISTEN_FDNAMES");
    std::string_view names = listed == nullptr ? "" : listed;
    for (int fd = first_passed; fd < first_passed + *count; ++fd) {
      auto end = std::min(names.find(':'), names.size());
      int flags = fcntl(fd, F_GETFD);
      if (flags >= 0 && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0)
        all.push_back({fd, std::string(names.substr(0, end))});
      names.remove_prefix(std::min(end + 1, names.size()));
    }
  }
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})
    unsetenv(name);
  return all;
}

notifier notifier::from_environment() {
  notifier made;
  if (const char* path = std::getenv("NOTIFY_SOCKET"))
    if ((*path == '/' || *path == '@') && std::strlen(path) > 1 && std::strlen(path) < sizeof(sockaddr_un::sun_path))
      made.path_ = path;
  auto allowed = number_in("WATCHDOG_USEC");
  auto whose = number_in("WATCHDOG_PID");
  if (!made.path_.empty() && allowed && *allowed > 0 && (!whose || *whose == getpid())) {
    auto fifth = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(*allowed / 5));
    made.period_ = std::clamp(fifth, std::chrono::milliseconds(1), std::chrono::milliseconds(1000));
  }
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
    unsetenv(name);
  return made;
}

bool notifier::notify(std::string_view message) const {
  if (path_.empty())
    return false;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return false;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, path_.data(), path_.size());
  if (path_.front() == '@')
    to.sun_path[0] = '\0';
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  auto sent = sendto(fd, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), size);
  close(fd);
  return sent == static_cast<ssize_t>(message.size());
}

bool notifier::status(std::string_view text) const {
  // A line break would begin another assignment.
  return notify("STATUS=" + std::string(text.substr(0, text.find('\n'))));
}

} // namespace lyceum::heart
