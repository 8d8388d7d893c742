// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "supervision/heart/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace lyceum::heart {

/// Where to listen: a numeric IPv4 or IPv6 address ("localhost" is 127.0.0.1) and a port; port 0 lets the kernel choose.
struct address {
  std::string host = "127.0.0.1"; ///< without brackets: "::1"
  std::uint16_t port = 0;

  bool ipv6() const { return host.find(':') != std::string::npos; }
  /// As it is written: "127.0.0.1:8080", "[::1]:8080".
  std::string text() const;
  /// True for 127.0.0.0/8 and ::1.
  bool loopback() const;
  bool operator==(const address&) const = default;
};

/// Reads "127.0.0.1:8080", "[::1]:8080", "localhost:0" or ":8080" (127.0.0.1). No name is ever resolved.
///   invalid  not of one of these forms, or a port beyond 65535
expected<address> parse_address(std::string_view text);

} // namespace lyceum::heart
