// SPDX-License-Identifier: Apache-2.0
#include "actors/clock_schedule.hpp"

#include <algorithm>
#include <utility>

namespace lyceum {
namespace {

/// The newest date whose time of day has come.
std::int64_t date_due(schedule::wall at, std::chrono::minutes daily_at) {
  return at.of_day >= daily_at ? at.day : at.day - 1;
}

} // namespace

void schedule::add(std::string name, task_timing when, clock::time_point now) {
  entry made;
  made.seen.name = std::move(name);
  made.seen.daily_at = when.daily_at;
  made.when = when;
  made.next = now;
  tasks_.push_back(std::move(made));
}

bool schedule::is_due(const entry& of, clock::time_point now, wall at) const {
  if (of.seen.running || now < of.next)
    return false;
  if (!of.when.daily_at || !of.done_for)
    return true;
  const auto date = date_due(at, *of.when.daily_at);
  return date > *of.done_for || *of.done_for - date > days_ahead_max;
}

std::vector<schedule::run> schedule::begin_due(clock::time_point now, wall at, unix_time told) {
  std::vector<std::size_t> due;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    auto& one = tasks_[i];
    if (one.seen.running && now - one.begun >= run_max)
      settle(one, {false, false, "it did not end in time"}, now, told);
    if (is_due(one, now, at))
      due.push_back(i);
  }
  std::ranges::stable_sort(due, {}, [this](std::size_t i) { return tasks_[i].next; });
  std::vector<run> begun;
  for (const auto i : due) {
    auto& one = tasks_[i];
    one.seen.running = true;
    one.begun = now;
    one.day = one.when.daily_at ? date_due(at, *one.when.daily_at) : 0;
    begun.push_back({i, ++one.number, one.day});
  }
  return begun;
}

bool schedule::end(const run& which, task_result how, clock::time_point now, unix_time told) {
  auto& one = tasks_.at(which.task);
  if (!one.seen.running || one.number != which.number)
    return false;
  settle(one, std::move(how), now, told);
  return true;
}

void schedule::settle(entry& of, task_result how, clock::time_point now, unix_time told) {
  of.seen.running = false;
  of.seen.runs++;
  of.seen.took += std::chrono::duration_cast<std::chrono::microseconds>(now - of.begun);
  of.seen.last_at = told;
  of.seen.last_ok = how.ok;
  of.seen.last = std::move(how.outcome);
  of.rounds = how.ok && how.more ? of.rounds + 1 : 0;
  if (!how.ok) {
    of.seen.failures++;
    const auto doublings = std::min(of.failed++, 16);
    of.next = now + around(std::min<clock::duration>(retry_first * (1 << doublings), retry_max));
    return;
  }
  of.failed = 0;
  if (of.rounds > 0 && of.rounds < rounds_max) {
    of.next = now;
    return;
  }
  of.rounds = 0;
  if (of.when.daily_at)
    of.done_for = of.day;
  of.next = now + around(of.when.every);
}

schedule::clock::duration schedule::around(clock::duration pause) const {
  const auto part = 1 - spread + 2 * spread * jitter_();
  return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(pause) * part);
}

std::chrono::milliseconds schedule::rest(clock::time_point now) const {
  auto until = now + rest_max;
  for (const auto& one : tasks_) {
    if (one.seen.running)
      until = std::min(until, one.begun + run_max);
    else if (!one.when.daily_at || !one.done_for)
      until = std::min(until, one.next);
  }
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(until - now, clock::duration(0)));
}

std::vector<schedule::row> schedule::rows() const {
  std::vector<row> all;
  for (const auto& one : tasks_) {
    all.push_back(one.seen);
    const bool by_wall = one.when.daily_at && one.done_for && one.failed == 0;
    if (!one.seen.running && !by_wall)
      all.back().next = one.next;
  }
  return all;
}

} // namespace lyceum
