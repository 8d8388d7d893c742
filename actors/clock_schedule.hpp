// SPDX-License-Identifier: Apache-2.0
// What is due when. Pure: time is passed in. Pauses go by the steady clock, so that a wall clock that jumps neither brings a storm nor
// silence; what is daily goes by the clock on the school's wall, and happens once for each date. Knows no CAF and no database.
#pragma once

#include "storage/model/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lyceum {

/// When a task wants to run: `every` so often, or daily.
struct task_timing {
  std::chrono::milliseconds every{0};
  std::optional<std::chrono::minutes> daily_at; ///< after midnight in the school's timezone; instead of `every`
};

/// What came of a run.
struct task_result {
  bool ok = true;
  bool more = false;   ///< a run is bounded, and there is more to do: again at once
  std::string outcome; ///< for people: "31 removed", or why not
};

class schedule {
public:
  using clock = std::chrono::steady_clock;

  /// After a failure a task pauses so long; twice as long after each more, up to `retry_max`.
  static constexpr std::chrono::seconds retry_first{10};
  static constexpr std::chrono::minutes retry_max{10};
  /// A run that has not told its end by then has failed; what it tells later is not heard.
  static constexpr std::chrono::seconds run_max{60};
  /// Runs in a row of one task that says that there is more; then it waits for its next time.
  static constexpr int rounds_max = 1000;
  /// Of every pause, either way: nodes that were started together do not stay in step.
  static constexpr double spread = 0.1;
  /// A daily task that was done for a date so many days ahead of today was done by a clock that was wrong.
  static constexpr std::int64_t days_ahead_max = 2;
  /// `rest` returns no more: the wall clock may have been set meanwhile.
  static constexpr std::chrono::milliseconds rest_max{10'000};

  struct wall {
    std::int64_t day = 0;           ///< a date as a number, that of the school's timezone
    std::chrono::minutes of_day{0}; ///< since midnight there
  };
  /// Where a run's end is told.
  struct run {
    std::size_t task = 0;
    std::uint64_t number = 0;
    std::int64_t day = 0; ///< for what is daily: the date that it is for
    bool operator==(const run&) const = default;
  };
  /// A task as operators see it.
  struct row {
    std::string name;
    std::uint64_t runs = 0, failures = 0; ///< ended
    std::chrono::microseconds took{0};    ///< all runs together
    std::optional<unix_time> last_at;     ///< when the last run ended
    bool last_ok = true;
    std::string last; ///< what came of it
    bool running = false;
    std::optional<clock::time_point> next; ///< nothing: running, or daily and waiting for its time of day
    std::optional<std::chrono::minutes> daily_at;
  };

  /// `jitter` gives numbers from 0 up to 1.
  explicit schedule(std::function<double()> jitter) : jitter_(std::move(jitter)) {}

  /// The first run is at once, but for what is daily: that has its time.
  void add(std::string name, task_timing when, clock::time_point now);

  /// Begins what is due, the longest due first, and gives up what has run for too long.
  std::vector<run> begin_due(clock::time_point now, wall at, unix_time told);
  /// False where nobody waits for it any more.
  bool end(const run&, task_result how, clock::time_point now, unix_time told);
  /// How long nothing will be due, as far as the steady clock tells; `rest_max` at most.
  std::chrono::milliseconds rest(clock::time_point now) const;

  std::vector<row> rows() const;
  const std::string& name_of(std::size_t task) const { return tasks_[task].seen.name; }

private:
  struct entry {
    row seen;
    task_timing when;
    clock::time_point next{};
    clock::time_point begun{};
    std::uint64_t number = 0;
    std::optional<std::int64_t> done_for; ///< the last date of a daily task that ended well
    std::int64_t day = 0;                 ///< the one that is being done
    int failed = 0;                       ///< in a row
    int rounds = 0;                       ///< in a row, since there was more
  };

  bool is_due(const entry&, clock::time_point now, wall at) const;
  void settle(entry&, task_result how, clock::time_point now, unix_time told);
  clock::duration around(clock::duration pause) const;

  std::function<double()> jitter_;
  std::vector<entry> tasks_;
};

} // namespace lyceum
