// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/closed_sign.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace lyceum::heart {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 1s;

constexpr std::string_view body = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta "
                                  "name=\"viewport\" content=\"width=device-width\">"
                                  "<title>Back in a moment</title></head>\n<body>\n<h1>Back in a moment</h1>\n<p>The "
                                  "school is starting again and cannot "
                                  "answer yet. Nothing is lost.\nPlease reload this page in a few seconds.</p>\n<p>503 "
                                  "Service Unavailable</p>\n</body>\n"
                                  "</html>\n";

const std::string& reply() {
  static const std::string text = "HTTP/1.1 503 Service Unavailable\r\n"
                                  "Content-Type: text/html; charset=utf-8\r\n"
                                  "Content-Length: " +
                                  std::to_string(body.size()) +
                                  "\r\n"
                                  "Retry-After: 5\r\n"
                                  "Cache-Control: no-store\r\n"
                                  "Content-Security-Policy: default-src 'none'\r\n"
                                  "X-Content-Type-Options: nosniff\r\n"
                                  "Connection: close\r\n"
                                  "\r\n" +
                                  std::string(body);
  return text;
}

} // namespace

closed_sign::~closed_sign() {
  for (const auto& each : visitors_)
    close(each.fd);
}

void closed_sign::watch(std::vector<pollfd>& into, const std::vector<listening_socket>& sockets, bool open) const {
  for (const auto& each : visitors_)
    into.push_back({each.fd, POLLIN, 0});
  if (open && visitors_.size() < visitors_max)
    for (const auto& each : sockets)
      into.push_back({each.fd, POLLIN, 0});
}

void closed_sign::serve(const std::vector<pollfd>& polled, const std::vector<listening_socket>& sockets) {
  auto stirred = [&](int fd) {
    return std::ranges::any_of(polled, [fd](const pollfd& each) { return each.fd == fd && each.revents != 0; });
  };
  auto now = clock::now();
  std::erase_if(visitors_, [&](visitor& each) {
    // Who has asked is answered, even where the heart itself was held up for longer than its patience.
    const bool hears = stirred(each.fd) && (!each.answered || each.until > now);
    if (hears ? go_on(each) : each.until > now)
      return false;
    close(each.fd);
    return true;
  });
  for (const auto& each : sockets)
    if (stirred(each.fd))
      accept_from(each.fd);
}

void closed_sign::accept_from(int socket) {
  while (visitors_.size() < visitors_max) {
    int fd = accept4(socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
      return;
    visitors_.push_back({fd, clock::now() + patience});
  }
}

/// What came is thrown away. The answer follows the first bytes, since some clients take one before them for an error;
/// then we wait for the visitor to go, since closing with bytes unread would reset the answer away.
bool closed_sign::go_on(visitor& who) {
  std::array<char, 4096> scrap;
  auto got = recv(who.fd, scrap.data(), scrap.size(), 0);
  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  if (got == 0)
    return false;
  if (!who.answered) {
    // Fresh connections have room for so little; should one not, its visitor sees it closed.
    if (send(who.fd, reply().data(), reply().size(), MSG_NOSIGNAL) != static_cast<ssize_t>(reply().size()))
      return false;
    shutdown(who.fd, SHUT_WR);
    who.answered = true;
    who.until = clock::now() + patience;
  }
  return true;
}

closed_sign::clock::time_point closed_sign::deadline() const {
  auto first = clock::time_point::max();
  for (const auto& each : visitors_)
    first = std::min(first, each.until);
  return first;
}

} // namespace lyceum::heart
