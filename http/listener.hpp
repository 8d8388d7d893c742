// SPDX-License-Identifier: Apache-2.0
// Listening sockets.
#pragma once

#include "http/address.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace lyceum::http {

/// The address that a listening socket is bound to. Throws std::runtime_error where it is no such socket.
std::string bound_address(int socket);
bool is_bound_to_loopback(int socket);

/// Makes sure that a socket, inherited or ours, is ready for a loop: it listens, never blocks, and connections from it
/// send without delay (Linux hands TCP_NODELAY down). Throws std::runtime_error.
void prepare_listener(int socket);

} // namespace lyceum::http
