// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "supervision/heart/address.hpp"

#include <string>
#include <vector>

namespace lyceum::heart {

struct listening_socket {
  int fd = -1; ///< FD_CLOEXEC, non-blocking, listening
  address bound;
  std::string name; ///< for LISTEN_FDNAMES
};

/// `each` sockets for every address, address by address. With more than one they share the port by SO_REUSEPORT, yet no
/// stranger can join them: the first is bound alone. An address with port 0 gets one port for all its sockets.
///   conflict   the address is in use
///   forbidden  a port below 1024 without the right to it
///   invalid    no interface has the address, or the machine lacks IPv6
expected<std::vector<listening_socket>> open_sockets(const std::vector<address>& where, std::size_t each, int backlog);

/// The address that a listening socket is bound to.
expected<address> bound_address(int fd);

} // namespace lyceum::heart
