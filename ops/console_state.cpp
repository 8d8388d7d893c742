// SPDX-License-Identifier: Apache-2.0
#include "ops/console_state.hpp"

#include "ops/log_tail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using supervision::node_kind;
using supervision::node_state;
using supervision::node_view;

constexpr auto window = 3s;             // rates are of the last three seconds
constexpr auto busy_worth_telling = 2s; // a watcher waits half a second in one handler, and is well
constexpr std::size_t nodes_max = 120;  // shown; a frame has its bound
constexpr std::size_t text_bytes_max = 240;
constexpr std::size_t crashes_shown = 20;

// Counters that not every registry has: where it lacks them, the column stays empty.
template <class Node>
std::uint64_t cpu_ms_of(const Node& n) {
  if constexpr (requires { n.cpu.count(); })
    return static_cast<std::uint64_t>(n.cpu.count());
  else
    return 0;
}
template <class Node>
std::uint64_t handled_by(const Node& n) {
  if constexpr (requires { n.handled + 0; })
    return n.handled;
  else
    return 0;
}

/// Started by nobody and ended by nothing: there is nothing for it to do (a watcher without a folder).
bool is_idle(const node_view& n) {
  return n.state == node_state::stopped && n.generation <= 1 && n.last_exit.empty();
}

bool is_away(node_state s) {
  return s == node_state::stopped || s == node_state::degraded || s == node_state::down;
}

std::string_view subsystem_of(std::string_view path) {
  return path.substr(0, path.find('/'));
}

std::string bytes_text(std::uint64_t bytes) {
  return bytes >= (10u << 20) ? fmt::format("{} MiB", bytes >> 20) : fmt::format("{} KiB", bytes >> 10);
}

std::string more_of(const node_view& n) {
  if (n.retry_in > 0ms)
    return "again in " + span_text(std::chrono::ceil<std::chrono::seconds>(n.retry_in));
  if (n.busy >= busy_worth_telling)
    return "in one handler for " + span_text(n.busy);
  if (n.abandoned > 0)
    return fmt::format("{} given up, still running", n.abandoned);
  if (n.kind == node_kind::dynamic && n.children > 0)
    return fmt::format("{} at work", n.children);
  return {};
}

std::string remedy_of(const node_view& n) {
  switch (n.state) {
  case node_state::suspended:
    return n.mailbox > 0 ? fmt::format("Resume it when you are done: {} wait.", n.mailbox)
                         : "Resume it when you are done.";
  case node_state::stopped:
    return "Start it when you are done.";
  case node_state::degraded:
    return n.retry_in > 0ms ? "It is tried again by itself. Look at its crash report; start it once the cause is gone."
                            : "Look at its crash report; start it once the cause is gone.";
  case node_state::down:
    return "Start the supervisor above it.";
  case node_state::restarting:
  case node_state::starting:
    return "Nothing: it is being started. If it stays so, look at its crash report.";
  case node_state::stopping:
    return "Nothing: it is finishing what it has begun.";
  case node_state::running:
    break;
  }
  return n.busy >= busy_worth_telling ? "The watchdog replaces it if it goes on; kill it if you cannot wait."
                                      : "Its old life cannot be ended from inside: a new process ends it.";
}

/// "killed(by an operator)" of a "killed": its kind is told beside it.
std::string reason_of(const supervision::crash& c) {
  if (c.reason == c.kind)
    return {};
  if (c.reason.starts_with(c.kind + "(") && c.reason.ends_with(")"))
    return c.reason.substr(c.kind.size() + 1, c.reason.size() - c.kind.size() - 2);
  return c.reason;
}

void prefer(std::string& tone, const std::string& than) {
  if (than == "wrong" || tone == "well")
    tone = than;
}

struct verdict {
  std::string tone, headline;
};

verdict verdict_of(const console_sample& now, const std::vector<views::console_trouble>& troubles) {
  if (now.site.draining)
    return {"passing", "Draining: it ends when what runs is done"};
  if (!now.site.up)
    return {"passing", "Starting"};
  if (!now.site.database && now.site.pages == 0)
    return {"wrong", "Not serving: the database is away and no page is kept"};
  if (!now.pool_alive)
    return {"wrong", "Serving kept pages only: the actors do not answer"};
  if (troubles.empty())
    return {"well", "Everything is serving"};
  verdict made{"well", {}};
  for (const auto& one : troubles)
    prefer(made.tone, one.tone);
  const auto first = std::ranges::find(troubles, made.tone, &views::console_trouble::tone);
  const auto end = first->what.find(';');
  made.headline = first->what.starts_with("running; ") // it is what comes after that is wrong
                      ? fmt::format("Serving, but {}: {}", first->path, first->what.substr(end + 2))
                      : fmt::format("Serving, but {} is {}", first->path, first->what.substr(0, end));
  if (troubles.size() > 1)
    made.headline += fmt::format(", and {} more", troubles.size() - 1);
  return made;
}

} // namespace

