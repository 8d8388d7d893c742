// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/sockets.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace lyceum::heart {
namespace {

struct native_address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

native_address native(const address& from) {
  native_address to;
  if (from.ipv6()) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(from.port);
    inet_pton(AF_INET6, from.host.c_str(), &six.sin6_addr);
    std::memcpy(&to.bytes, &six, to.size = sizeof six);
  } else {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(from.port);
    inet_pton(AF_INET, from.host.c_str(), &four.sin_addr);
    std::memcpy(&to.bytes, &four, to.size = sizeof four);
  }
  return to;
}

tl::unexpected<problem> cannot_listen(const address& where, int error) {
  auto text = "cannot listen on " + where.text() + ": ";
  switch (error) {
  case EADDRINUSE:
    return fail(problem::kind::conflict,
                text + "the port is in use; stop who uses it, or choose another one with --listen");
  case EACCES:
  case EPERM:
    return fail(problem::kind::forbidden, text + "ports below 1024 need root or CAP_NET_BIND_SERVICE");
  case EADDRNOTAVAIL:
    return fail(problem::kind::invalid, text + "no interface of this machine has that address");
  default:
    return fail(problem::kind::invalid, text + std::strerror(error));
  }
}

bool set(int fd, int level, int option) {
  int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

/// Bound, not yet listening. -1 and errno.
int bind_one(const address& where, bool joins) {
  int fd = socket(where.ipv6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  auto to = native(where);
  bool good = set(fd, SOL_SOCKET, SO_REUSEADDR) && (!where.ipv6() || set(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
              (!joins || set(fd, SOL_SOCKET, SO_REUSEPORT)) &&
              bind(fd, reinterpret_cast<const sockaddr*>(&to.bytes), to.size) == 0;
  if (good)
    return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

expected<bool> open_address(address where, std::size_t each, int backlog, std::vector<listening_socket>& into) {
  for (std::size_t i = 0; i < each; ++i) {
    int fd = bind_one(where, i > 0);
    if (fd < 0)
      return cannot_listen(where, errno);
    if (i == 0) {
      auto bound = bound_address(fd);
      if (!bound) {
        close(fd);
        return tl::unexpected(bound.error());
      }
      where = *bound;
    }
    into.push_back({fd, where, "http"});
    // The first socket was bound without SO_REUSEPORT, so it fails if anybody is there; from here on ours may join it.
    if (i == 0 && each > 1 && !set(fd, SOL_SOCKET, SO_REUSEPORT))
      return cannot_listen(where, errno);
    if (listen(fd, backlog) != 0)
      return cannot_listen(where, errno);
  }
  return true;
}

} // namespace

expected<address> bound_address(int fd) {
  sockaddr_storage bytes{};
  socklen_t size = sizeof bytes;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bytes), &size) != 0)
    return fail(problem::kind::invalid, std::string("not a socket: ") + std::strerror(errno));
  char text[INET6_ADDRSTRLEN] = {};
  if (bytes.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &bytes, sizeof six);
    return address{inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text), ntohs(six.sin6_port)};
  }
  if (bytes.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &bytes, sizeof four);
    return address{inet_ntop(AF_INET, &four.sin_addr, text, sizeof text), ntohs(four.sin_port)};
  }
  return fail(problem::kind::invalid, "not a TCP socket");
}

expected<std::vector<listening_socket>> open_sockets(const std::vector<address>& where, std::size_t each, int backlog) {
  std::vector<listening_socket> all;
  for (const auto& one : where) {
    if (auto done = open_address(one, each, backlog, all); !done) {
      for (const auto& opened : all)
        close(opened.fd);
      return tl::unexpected(done.error());
    }
  }
  return all;
}

} // namespace lyceum::heart
