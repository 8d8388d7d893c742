// SPDX-License-Identifier: Apache-2.0
// When a supervisor has ended: all that lived below it ends before its successor begins.
#include "supervision/supervisor_actor.hpp"

namespace lyceum::supervision {

// A killed supervisor takes its children with it by their links, but a handler that runs is not interrupted: no successor may
// start beside it.
void supervisor_actor::mourn(child_handle number, exit_reason reason, const std::string& path) {
  mourning m;
  m.number = number;
  m.reason = std::move(reason);
  m.path = path;
  m.deadline = clock::now() + what_->flags.kill_grace * 9 / 10; // before the engine gives up the supervisor itself
  auto below = in_.living_below(path);
  for (auto* r : in_.routes_below(path))
    r->restarting();
  for (auto& [where, entry] : below) {
    entry.vitals->fenced.store(true, std::memory_order_release);
    call_interrupt(entry.interrupt);
    const auto who = caf::actor_cast<caf::actor>(entry.who);
    exit_now(who, caf::exit_reason::kill);
    m.left.emplace(who.id(), std::move(entry));
    monitor(who); // a strong handle: monitoring the address of a destroyed actor would abort
  }
  in_.states.set_below(path, node_state::restarting);
  if (m.left.empty()) {
    finish_mourning(m, false);
    return;
  }
  mournings_.push_back(std::move(m));
}

void supervisor_actor::finish_mourning(mourning& over, bool late) {
  if (late)
    for (auto& [number, entry] : over.left) {
      in_.states.abandoned(entry.vitals->path, entry.vitals);
      crash what;
      what.kind = "abandoned";
      what.path = entry.vitals->path;
      what.generation = entry.vitals->generation;
      what.reason = "still running after its supervisor ended";
      what.uptime = std::chrono::duration_cast<milliseconds>(clock::now() - entry.vitals->born);
      what.decision = "fenced off";
      in_.crashes.add(what);
      in_.say(what.path + " is still running after its supervisor ended: fenced off");
    }
  {
    std::lock_guard lock(in_.guard);
    for (auto it = in_.alive.begin(); it != in_.alive.end();)
      it = it->first.starts_with(over.path + "/") ? in_.alive.erase(it) : std::next(it);
    for (auto it = in_.rosters.begin(); it != in_.rosters.end();)
      it = it->first == over.path || it->first.starts_with(over.path + "/") ? in_.rosters.erase(it) : std::next(it);
  }
  child_gone(over.number, std::move(over.reason));
}

} // namespace lyceum::supervision
