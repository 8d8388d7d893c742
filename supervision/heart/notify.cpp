// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/notify.hpp"

#include "supervision/heart/mailbox.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
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
  if (const char* death = std::getenv("HEART_LAST_DEATH"))
    made.last_death_ = death;
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "HEART_LAST_DEATH"})
    unsetenv(name);
  return made;
}

bool notifier::notify(std::string_view message) const {
  return send(message, -1);
}

/// `attached`: a descriptor that goes with it; -1: none.
bool notifier::send(std::string_view message, int attached) const {
  if (path_.empty())
    return false;
  const owned_descriptor from(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!from)
    return false;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, path_.data(), path_.size());
  if (path_.front() == '@')
    to.sun_path[0] = '\0';
  iovec what{const_cast<char*>(message.data()), message.size()}; // sendmsg only reads it
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> rights{};
  msghdr head{};
  head.msg_name = &to;
  head.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  head.msg_iov = &what;
  head.msg_iovlen = 1;
  if (attached >= 0) {
    head.msg_control = rights.data();
    head.msg_controllen = rights.size();
    auto* with = CMSG_FIRSTHDR(&head);
    with->cmsg_level = SOL_SOCKET;
    with->cmsg_type = SCM_RIGHTS;
    with->cmsg_len = CMSG_LEN(sizeof attached);
    std::memcpy(CMSG_DATA(with), &attached, sizeof attached);
  }
  return sendmsg(from.get(), &head, MSG_NOSIGNAL) == static_cast<ssize_t>(message.size());
}

expected<int> notifier::upgrade(std::string_view file, std::chrono::milliseconds patience) const {
  const auto cannot = [](std::string why) { return fail(problem::kind::internal, std::move(why)); };
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return cannot(std::string("no socket to be had: ") + std::strerror(errno));
  const owned_descriptor ours(ends[0]);
  {
    const owned_descriptor theirs(ends[1]); // closed here, so that the heart's end is the last one
    if (!send("X_UPGRADE=" + std::string(file), theirs.get()))
      return cannot("the heart cannot be reached");
  }
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd one{ours.get(), POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : poll(&one, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      return cannot("the heart does not say what came of it; data/run/heart.json may tell");
    break;
  }
  std::array<char, 4096> text;
  const auto got = recv(ours.get(), text.data(), text.size(), 0);
  const std::string_view said(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  constexpr std::string_view done = "upgraded ", failed = "failed ";
  int pid = 0;
  if (said.starts_with(done))
    std::from_chars(said.data() + done.size(), said.data() + said.size(), pid);
  if (pid > 0)
    return pid;
  if (said.starts_with(failed))
    return cannot(std::string(said.substr(failed.size())));
  return cannot("the heart ended the upgrade without a word: is it another version?");
}

bool notifier::status(std::string_view text) const {
  // A line break would begin another assignment.
  return notify("STATUS=" + std::string(text.substr(0, text.find('\n'))));
}

} // namespace lyceum::heart
