// SPDX-License-Identifier: Apache-2.0
#include "http/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <string_view>
#include <sys/socket.h>

namespace lyceum::http {
namespace {

constexpr std::array<unsigned char, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

} // namespace

ip_address ip_address::of(const sockaddr_storage& from) {
  ip_address out;
  if (from.ss_family == AF_INET) {
    std::ranges::copy(v4_prefix, out.octets.begin());
    std::memcpy(out.octets.data() + 12, &reinterpret_cast<const sockaddr_in&>(from).sin_addr, 4);
  } else if (from.ss_family == AF_INET6) {
    std::memcpy(out.octets.data(), &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr, 16);
  }
  return out;
}

bool ip_address::is_v4() const noexcept {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), octets.begin());
}

bool ip_address::is_loopback() const noexcept {
  static constexpr std::array<unsigned char, 16> one = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return is_v4() ? octets[12] == 127 : octets == one;
}

std::string ip_address::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (is_v4())
    inet_ntop(AF_INET, octets.data() + 12, buffer, sizeof buffer);
  else
    inet_ntop(AF_INET6, octets.data(), buffer, sizeof buffer);
  return buffer;
}

std::size_t ip_address_hash::operator()(const ip_address& a) const noexcept {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(a.octets.data()), a.octets.size()});
}

std::string address_text(const sockaddr_storage& from) {
  const auto port = from.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(from).sin_port
                                              : reinterpret_cast<const sockaddr_in6&>(from).sin6_port;
  const auto host = ip_address::of(from).text();
  return (from.ss_family == AF_INET6 ? '[' + host + ']' : host) + ':' + std::to_string(ntohs(port));
}

} // namespace lyceum::http
