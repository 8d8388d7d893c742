// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/mailer.hpp"
#include "actors/webhook.hpp"
#include "http/router.hpp"
#include "ops/config.hpp"
#include "ops/log.hpp"
#include "storage/model/expected.hpp"
#include "storage/model/rendered.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lyceum::supervision {
class system;
}

namespace lyceum {

/// The whole school in one object: what outlives actors (page table, flights, store, routes), the front end, and the tree. Knows no
/// signals and no heart: `run_serve` has those, and tests start sites of their own.
class site {
public:
  struct options {
    config cfg;
    std::vector<int> sockets;     ///< inherited; empty: the site opens its own
    http::route_list more_routes; ///< besides the site's own: those that fail on purpose, in tests
    std::function<http::route_list(supervision::system&)> more_routes_of; ///< the same, made for this site's tree
    std::function<void(const render_input&)>
        before_render; ///< sees each text first: those that fail on purpose, in tests
    /// Makes the words of mails instead of the theme's templates: those that fail on purpose, in tests.
    mail_desk::renderer render_mail;
    /// Fetches what SNS's URLs lead to, instead of libcurl: in tests.
    kept_certificates::fetcher fetch;
    site_log log;                                   ///< one sentence an event; any thread
    std::function<void(const std::string&)> on_end; ///< the tree ended by itself: end the process
    /// Begins beside another server: accepts nothing, and answers no `ctl`, until `take_over`; imports nothing until `become_active`.
    bool standby = false;
    pid_t replaces = 0;     ///< whose control socket may be taken over; -1: anybody's
    std::string last_death; ///< how the process before this one died; for the crash log. Empty: it did not
    std::function<expected<int>(const std::string&)> upgrade; ///< asks the heart for another program; absent: no heart
  };

  explicit site(options how);
  ~site();
  site(const site&) = delete;
  site& operator=(const site&) = delete;

  /// Loads theme and kept pages, starts loops and tree, and accepts. A problem says what is wrong and what to do.
  expected<void> start();
  /// In standby: true once requests can be answered: the schema stands, or the database is away, which is a state.
  bool prepared() const;
  /// In standby: from now on it accepts, and `ctl` reaches it.
  expected<void> take_over();
  /// It is the one server that imports and writes the cache's file.
  void become_active();
  /// It is not any more: another server may be, as soon as this returns. At most `within`; what still runs then commits nothing.
  void hand_over(std::chrono::milliseconds within);
  /// Where it listens, as bound: "127.0.0.1:8080".
  std::vector<std::string> addresses() const;
  /// True while loops turn, the scheduler answers and few threads are lost to endless loops: feed the heart with it.
  bool alive() const;
  /// Theme and content anew (SIGHUP, `ctl reload`); a theme that is wrong is told, and the old one stays. The access log needs no
  /// signal: where its file was moved away, the next line begins a new one.
  void reload();
  /// Set by `ctl drain`: the process should end in good order.
  bool asked_to_drain() const;
  /// Answers what is in flight and stops the tree from right to left. False where something had to be cut: then the process should
  /// `_exit`, since a handler that never returns cannot be stopped from inside.
  bool stop(std::chrono::milliseconds within);

private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

} // namespace lyceum
