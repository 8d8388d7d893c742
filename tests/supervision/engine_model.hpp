// SPDX-License-Identifier: Apache-2.0
// A supervisor as one would tell it to a child: plain lists, no states between two steps, every rule written out once. What the
// engine does over many effects, this does in one go; time passes while somebody is waited for.
#pragma once

#include "supervision/child_spec.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace naive {

using namespace lyceum::supervision;
using ticks = std::chrono::nanoseconds; ///< since the beginning, and between two moments

enum class start_result { ok, ignore, fail, hang };
/// How a child takes the order to stop: at once, only when killed, not even then.
enum class manners { obeys, deaf, stuck };
enum class ending { normal, shutdown, crash, killed };

inline bool clean(ending e) {
  return e == ending::normal || e == ending::shutdown;
}

struct one {
  child_spec spec;
  enum class at { undefined, running, restarting } state = at::undefined;
  ticks retry_at{0};
  int failures = 0; // failed restarts in a row
  int serial = 0;   // of dynamic children, which have no names: 1, 2, 3 … as they were made
};

struct supervisor {
  sup_flags flags;
  std::vector<child_spec> first;     // what it starts with
  std::vector<one> children;         // in start order
  std::vector<std::string> retrying; // ids, in the order of their failures
  std::vector<ticks> restarts;       // all of them, ever
  ticks now{0};
  bool over = false;
  std::string why;    // the end
  std::string log;    // of this step: "+a" started, "-a" ended, "~a" ignored, "!a" failed, "kill a", "abandon a"
  std::string answer; // to the last call, in OTP's words
  int serials = 0;
  std::map<std::string, start_result> script;
  std::map<std::string, manners> way;

  bool simple() const { return flags.strategy == strategy::simple_one_for_one; }
  void wrote(const std::string& what) { log += what + " "; }
  one* find(const std::string& id) {
    for (auto& c : children)
      if (c.spec.id == id)
        return &c;
    return nullptr;
  }
  start_result next_start(const std::string& id) const {
    const auto it = script.find(id);
    return it == script.end() ? start_result::ok : it->second;
  }
  manners way_of(const one& c) const {
    const auto it = way.find(c.spec.id);
    return it == way.end() || std::holds_alternative<infinity>(c.spec.shutdown_or_default()) ? manners::obeys
                                                                                             : it->second;
  }
  void forget(const std::string& id) {
    std::erase(retrying, id);
    std::erase_if(children, [&](const one& c) { return c.spec.id == id; });
  }

  // --- one child ----------------------------------------------------------------------------------------------------

  /// Empty where it went well (also where it ignored).
  std::string start(const std::string& id) {
    auto& c = *find(id);
    std::erase(retrying, id);
    switch (next_start(id)) {
    case start_result::ok:
      c.state = one::at::running;
      c.failures = 0;
      wrote("+" + id);
      return {};
    case start_result::ignore:
      c.state = one::at::undefined;
      c.failures = 0;
      wrote("~" + id);
      if (c.spec.restart == restart_type::temporary || simple())
        forget(id);
      return {};
    case start_result::fail:
      c.state = one::at::undefined;
      wrote("!" + id);
      return "no luck";
    case start_result::hang:
      break;
    }
    now += flags.start_timeout;
    wrote("kill " + id);
    if (way_of(c) == manners::stuck) {
      now += flags.kill_grace;
      wrote("abandon " + id);
    } else {
      wrote("-" + id);
    }
    c.state = one::at::undefined;
    return "start_timeout";
  }

  void stop(const std::string& id, bool brutally = false) {
    auto& c = *find(id);
    std::erase(retrying, id);
    if (c.state == one::at::running) {
      const auto how = c.spec.shutdown_or_default();
      bool asked = true;
      if (brutally || std::holds_alternative<brutal_kill>(how)) {
        asked = false;
      } else if (way_of(c) != manners::obeys) {
        now += std::get<milliseconds>(how);
        asked = false;
      }
      if (!asked) {
        wrote("kill " + id);
        if (way_of(c) == manners::stuck) {
          now += flags.kill_grace;
          wrote("abandon " + id);
        } else {
          wrote("-" + id);
        }
      } else {
        wrote("-" + id);
      }
    }
    c.state = one::at::undefined;
    if (c.spec.restart == restart_type::temporary)
      forget(id);
  }

  void end(std::string reason) {
    std::vector<std::string> ids;
    for (const auto& c : children)
      ids.push_back(c.spec.id);
    std::ranges::reverse(ids);
    if (simple())
      std::ranges::reverse(ids); // all at once, asked as they stand
    for (const auto& id : ids)
      stop(id);
    over = true;
    why = std::move(reason);
  }

  // --- restarts -----------------------------------------------------------------------------------------------------

  bool may_restart() {
    restarts.push_back(now);
    const auto recent = std::ranges::count_if(restarts, [&](ticks t) { return now - t <= flags.period; });
    return recent <= flags.intensity;
  }

