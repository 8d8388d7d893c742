// SPDX-License-Identifier: Apache-2.0
#include "http/listener.hpp"

#include "http/front.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace lyceum::http {
namespace {

constexpr int backlog = 4096;

[[noreturn]] void refuse(const std::string& address, const std::string& why) {
  throw std::runtime_error("cannot listen on " + address + ": " + why);
}

struct parsed {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

void set_port(parsed& at, unsigned port) {
  if (at.storage.ss_family == AF_INET)
    reinterpret_cast<sockaddr_in&>(at.storage).sin_port = htons(static_cast<std::uint16_t>(port));
  else
    reinterpret_cast<sockaddr_in6&>(at.storage).sin6_port = htons(static_cast<std::uint16_t>(port));
}

parsed parse(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos)
    refuse(address, "an address is written ADDRESS:PORT, for instance 127.0.0.1:8080 or [::1]:8080");
  auto host = address.substr(0, colon);
  const auto port_text = address.substr(colon + 1);
  unsigned port = 0;
  const auto [end, wrong] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (wrong != std::errc() || end != port_text.data() + port_text.size() || port > 65535)
    refuse(address, "the port must be a number from 0 to 65535");
  if (host == "localhost")
    host = "127.0.0.1";
  parsed out;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage);
    v6.sin6_family = AF_INET6;
    out.size = sizeof v6;
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) != 1)
      refuse(address, "this is not an IPv6 address");
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
    v4.sin_family = AF_INET;
    out.size = sizeof v4;
    if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1)
      refuse(address, "give an IPv4 address, or an IPv6 address in brackets (names are not looked up)");
  }
  set_port(out, port);
  return out;
}

std::string reason(int error) {
  switch (error) {
  case EADDRINUSE:
    return "the address is in use by another program";
  case EACCES:
    return "this port needs a privilege (ports below 1024: CAP_NET_BIND_SERVICE)";
  case EADDRNOTAVAIL:
    return "this machine has no such address";
  default:
    return std::strerror(error);
  }
}

sockaddr_storage name_of(int socket) {
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("descriptor " + std::to_string(socket) + " is not a socket: " + std::strerror(errno));
  if (at.ss_family != AF_INET && at.ss_family != AF_INET6)
    throw std::runtime_error("descriptor " + std::to_string(socket) + " is not a TCP socket");
  return at;
}

/// True where a program listens there already. Asked because SO_REUSEPORT would let two programs of one user share a
/// port, each getting half of the visitors.
bool is_taken(const parsed& at) {
  const int probe = socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0)
    return false;
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at.storage.ss_family == AF_INET6)
    setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const bool taken = bind(probe, reinterpret_cast<const sockaddr*>(&at.storage), at.size) != 0 && errno == EADDRINUSE;
  close(probe);
  return taken;
}

int open_one(const std::string& address, const parsed& at) {
  const int fd = socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    refuse(address, reason(errno));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at.storage.ss_family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&at.storage), at.size) != 0 || listen(fd, backlog) != 0) {
    const int error = errno;
    close(fd);
    refuse(address, reason(error));
  }
  return fd;
}

} // namespace

std::vector<int> open_listeners(const std::string& address, std::size_t count) {
  auto at = parse(address);
  if (is_taken(at))
    refuse(address, reason(EADDRINUSE));
  std::vector<int> sockets;
  try {
    for (std::size_t i = 0; i < count; ++i) {
      sockets.push_back(open_one(address, at));
      if (i == 0) {
        const auto bound = name_of(sockets[0]); // port 0: the others follow the first
        at.storage = bound;
      }
    }
  } catch (...) {
    for (const int fd : sockets)
      close(fd);
    throw;
  }
  return sockets;
}

std::string bound_address(int socket) {
  return address_text(name_of(socket));
}

bool is_bound_to_loopback(int socket) {
  return ip_address::of(name_of(socket)).is_loopback();
}

void prepare_listener(int socket) {
  name_of(socket);
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
    throw std::runtime_error("descriptor " + std::to_string(socket) + " does not listen");
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int flags = fcntl(socket, F_GETFL);
  if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) < 0)
    throw std::runtime_error("descriptor " + std::to_string(socket) + ": " + std::strerror(errno));
}

} // namespace lyceum::http