std::string span_text(std::chrono::milliseconds time) {
  const auto s = time.count() / 1000;
  if (time < 1s)
    return fmt::format("{} ms", time.count());
  if (s < 120)
    return fmt::format("{} s", s);
  if (s < 2 * 3600)
    return fmt::format("{} min", s / 60);
  return s < 48 * 3600 ? fmt::format("{} h", s / 3600) : fmt::format("{} d", s / 86400);
}

std::string time_text(std::chrono::system_clock::time_point at) {
  return supervision::utc_text(at).substr(11, 8);
}

int level_of(const node_view& n) {
  return n.parent.empty() ? 1 : 2 + static_cast<int>(std::ranges::count(n.path, '/'));
}

std::string tone_of(const node_view& n) {
  switch (n.state) {
  case node_state::running:
    return n.busy >= busy_worth_telling ? "passing" : "well";
  case node_state::degraded:
  case node_state::down:
    return "wrong";
  case node_state::stopped:
    return is_idle(n) ? "well" : "passing";
  default:
    return "passing";
  }
}

std::vector<views::console_trouble> troubles_of(const console_sample& now) {
  std::vector<views::console_trouble> all;
  const auto under = [&](const std::string& path) {
    return std::ranges::any_of(all, [&](const auto& one) { return path.starts_with(one.path + "/"); });
  };
  std::map<std::string, std::string> notes;
  for (const auto& n : now.nodes) {
    notes[n.path] = n.note.empty() && notes.contains(n.parent) && !n.parent.empty() ? notes[n.parent] : n.note;
    const auto tone = tone_of(n);
    if ((tone == "well" && n.abandoned == 0) || under(n.path))
      continue;
    auto what = n.abandoned > 0 && tone == "well" ? std::string("running") : std::string(name_of(n.state));
    if (const auto more = more_of(n); !more.empty())
      what += "; " + more;
    all.push_back({n.path, tone == "well" ? "passing" : tone, std::move(what), notes[n.path], remedy_of(n)});
  }
  if (!now.site.database)
    all.push_back({"database", "passing", "away", "pages that are kept are served; others answer 503",
                   "It is asked again by itself. Look whether it runs, and whether its disk is full."});
  if (!now.pool_alive)
    all.push_back({"pool", "wrong", "silent", "only kept pages are served",
                   "The heart replaces the process in a moment; without one, restart it."});
  return all;
}

bool console_memory::remember(const console_sample& now) {
  std::lock_guard lock(guard_);
  reading r{now.at, now.traffic.requests, now.traffic.hits + now.traffic.stale, now.traffic.misses, now.site.cpu_ms,
            {}};
  std::map<std::string, std::uint64_t> busy;
  for (const auto& n : now.nodes) {
    r.cpu_of[n.path] = cpu_ms_of(n);
    if (!n.parent.empty())
      busy[std::string(subsystem_of(n.path))] += handled_by(n);
    auto& generation = generations_[n.path];
    if (generation != 0 && n.generation > generation) {
      turned_path_ = n.path;
      turned_at_ = now.wall;
    }
    generation = n.generation;
  }
  busy["web"] = now.traffic.requests;
  busy["sessions"] = now.site.sessions_begun;
  last_.push_back(std::move(r));
  while (last_.size() > 2 && now.at - last_.front().at > window)
    last_.pop_front();

  const auto tone = verdict_of(now, troubles_of(now)).tone;
  if (tone != tone_ || tone_since_ == std::chrono::system_clock::time_point{}) {
    tone_ = tone;
    tone_since_ = now.wall;
  }
  if (now.at - point_at_ < point_every)
    return false;
  for (const auto& [name, count] : busy) {
    const auto before = busy_before_.find(name);
    if (before != busy_before_.end()) {
      auto& curve = curves_[name];
      curve.push_back(static_cast<std::uint32_t>(count > before->second ? count - before->second : 0));
      if (curve.size() > points_max)
        curve.pop_front();
    }
  }
  busy_before_ = std::move(busy);
  point_at_ = now.at;
  return true;
}

std::string console_memory::rate(std::uint64_t count, std::uint64_t reading::*of, const console_sample& now) const {
  if (last_.empty() || now.at <= last_.front().at)
    return "0";
  const auto seconds = std::chrono::duration<double>(now.at - last_.front().at).count();
  const auto before = last_.front().*of;
  return fmt::format("{:.0f}", count > before ? static_cast<double>(count - before) / seconds : 0.0);
}

std::string console_memory::cpu(const node_view& n, const console_sample& now) const {
  if (last_.empty() || now.at <= last_.front().at || n.kind != node_kind::worker || cpu_ms_of(n) == 0)
    return {};
  const auto before = last_.front().cpu_of.find(n.path);
  if (before == last_.front().cpu_of.end())
    return {};
  const auto spent = cpu_ms_of(n) > before->second ? cpu_ms_of(n) - before->second : 0;
  const auto ms = std::chrono::duration<double, std::milli>(now.at - last_.front().at).count();
  return fmt::format("{:.1f} %", static_cast<double>(spent) * 100 / ms);
}

