// SPDX-License-Identifier: Apache-2.0
#include "supervision/control_events.hpp"

#include <algorithm>
#include <utility>

namespace lyceum::supervision {
namespace {

tree_event report_event(const crash& what) {
  tree_event e{topic_report, what.path, "report", to_json(what)};
  e.members.front() = ','; // its members, behind our own
  e.members.pop_back();
  return e;
}

} // namespace

void event_feed::listen(bool wanted) {
  if (wanted == (ear_ != nullptr))
    return;
  if (!wanted) {
    ear_.reset();
    std::lock_guard lock(guard_);
    kept_.clear();
    dropped_ = 0;
    return;
  }
  reports_seen_ = crashes_.total();
  report_seen_at_ = std::chrono::system_clock::now();
  ear_ = states_.listen([this](const registry::happening& what) { hear(what); });
}

// On a supervisor's thread, under the registry's lock.
void event_feed::hear(const registry::happening& what) {
  using kind = registry::happening::kind;
  tree_event e;
  e.path = what.path;
  e.members = ",\"path\":" + json_string(what.path) + ",\"gen\":" + std::to_string(what.generation);
  switch (what.what) {
  case kind::state:
    e.topic = topic_state;
    e.kind = "state";
    e.members += ",\"state\":" + json_string(name_of(what.state));
    break;
  case kind::exit:
    e.topic = topic_exit;
    e.kind = "exit";
    e.members += ",\"reason\":" + json_string(what.reason.substr(0, 1000));
    break;
  case kind::restart:
    e.topic = topic_restart;
    e.kind = "restart";
    break;
  }
  std::lock_guard lock(guard_);
  if (kept_.size() >= kept_max)
    ++dropped_;
  else
    kept_.push_back(std::move(e));
}

std::deque<tree_event> event_feed::take(std::uint64_t& dropped) {
  std::deque<tree_event> some;
  {
    std::lock_guard lock(guard_);
    some.swap(kept_);
    dropped = std::exchange(dropped_, 0);
  }
  const auto total = crashes_.total();
  if (!ear_ || total == reports_seen_)
    return some;
  const auto missed = total - std::exchange(reports_seen_, total);
  std::vector<tree_event> news; // the newest first; a folded report stands for several
  std::uint64_t found = 0;
  auto newest = report_seen_at_;
  for (const auto& one : crashes_.recent(std::min<std::uint64_t>(missed, kept_max))) {
    if (one.last_at <= report_seen_at_)
      break;
    newest = std::max(newest, one.last_at);
    found += one.times;
    news.push_back(report_event(one));
  }
  report_seen_at_ = newest;
  if (found < missed)
    dropped += missed - found;
  std::move(news.rbegin(), news.rend(), std::back_inserter(some));
  return some;
}

} // namespace lyceum::supervision
