// SPDX-License-Identifier: Apache-2.0
// What the console shows, from what the tree, the front end and the logs know. Pure: no actor, no clock, no file of its own.
#pragma once

#include "http/site.hpp"
#include "supervision/crash_log.hpp"
#include "supervision/registry.hpp"
#include "views/console.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace lyceum {

/// Everything at one moment, as it was read.
struct console_sample {
  std::chrono::steady_clock::time_point at;
  std::chrono::system_clock::time_point wall;
  std::vector<supervision::node_view> nodes;
  http::site_state site;
  http::front_stats traffic;
  bool pool_alive = true;
  std::vector<supervision::crash> crashes; ///< newest first
  std::vector<views::console_action> actions;
  std::vector<std::string> log;
};

/// Rates and curves need what was before: the last seconds, and one point each four seconds of the last five minutes. Thread-safe.
class console_memory {
public:
  static constexpr std::chrono::seconds point_every{4};
  static constexpr std::size_t points_max = 75;

  /// Remembers a sample. True where the curves have a new point.
  bool remember(const console_sample&);
  /// The view of a sample, with rates and curves from what is remembered.
  views::console_view view(const console_sample&) const;

private:
  struct reading { ///< counters that only grow
    std::chrono::steady_clock::time_point at;
    std::uint64_t requests = 0, hits = 0, misses = 0, cpu_ms = 0;
    std::map<std::string, std::uint64_t> cpu_of;
  };
  std::string rate(std::uint64_t now, std::uint64_t reading::*of, const console_sample&) const;
  std::string cpu(const supervision::node_view&, const console_sample&) const;
  std::vector<views::console_figure> figures(const console_sample&) const;
  views::console_node node(const supervision::node_view&, const console_sample&) const;

  mutable std::mutex guard_;
  std::deque<reading> last_; ///< of the last three seconds
  std::chrono::steady_clock::time_point point_at_{};
  std::map<std::string, std::uint64_t> busy_before_; ///< by subsystem, at the last point
  std::map<std::string, std::deque<std::uint32_t>> curves_;
  std::map<std::string, std::uint64_t> generations_;
  std::string tone_ = "well", turned_path_;
  std::chrono::system_clock::time_point tone_since_{}, turned_at_{};
};

/// "well", "passing" or "wrong": silent, heals by itself or is so by somebody's hand, needs somebody.
std::string tone_of(const supervision::node_view&);
/// What is wrong at the moment, and what to do; of a subtree only the topmost.
std::vector<views::console_trouble> troubles_of(const console_sample&);
/// "45 s", "3 min", "2 h", "5 d"
std::string span_text(std::chrono::milliseconds);
/// "14:03:11", UTC
std::string time_text(std::chrono::system_clock::time_point);
/// How many levels below nothing: the root is 1, a subsystem 2.
int level_of(const supervision::node_view&);

} // namespace lyceum
