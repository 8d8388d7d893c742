// SPDX-License-Identifier: Apache-2.0
// Who runs on which thread: written at each turn of an actor, read by the watchdog. Knows no CAF.
#pragma once

#include "supervision/vitals.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace lyceum::supervision {

/// While it lives, the handler that runs on this thread may take as long as it wants: the watchdog looks away. For the rare work
/// whose end is certain and far (a migration).
class unhurried {
public:
  unhurried() noexcept;
  ~unhurried();
  unhurried(const unhurried&) = delete;
  unhurried& operator=(const unhurried&) = delete;

private:
  vitals* whose_; ///< null outside the tree
};

/// What an actor works on, as a thread's entry points to it. Strings of the owner, which takes the entry back before they go.
struct work_in_hand {
  std::string key;
  std::string label;
  std::string request; ///< id of the request that it is for; empty: none
};

/// For `life` and `work_note` alone; each is about the thread that calls it.
void watch_begin(vitals* who) noexcept;
void watch_end() noexcept;
/// Shows another piece of work (null: none); returns the one shown before.
const work_in_hand* watch_work(const work_in_hand* now) noexcept;

/// A handler that has been running for some time.
struct busy_thread {
  std::string path;
  std::uint64_t generation = 0;
  bool detached = false;
  std::chrono::milliseconds busy{0};
  std::int64_t since_ns = 0;                ///< tells this handler from the next one of that life
  std::chrono::milliseconds thread_cpu{-1}; ///< CPU time of that thread so far; negative: not known
  work_in_hand work{};                      ///< what it said it works on; empty key: nothing
};
/// Notes for each thread whose handler it runs now: from then on `busy_for` knows. Called ten times a second by the watchdog.
void see_handlers();
/// Every handler that has been seen running for at least that long and was not given up.
std::vector<busy_thread> busy_threads(std::chrono::milliseconds at_least);

/// Gives the thread of a life that was given up the lowest priority (nice 19, SCHED_IDLE): it cannot be stopped, but it need not
/// take time from its successor. Does so only while that life is known to be in a handler on a thread of its own, so neither a pool
/// thread nor one that has ended (whose number may be another's by now) is ever touched. False: nothing was done.
bool demote(vitals& life) noexcept;

/// The kernel's number of the thread that calls it.
int thread_number() noexcept;

} // namespace lyceum::supervision