  void restart(const std::string& id, bool spend) {
    if (spend && !may_restart())
      return end("shutdown(reached_max_restart_intensity)");
    std::erase(retrying, id);
    std::vector<std::string> round;
    bool reached = false;
    for (const auto& c : children) {
      reached = reached || c.spec.id == id;
      if (c.spec.id == id || flags.strategy == strategy::one_for_all ||
          (flags.strategy == strategy::rest_for_one && reached))
        round.push_back(c.spec.id);
    }
    for (auto it = round.rbegin(); it != round.rend(); ++it)
      stop(*it);
    for (const auto& next : round) {
      if (!find(next))
        continue; // temporary
      if (start(next).empty())
        continue;
      auto& c = *find(next);
      const auto cap = ticks{flags.period} / (2 * (flags.intensity + 1));
      const auto pause =
          std::min<ticks>({milliseconds{10} * (1LL << std::min(c.failures, 10)), milliseconds{1000}, cap});
      c.retry_at = now + pause;
      ++c.failures;
      c.state = one::at::restarting;
      retrying.push_back(next);
      return; // the rest of the round waits for this one
    }
  }

  /// Tries what is due, until nothing is.
  void settle() {
    for (bool any = true; any && !over;) {
      any = false;
      for (const auto& id : retrying)
        if (find(id)->retry_at <= now) {
          restart(std::string(id), true);
          any = true;
          break;
        }
    }
  }

  // --- events -------------------------------------------------------------------------------------------------------

  void begin() {
    over = false;
    why.clear();
    children.clear();
    retrying.clear();
    restarts.clear();
    if (simple())
      return;
    for (const auto& s : first)
      children.push_back({s});
    for (const auto& s : first) {
      const auto failed = start(s.id);
      if (!failed.empty())
        return end("shutdown(failed_to_start_child(" + s.id + ", " + failed + "))");
    }
  }

  void exits(const std::string& id, ending how) {
    auto& c = *find(id);
    wrote("-" + id);
    c.state = one::at::undefined;
    const bool temporary = c.spec.restart == restart_type::temporary;
    if (!temporary && (c.spec.restart == restart_type::permanent || !clean(how))) {
      restart(id, true);
      return settle();
    }
    const auto mode = flags.auto_shutdown;
    const bool others = std::ranges::any_of(
        children, [&](const one& o) { return &o != &c && o.spec.significant && o.state != one::at::undefined; });
    const bool ends =
        c.spec.significant && mode != auto_shutdown::never && (mode == auto_shutdown::any_significant || !others);
    if (temporary || simple())
      forget(id);
    if (ends)
      return end("shutdown");
    settle();
  }

  void pass(ticks time) {
    const auto until = now + time;
    while (!over && !retrying.empty()) {
      auto first_due = find(retrying.front())->retry_at;
      for (const auto& id : retrying)
        first_due = std::min(first_due, find(id)->retry_at);
      if (first_due > until)
        break;
      now = std::max(now, first_due);
      settle();
    }
    now = std::max(now, until);
  }

  void shut_down() {
    if (!over)
      end("shutdown");
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  void answered(std::string what) {
    answer = std::move(what);
    if (!over)
      settle();
  }

  void start_child(child_spec spec) {
    if (simple()) {
      if (flags.max_children && children.size() >= *flags.max_children)
        return answered("max_children");
      spec = first.front();
      spec.id = "#" + std::to_string(++serials);
      children.push_back({spec, one::at::undefined, {}, 0, serials});
      script[spec.id] = next_start("#");
    } else {
      if (const auto bad = check_spec(spec, flags.auto_shutdown); bad != errc::none)
        return answered(std::string(name_of(bad)));
      if (const auto* known = find(spec.id))
        return answered(known->state == one::at::running ? "already_started" : "already_present");
      children.push_back({spec});
    }
    const auto failed = start(spec.id);
    if (!failed.empty())
      forget(spec.id);
    answered(failed.empty() ? "ok" : "start_error(" + failed + ")");
  }
  void terminate_child(const std::string& id) {
    if (!find(id))
      return answered("not_found");
    stop(id);
    if (simple() && find(id))
      forget(id);
    answered("ok");
  }
  void restart_child(const std::string& id) {
    const auto* c = find(id);
    if (!c)
      return answered("not_found");
    if (c->state != one::at::undefined)
      return answered(c->state == one::at::running ? "running" : "restarting");
    const auto failed = start(id);
    answered(failed.empty() ? "ok" : "start_error(" + failed + ")");
  }
  void delete_child(const std::string& id) {
    const auto* c = find(id);
    if (!c)
      return answered("not_found");
    if (c->state != one::at::undefined)
      return answered(c->state == one::at::running ? "running" : "restarting");
    forget(id);
    answered("ok");
  }
  /// An operator's kill: brutal, and the child comes back.
  void kill(const std::string& id, bool as_crash) {
    const auto* c = find(id);
    if (!c)
      return answered("not_found");
    if (c->state == one::at::undefined)
      return answered("not_running");
    if (c->state == one::at::running) {
      stop(id, true);
      if (find(id))
        restart(id, as_crash);
    } else {
      restart(id, false);
    }
    answered("");
  }

  // --- what can be seen ---------------------------------------------------------------------------------------------

  std::string which() const {
    std::string all;
    for (auto it = children.rbegin(); it != children.rend(); ++it)
      all += (simple() ? std::string("x") : it->spec.id) + (it->state == one::at::running      ? " "
                                                            : it->state == one::at::restarting ? ":restarting "
                                                                                               : ":undefined ");
    return all;
  }
  child_counts counts() const {
    child_counts n;
    n.specs = simple() ? 1 : children.size();
    for (const auto& c : children) {
      n.active += c.state == one::at::running ? 1 : 0;
      ++(c.spec.type == child_type::supervisor ? n.supervisors : n.workers);
    }
    return n;
  }
};

} // namespace naive