std::vector<views::console_figure> console_memory::figures(const console_sample& now) const {
  const auto asked = now.traffic.hits + now.traffic.stale + now.traffic.misses;
  const auto good = now.traffic.hits + now.traffic.stale;
  double cpu = 0;
  if (!last_.empty() && now.at > last_.front().at)
    cpu = static_cast<double>(now.site.cpu_ms - std::min(now.site.cpu_ms, last_.front().cpu_ms)) * 100 /
          std::chrono::duration<double, std::milli>(now.at - last_.front().at).count();
  return {{"requests", "Requests/s", rate(now.traffic.requests, &reading::requests, now)},
          {"flight", "In flight", std::to_string(now.site.sessions)},
          {"hits", "Cache hits",
           asked == 0 ? "-" : fmt::format("{:.1f} %", static_cast<double>(good) * 100 / static_cast<double>(asked))},
          {"pages", "Pages kept", std::to_string(now.site.pages)},
          {"kept", "Cache size", bytes_text(now.site.page_bytes)},
          {"late", "Late, 504", std::to_string(now.traffic.late)},
          {"errors", "Errors, 5xx", std::to_string(now.traffic.by_class[5])},
          {"connections", "Connections", std::to_string(now.traffic.open)},
          {"cpu", "CPU", fmt::format("{:.0f} %", cpu)},
          {"memory", "Memory", bytes_text(now.site.resident_bytes)},
          {"crashes", "Crash reports", std::to_string(now.site.crashes)},
          {"uptime", "Process up", span_text(now.site.uptime)}};
}

views::console_node console_memory::node(const node_view& n, const console_sample& now) const {
  views::console_node made;
  made.path = n.path;
  made.name = n.path.substr(n.path.rfind('/') + 1);
  made.level = level_of(n);
  made.kind = name_of(n.kind);
  made.state = is_idle(n) ? "idle" : name_of(n.state);
  made.tone = tone_of(n);
  made.more = more_of(n);
  made.generation = n.generation;
  made.restarts = n.restarts;
  made.budget = n.budget;
  made.restarts_text = n.budget <= 0     ? "-"
                       : n.restarts == 0 ? fmt::format("0 of {}", n.budget)
                                         : fmt::format("{} of {} in {}", n.restarts, n.budget, span_text(n.period));
  made.mailbox = n.mailbox;
  made.cpu = cpu(n, now);
  made.uptime = n.uptime > 0ms ? span_text(std::max(n.uptime, std::chrono::milliseconds(1000))) : "-";
  made.note = n.note;
  made.about =
      fmt::format("{}, {}", name_of(n.restart), n.detached ? "on a thread of its own" : "on the shared threads");
  if (n.kind != node_kind::worker)
    made.about = fmt::format("{}, {}", name_of(n.restart), name_of(n.strategy));
  if (!n.last_exit.empty())
    made.about += "; its last life ended with: " + shortened(n.last_exit, text_bytes_max);
  made.may_stop = n.path != "control" && !n.path.starts_with("control/") && made.level > 1;
  made.has_spark = made.level == 2;
  if (const auto curve = curves_.find(n.path); made.has_spark && curve != curves_.end())
    made.spark.assign(curve->second.begin(), curve->second.end());
  return made;
}

views::console_view console_memory::view(const console_sample& now) const {
  std::lock_guard lock(guard_);
  views::console_view made;
  made.troubles = troubles_of(now);
  auto verdict = verdict_of(now, made.troubles);
  made.tone = std::move(verdict.tone);
  made.headline = std::move(verdict.headline);
  const auto since =
      made.tone == tone_ && tone_since_ != std::chrono::system_clock::time_point{} ? tone_since_ : now.wall;
  made.since =
      fmt::format("since {} UTC, {}", time_text(since).substr(0, 5),
                  span_text(std::max(1000ms, std::chrono::duration_cast<std::chrono::milliseconds>(now.wall - since))));
  if (!turned_path_.empty())
    made.since += fmt::format(
        "; last started again: {}, {} ago", turned_path_,
        span_text(std::max(1000ms, std::chrono::duration_cast<std::chrono::milliseconds>(now.wall - turned_at_))));
  made.figures = figures(now);
  std::set<std::string> away; // and what is below it
  for (const auto& n : now.nodes) {
    if (made.nodes.size() == nodes_max)
      break;
    auto& one = made.nodes.emplace_back(node(n, now));
    one.under = away.contains(n.parent);
    if (one.under)
      one.tone = "quiet";
    if (is_away(n.state) || one.under)
      away.insert(n.path);
  }
  for (const auto& c : now.crashes)
    if (made.crashes.size() < crashes_shown)
      made.crashes.push_back({time_text(c.last_at == decltype(c.last_at){} ? c.at : c.last_at), c.path, c.generation,
                              c.kind, shortened(reason_of(c), text_bytes_max),
                              shortened(c.last_message, text_bytes_max),
                              c.decision.empty() ? "" : "then: " + c.decision, c.times});
  made.actions = now.actions;
  made.log = now.log;
  return made;
}

} // namespace lyceum
