// SPDX-License-Identifier: Apache-2.0
// The site as the front end sees it: every route in one table, and the paths that answer whatever the actors do.
#pragma once

#include "actors/mail_state.hpp"
#include "http/front.hpp"
#include "http/router.hpp"
#include "http/routes/frame.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lyceum::http {

/// All routes, and `more`. `frame` must outlive the router.
router site_router(const site_frame& frame, route_list more = {});

/// How the site is, as `/readyz` and `/metrics` tell it.
struct site_state {
  struct part {
    std::string path;  ///< "cache/page_cache"
    std::string state; ///< "running", "restarting", "degraded", …
    std::uint64_t generation = 0;
    std::uint64_t restarts = 0;
    std::uint64_t mailbox = 0;
    std::uint64_t handled = 0; ///< messages
    std::chrono::milliseconds cpu{0};
    std::uint64_t abandoned = 0;           ///< lives that were given up and still run
    std::chrono::milliseconds retry_in{0}; ///< while it is away: until it is tried again
    std::string note;                      ///< what visitors notice while it is away
  };
  bool up = false; ///< the tree has started
  bool draining = false;
  bool database = false; ///< answers, and somebody is there to ask it
  std::uint64_t pages = 0, page_bytes = 0, pages_max_bytes = 0;
  std::uint64_t sessions = 0, sessions_begun = 0, crashes = 0, demoted = 0, quarantined = 0;
  std::uint64_t resident_bytes = 0, open_files = 0, cpu_ms = 0;
  std::chrono::milliseconds uptime{0};
  std::vector<part> parts;
  mail_figures mail;
  /// What the clock does now and then.
  struct task {
    std::string name;
    std::uint64_t runs = 0, failures = 0;
    std::chrono::microseconds took{0}; ///< all runs together
  };
  std::vector<task> tasks;
  bool mail_delivering = true; ///< a mail that is put now is sent soon
};

/// `/livez`, `/healthz`, `/readyz`, `/metrics`: answered by the loops. The functions must be quick and thread-safe.
std::vector<io_route> status_routes(std::function<site_state()> state, std::function<front_stats()> traffic);

} // namespace lyceum::http
