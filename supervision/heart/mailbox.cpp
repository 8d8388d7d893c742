// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/mailbox.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace lyceum::heart {
namespace {

constexpr std::size_t descriptors_max = 4; // what a stranger sends beyond it is closed by the kernel

} // namespace

owned_descriptor::~owned_descriptor() {
  if (fd_ >= 0)
    close(fd_);
}

bool mailbox::open() {
  socket_ = owned_descriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  socklen_t size = sizeof(sa_family_t);
  int on = 1;
  if (!socket_ || bind(fd(), reinterpret_cast<sockaddr*>(&name), size) != 0 ||
      setsockopt(fd(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return false;
  size = sizeof name;
  if (getsockname(fd(), reinterpret_cast<sockaddr*>(&name), &size) != 0)
    return false;
  path_ = "@" + std::string(name.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
  return true;
}

std::optional<mailbox::message> mailbox::next() const {
  std::array<char, 4096> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(descriptors_max * sizeof(int))> control;
  iovec where{bytes.data(), bytes.size()};
  msghdr head{};
  ssize_t got = 0;
  do {
    head = {};
    head.msg_iov = &where;
    head.msg_iovlen = 1;
    head.msg_control = control.data();
    head.msg_controllen = control.size();
    got = recvmsg(fd(), &head, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0)
    return {};
  message made;
  made.text.assign(bytes.data(), static_cast<std::size_t>(got));
  for (auto* each = CMSG_FIRSTHDR(&head); each != nullptr; each = CMSG_NXTHDR(&head, each)) {
    if (each->cmsg_level != SOL_SOCKET)
      continue;
    if (each->cmsg_type == SCM_CREDENTIALS) {
      ucred from{};
      std::memcpy(&from, CMSG_DATA(each), sizeof from);
      made.sender = from.pid;
    } else if (each->cmsg_type == SCM_RIGHTS) {
      const auto count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int one = -1;
        std::memcpy(&one, CMSG_DATA(each) + i * sizeof one, sizeof one);
        owned_descriptor mine(one);
        if (!made.attached)
          made.attached = std::move(mine);
      }
    }
  }
  return made;
}

std::optional<std::string_view> value_in(std::string_view message, std::string_view name) {
  while (!message.empty()) {
    auto line = message.substr(0, message.find('\n'));
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=')
      return line.substr(name.size() + 1);
    message.remove_prefix(std::min(line.size() + 1, message.size()));
  }
  return {};
}

} // namespace lyceum::heart
