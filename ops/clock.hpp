// SPDX-License-Identifier: Apache-2.0
// The subsystem `clock` of a site: its tasks, and what operators are told by mail.
#pragma once

#include "actors/clock.hpp"
#include "actors/clock_troubles.hpp"
#include "ops/config.hpp"
#include "ops/log.hpp"
#include "storage/figures.hpp"
#include "storage/model/course.hpp"
#include "supervision/supervisor.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace lyceum {

/// What the clock asks of its site. Every function is quick, and thread-safe.
struct clock_surroundings {
  std::function<bool()> active;
  std::function<bool()> schema_ready;
  std::function<site_info()> school;                ///< as it was last read
  std::function<std::vector<std::string>()> unwell; ///< sentences: what is wrong besides parts that are degraded
  std::function<std::vector<trouble>()> troubles;   ///< besides parts that are degraded: mail that is late
  std::chrono::steady_clock::time_point born;
  std::string base_url;
  std::string mail_host; ///< right side of a Message-ID
  site_log log;
  supervision::system* tree = nullptr;
};

/// What the site holds of the clock; outlives the tree.
struct clock_parts {
  clock_desk desk;
  trouble_book book;

  void prepare(const config&, clock_surroundings around);
};

/// `clock`, one_for_one: scheduler.
supervision::child clock_tree(clock_parts& parts, supervision::system& tree);

/// What the daily mail says: JSON for the template `all_well`.
struct daily_facts {
  std::int64_t day = 0; ///< the date that the mail is for; it tells of the one before
  storage::school_figures school;
  std::uint64_t crashes = 0;  ///< in the last 24 hours, as far as the crash log remembers
  std::uint64_t restarts = 0; ///< since the start
  std::uintmax_t disk_free = 0, disk_all = 0;
  std::chrono::milliseconds uptime{0};
  std::string version;
  std::vector<std::string> trouble; ///< besides what the figures show
  std::string link;
  unix_time now{};
};
std::string all_well_details(const daily_facts&);

/// Subsystems that are degraded or down, or spent their budget within the last minute: one trouble for each.
std::vector<trouble> degraded_parts(const std::vector<supervision::node_view>& nodes,
                                    const std::vector<supervision::crash>& crashes, unix_time now);

} // namespace lyceum
