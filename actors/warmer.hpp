// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "supervision/system.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace lyceum {

struct warmer_options {
  /// The paths that the site serves. Called on a database worker.
  std::function<std::vector<std::string>(storage::db&)> addresses;
  /// True where the page table has a fresh page for this path.
  std::function<bool(const std::string&)> warm;
  /// Asks for a path as an anonymous visitor would; `done` once, on any thread.
  std::function<void(std::string, std::function<void()> done)> visit;
  std::size_t at_once = 2; ///< so that visitors' own misses are never behind a queue of ours
};

/// Brings every page of the site into the table, so that no visitor meets a miss.
///
///   warm   begins; ignored while one is under way
///
/// Crash: the rest of its list stays cold until somebody asks.
caf::behavior warmer(caf::event_based_actor* self, const warmer_options* options, supervision::system* tree);

/// A loop of the front end as a child of the tree: accepting goes on while it is replaced, and ends when it is stopped in good order.
struct loop_controls {
  std::function<void()> arm;
  std::function<void()> disarm;
  std::function<std::string()> vitals; ///< for `inspect`
};
caf::behavior listener(caf::event_based_actor* self, const loop_controls* controls);

/// What the process costs, sampled once a second. Outlives its sampler.
struct process_vitals {
  std::atomic<std::uint64_t> resident_bytes = 0;
  std::atomic<std::uint64_t> open_files = 0;
  std::atomic<std::uint64_t> cpu_ms = 0;
};
caf::behavior metrics_sampler(caf::event_based_actor* self, process_vitals* vitals);

} // namespace lyceum
