// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "supervision/heart/sockets.hpp"

#include <chrono>
#include <poll.h>
#include <vector>

namespace lyceum::heart {

/// Answers visitors while there is no server: one fixed 503, whatever they ask; nothing they send is looked at.
/// Bounded: 256 visitors at once (more wait in the kernel's queue), each a second to ask and a second to go.
class closed_sign {
public:
  using clock = std::chrono::steady_clock;

  closed_sign() = default;
  closed_sign(const closed_sign&) = delete;
  closed_sign& operator=(const closed_sign&) = delete;
  ~closed_sign();

  /// Adds what to wait for: the visitors, and where `open`, the sockets too.
  void watch(std::vector<pollfd>& into, const std::vector<listening_socket>& sockets, bool open) const;
  /// Deals with what poll found.
  void serve(const std::vector<pollfd>& polled, const std::vector<listening_socket>& sockets);
  /// Until when poll may sleep at most, for the visitors' sake. time_point::max() without any.
  clock::time_point deadline() const;

private:
  struct visitor {
    int fd;
    clock::time_point until;
    bool answered = false;
  };
  static constexpr std::size_t visitors_max = 256;

  void accept_from(int socket);
  /// False when the visitor is done with.
  static bool go_on(visitor& who);

  std::vector<visitor> visitors_;
};

} // namespace lyceum::heart
