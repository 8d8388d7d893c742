// SPDX-License-Identifier: Apache-2.0
// An engine with a clock that is told the time and children that do as they are told.
#pragma once

#include "supervision/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace lyceum::supervision;
using namespace std::chrono_literals;

inline child_spec permanent(std::string id) {
  return {.id = std::move(id)};
}
inline child_spec transient(std::string id) {
  return {.id = std::move(id), .restart = restart_type::transient};
}
inline child_spec temporary(std::string id) {
  return {.id = std::move(id), .restart = restart_type::temporary};
}
inline exit_reason normal() {
  return {};
}
inline exit_reason shut_down() {
  return {exit_reason::kind::shutdown, {}, false};
}
inline exit_reason crashed(std::string why = "crash") {
  return {exit_reason::kind::crash, std::move(why), false};
}

class engine_test : public testing::Test {
protected:
  enum class behave { start, ignore, fail, hang };

  void make(sup_flags flags, std::vector<child_spec> specs) {
    sup = std::make_unique<engine>(flags, std::move(specs), 7);
  }
  void start(sup_flags flags, std::vector<child_spec> specs) {
    make(flags, std::move(specs));
    sup->start(now);
    settle();
  }
  /// Does what the engine wants: starts as scripted, and stops at once unless deaf.
  void settle() {
    for (auto todo = sup->take(); !todo.empty(); todo = sup->take())
      for (auto& e : todo)
        perform(e);
  }
  void perform(effect& e) {
    switch (e.what) {
    case effect::kind::start: {
      names[e.child] = e.id;
      const auto how = script.contains(e.id) ? script[e.id] : behave::start;
      if (how == behave::start) {
        alive[e.child] = e.id;
        wrote("+" + e.id);
        sup->started(e.child, now, infos[e.id]);
      } else if (how == behave::ignore) {
        wrote("~" + e.id);
        sup->ignored(e.child, now);
      } else if (how == behave::fail) {
        wrote("!" + e.id);
        sup->failed(e.child, "no luck", now);
      } else {
        alive[e.child] = e.id;
      }
      return;
    }
    case effect::kind::ask:
      if (!deaf.contains(names[e.child]))
        end(e.child, shut_down());
      return;
    case effect::kind::kill:
      wrote("kill " + names[e.child]);
      if (!stuck.contains(names[e.child]))
        end(e.child, {exit_reason::kind::killed, {}, false});
      return;
    case effect::kind::abandon:
      wrote("abandon " + names[e.child]);
      alive.erase(e.child);
      return;
    case effect::kind::reply:
      replies[e.call] = e.result;
      return;
    case effect::kind::report:
      reports.push_back(e);
      return;
    case effect::kind::up:
      up = true;
      return;
    case effect::kind::ignored:
      ignored = true;
      return;
    case effect::kind::ended:
      over = true;
      reason = e.reason;
      return;
    case effect::kind::state:
      shown[e.id] = e.state;
      return;
    case effect::kind::removed:
      shown.erase(e.id);
      return;
    case effect::kind::restarted:
      ++spent;
      return;
    }
  }
  void end(child_handle h, exit_reason why) {
    if (alive.erase(h) == 0)
      return;
    wrote("-" + names[h]);
    sup->down(h, std::move(why), now);
  }
  /// A child ends by itself.
  void ends(const std::string& id, exit_reason why) {
    end(handle(id), std::move(why));
    settle();
  }
  void crash(const std::string& id) { ends(id, crashed()); }
  child_handle handle(const std::string& id) const {
    for (const auto& [h, name] : alive)
      if (name == id)
        return h;
    return 0;
  }
  void pass(std::chrono::milliseconds time) {
    const auto until = now + time;
    while (!sup->over()) { // as a timer would: at each moment that the engine asks for
      const auto next = sup->next_deadline();
      if (!next || *next > until)
        break;
      now = std::max(now, *next);
      sup->tick(now);
      settle();
    }
    now = until;
  }
  call_result ask(call what) {
    const auto id = ++calls;
    sup->ask(id, std::move(what), now);
    settle();
    return replies[id];
  }
  call_result ask(call::op what, std::string id = {}) {
    call c;
    c.what = what;
    c.id = std::move(id);
    return ask(std::move(c));
  }
  call_result start_child(child_spec spec) {
    call c;
    c.what = call::op::start_child;
    c.spec = std::move(spec);
    return ask(std::move(c));
  }
  child_counts counts() { return ask(call::op::count_children).counts; }
  std::string which() {
    std::string all;
    for (const auto& c : ask(call::op::which_children).children)
      all += (all.empty() ? "" : " ") + c.id +
             (c.handle                            ? ""
              : c.state == slot_state::restarting ? ":restarting"
                                                  : ":undefined");
    return all;
  }
  void stop() {
    sup->shutdown(shut_down(), now);
    settle();
  }
  void wrote(const std::string& line) { log += (log.empty() ? "" : " ") + line; }
  bool reported(effect::report_kind kind) const {
    return std::ranges::any_of(reports, [&](const effect& e) { return e.report == kind; });
  }

  std::unique_ptr<engine> sup;
  time_point now{};
  std::map<std::string, behave> script;
  std::map<std::string, std::string> infos; ///< what a child says when it starts
  std::set<std::string> deaf, stuck;
  std::map<child_handle, std::string> names, alive;
  std::map<std::string, slot_state> shown;
  std::map<call_id, call_result> replies;
  std::vector<effect> reports;
  std::string log;
  call_id calls = 0;
  int spent = 0;
  bool up = false, over = false, ignored = false;
  exit_reason reason;
};
