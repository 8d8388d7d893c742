// SPDX-License-Identifier: Apache-2.0
// What the engine says, done.
#include "supervision/supervisor_actor.hpp"

namespace lyceum::supervision {

// --- effects --------------------------------------------------------------------------------------------------------

void supervisor_actor::settle() {
  if (settling_)
    return; // an effect fed the engine again: the loop below sees to it
  settling_ = true;
  for (auto todo = engine_.take(); !todo.empty(); todo = engine_.take())
    for (auto& e : todo)
      perform(e);
  settling_ = false;
  arm();
}

void supervisor_actor::perform(effect& e) {
  switch (e.what) {
  case effect::kind::start:
    return do_start(e);
  case effect::kind::ask: {
    const auto it = living_.find(e.child);
    if (it != living_.end())
      exit_now(it->second.who, caf::exit_reason::user_shutdown);
    return;
  }
  case effect::kind::kill:
    return do_kill(e.child);
  case effect::kind::abandon:
    return do_abandon(e.child, e.id);
  case effect::kind::state:
    return show(e);
  case effect::kind::removed:
    if (dynamic_) {
      kept_.erase(e.child);
      return;
    }
    give_up_route(path_of(e.id), node_state::down);
    in_.states.remove(path_of(e.id));
    children_.erase(e.id);
    return;
  case effect::kind::restarted:
    return in_.states.restarted(path_of(e.id), clock::now());
  case effect::kind::reply:
    return do_reply(e);
  case effect::kind::report:
    return tell_report(e);
  case effect::kind::up:
    if (of_.parent) {
      caf::anon_send<caf::message_priority::high>(of_.parent,
                                                  said_message{said_message::kind::started, of_.number, {}});
    } else {
      in_.states.set(path_, node_state::running);
      std::lock_guard lock(in_.root_guard);
      in_.root_up = true;
      in_.root_changed.notify_all();
    }
    return;
  case effect::kind::ignored:
    if (of_.parent) {
      caf::anon_send<caf::message_priority::high>(of_.parent,
                                                  said_message{said_message::kind::ignored, of_.number, {}});
    } else {
      std::lock_guard lock(in_.root_guard);
      in_.root_ignored = true;
    }
    return;
  case effect::kind::ended:
    return do_end(e);
  }
}

void supervisor_actor::do_start(effect& e) {
  birth_certificate of;
  of.tree = of_.tree;
  of.parent = caf::actor_cast<caf::actor>(this);
  of.number = e.child;
  of.dynamic = dynamic_;
  arrival with;
  if (dynamic_) {
    with = arrival_of(e);
    // Somebody waits for the result, or the engine must know before it tries again; else starts overtake their answers.
    const bool awaited = calls_.contains(e.call) && calls_.at(e.call).otp;
    of.handshake = awaited || template_->spec.restart != restart_type::temporary;
    of.vitals = std::make_shared<supervision::vitals>(path_ + "/" + hex(e.child), 1);
  } else {
    if (const auto by = calls_.find(e.call); !children_.contains(e.id) && by != calls_.end() && by->second.extra)
      register_child(*by->second.extra);
    const auto path = path_of(e.id);
    of.vitals = std::make_shared<supervision::vitals>(path, in_.states.begin_life(path));
    in_.states.attach(path, of.vitals);
  }
  const auto what = dynamic_ ? template_ : children_[e.id];
  living_child one;
  one.vitals = of.vitals;
  one.id = e.id;
  birth at(this, of, with.args);
  if (dynamic_ && template_->spec.restart != restart_type::temporary)
    kept_.emplace(e.child, std::move(with));
  else
    one.ticket = std::move(with.ticket);
  std::string failure;
  try {
    if (!dynamic_ && what->spec.type == child_type::supervisor)
      one.who = spawn_supervisor(this, of, what);
    else if (what->start)
      one.who = what->start(at);
    else
      failure = "missing_start";
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  } catch (...) {
    failure = "its start function threw something that is not a std::exception";
  }
  const auto now = clock::now();
  if (!failure.empty() || !one.who) {
    if (at.spawned() && at.spawned() != one.who)
      exit_now(at.spawned(), caf::exit_reason::kill);
    if (failure.empty())
      engine_.ignored(e.child, now);
    else
      engine_.failed(e.child, failure, now);
    return;
  }
  one.actor = one.who.id();
  by_actor_.emplace(one.actor, e.child);
  alive_entry entry{caf::actor_cast<caf::strong_actor_ptr>(one.who), one.vitals, what->interrupt};
  if (dynamic_) {
    std::lock_guard lock(roster_->guard);
    roster_->all.emplace(e.child, std::move(entry));
    count_->store(roster_->all.size(), std::memory_order_relaxed);
  } else {
    std::lock_guard lock(in_.guard);
    in_.alive[of.vitals->path] = std::move(entry);
  }
  living_.emplace(e.child, std::move(one));
  if (!of.handshake)
    engine_.started(e.child, now);
}

supervisor_actor::arrival supervisor_actor::arrival_of(const effect& e) {
  if (e.previous) { // a restart: what the first life was given
    auto node = kept_.extract(e.previous);
    return node.empty() ? arrival{} : std::move(node.mapped());
  }
  if (auto node = arrivals_.extract(e.call); !node.empty())
    return std::move(node.mapped());
  return arriving_ ? std::move(*arriving_) : arrival{};
}

void supervisor_actor::do_kill(child_handle number) {
  const auto it = living_.find(number);
  if (it == living_.end())
    return;
  it->second.vitals->fenced.store(true, std::memory_order_release); // what it still does must not take effect
  const child* what = dynamic_ ? template_.get() : definition(it->second.id);
  if (what)
    call_interrupt(what->interrupt);
  exit_now(it->second.who, caf::exit_reason::kill);
}

void supervisor_actor::do_abandon(child_handle number, const std::string& id) {
  const auto it = living_.find(number);
  if (it == living_.end())
    return;
  last_ = {number, it->second.vitals, {}, {}};
  const auto vitals = it->second.vitals;
  const auto path = vitals->path;
  if (!dynamic_) {
    const child* what = definition(id);
    in_.states.exited(path, "abandoned");
    if (what && what->spec.type == child_type::supervisor) {
      // Its end is mourned already, or it hangs itself: in both cases what lives below is given up with it.
      for (auto i = mournings_.begin(); i != mournings_.end(); ++i)
        if (i->number == number) {
          auto late = std::move(*i);
          mournings_.erase(i);
          finish_mourning(late, true); // forgets the child; the engine ignores its DOWN
          return;
        }
    }
  }
  in_.states.abandoned(dynamic_ ? path_ : path, vitals);
  forget(number);
}

void supervisor_actor::give_up_route(const std::string& path, node_state below) {
  in_.named(path).down();
  for (auto* r : in_.routes_below(path))
    r->down();
  in_.states.set_below(path, below);
}

void supervisor_actor::show(const effect& e) {
  const auto path = path_of(e.id);
  switch (e.state) {
  case slot_state::starting:
    in_.states.set(path, node_state::starting);
    in_.named(path).restarting();
    return;
  case slot_state::running: {
    in_.states.set(path, node_state::running);
    if (const auto it = living_.find(e.child); it != living_.end() && it->second.who)
      in_.named(path).publish(caf::actor_cast<caf::strong_actor_ptr>(it->second.who), it->second.vitals->generation);
    return;
  }
  case slot_state::stopping:
    in_.states.set(path, node_state::stopping);
    in_.named(path).restarting();
    return;
  case slot_state::restarting:
    in_.states.set(path, node_state::restarting, e.retry_at);
    in_.named(path).restarting();
    for (auto* r : in_.routes_below(path))
      r->restarting();
    in_.states.set_below(path, node_state::restarting);
    return;
  case slot_state::degraded:
    in_.states.set(path, node_state::degraded, e.retry_at);
    give_up_route(path, node_state::down);
    return;
  case slot_state::undefined:
    in_.states.set(path, node_state::stopped);
    give_up_route(path, node_state::stopped);
    return;
  }
}

void supervisor_actor::tell_report(const effect& e) {
  crash what;
  what.path = dynamic_ ? path_ + "/" + hex(e.child) : path_of(e.id);
  what.reason = to_string(e.reason);
  what.decision = e.detail;
  switch (e.report) {
  case effect::report_kind::child_terminated:
    what.kind = e.reason.what == exit_reason::kind::killed ? "killed" : e.reason.clean() ? "exit" : "crash";
    break;
  case effect::report_kind::start_error:
    what.kind = "start_error";
    break;
  case effect::report_kind::shutdown_error:
    what.kind = "shutdown_error";
    break;
  case effect::report_kind::budget_spent:
    what.kind = "budget_spent";
    break;
  case effect::report_kind::abandoned:
    what.kind = "abandoned";
    break;
  case effect::report_kind::degraded:
    what.kind = "degraded";
    break;
  case effect::report_kind::none:
    return;
  }
  if (dynamic_)
    what.path = path_ + "/*"; // folded: a thousand requests that fail alike are one row
  if (last_.number == e.child && last_.vitals) {
    what.generation = last_.vitals->generation;
    what.uptime = std::chrono::duration_cast<milliseconds>(clock::now() - last_.vitals->born);
    what.mailbox = last_.vitals->mailbox();
    what.last_message = last_.message;
    what.state = last_.state;
    if (const auto& words = last_.vitals->words) {
      what.type = words->type;
      what.work = words->work;
      what.request = words->request;
    }
  } else if (!dynamic_) {
    const auto seen = in_.states.below(what.path);
    if (!seen.empty())
      what.generation = seen.front().generation;
  }
  if (!dynamic_) {
    const auto seen = in_.states.below(what.path);
    if (!seen.empty())
      what.restarts = std::to_string(seen.front().restarts) + "/" + std::to_string(seen.front().budget) + " in " +
                      std::to_string(seen.front().period.count()) + " ms";
  }
  in_.say(what.path + " " + what.kind + ": " + what.reason + (what.decision.empty() ? "" : " (" + what.decision + ")"));
  in_.crashes.add(std::move(what));
}

void supervisor_actor::do_end(const effect& e) {
  if (!of_.parent)
    in_.states.set(path_, node_state::stopped);
  quit(error_of(e.reason));
}

void supervisor_actor::arm() {
  auto next = engine_.next_deadline();
  for (const auto& m : mournings_)
    if (!next || m.deadline < *next)
      next = m.deadline;
  if (!next || (armed_ && *armed_ <= *next))
    return;
  armed_ = next;
  const auto wait = *next - clock::now();
  delayed_send(this, std::max<clock::duration>(wait, std::chrono::microseconds{100}), tick_message{});
}

} // namespace lyceum::supervision
