// SPDX-License-Identifier: Apache-2.0
// The subsystem `clock`: what has to be done now and then, whoever visits.
#pragma once

#include "actors/clock_schedule.hpp"
#include "actors/messages.hpp"
#include "storage/db.hpp"
#include "supervision/system.hpp"

#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace lyceum {

/// Something that is done with the database now and then. Each run is bounded, and one that is done twice changes nothing more: two
/// servers may do it at once.
struct clock_task {
  struct moment {
    unix_time now{};
    std::int64_t day = 0; ///< for what is daily: the date that it is for
  };
  std::string name; ///< "sessions"
  task_timing when;
  /// Called by a database worker, where it is wanted. What it throws is a failed run.
  std::function<task_result(storage::db&, const moment&)> work;
  std::function<bool()> wanted{}; ///< quick; false: this run is over without the database. Absent: always wanted
};

/// How the tasks went, for metrics: filled by the actor, read by any thread.
class clock_board {
public:
  void put(std::vector<schedule::row> rows) {
    const std::lock_guard lock(guard_);
    rows_ = std::move(rows);
  }
  std::vector<schedule::row> get() const {
    const std::lock_guard lock(guard_);
    return rows_;
  }

private:
  mutable std::mutex guard_;
  std::vector<schedule::row> rows_;
};

/// What the scheduler is given, and what outlives it. Filled before the tree starts.
struct clock_desk {
  std::vector<clock_task> tasks;
  std::function<bool()> active;                  ///< false: another server does it
  std::function<bool()> schema_ready;            ///< false: the schema is still to come
  std::function<schedule::wall(unix_time)> wall; ///< the school's date and time of day
  std::function<void(const std::string&)> warn;  ///< that a task fails
  std::function<void(const std::string&)> log;   ///< that it is well again
  clock_board board;
};

/// Runs the tasks of the desk, in the active server alone. A run that fails costs that task a pause, and no other task anything.
///
///   tick   looks what is due
///
/// Pooled: the work is done by database workers. Crash: a run that was under way goes on and nobody hears of it; the successor begins
/// with every task, which changes nothing where it was done.
caf::behavior scheduler(caf::event_based_actor* self, clock_desk* desk, supervision::system* tree);

} // namespace lyceum
