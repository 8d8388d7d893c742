// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

struct sockaddr_storage;

namespace lyceum::http {

/// An IPv4 or IPv6 address without its port; IPv4 in its mapped form, so that there is one way to write each.
struct ip_address {
  std::array<unsigned char, 16> octets{};

  static ip_address of(const sockaddr_storage&);
  bool is_v4() const noexcept;
  bool is_loopback() const noexcept;
  std::string text() const; ///< "127.0.0.1", "::1"

  auto operator<=>(const ip_address&) const = default;
};

struct ip_address_hash {
  std::size_t operator()(const ip_address&) const noexcept;
};

/// "127.0.0.1:8080", "[::1]:8080"
std::string address_text(const sockaddr_storage&);

} // namespace lyceum::http
