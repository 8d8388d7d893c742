// SPDX-License-Identifier: Apache-2.0
#include "supervision/supervisor_actor.hpp"

#include <charconv>
#include <cstdio>
#include <random>

namespace lyceum::supervision {
namespace {

std::vector<child_spec> specs_of(const child& what) {
  std::vector<child_spec> specs;
  if (what.flags.strategy == strategy::simple_one_for_one) {
    child_spec one;
    one.id = "child";
    one.restart = restart_type::temporary;
    specs.push_back(one);
    return specs;
  }
  for (const auto& c : what.children) {
    auto spec = c.spec;
    spec.essential = spec.essential || c.essential;
    specs.push_back(std::move(spec));
  }
  return specs;
}

void send_order(const caf::actor& to, sys_message order) {
  // What was skipped while suspended stands before its queue again once a message of that same queue has been taken: so `resume`
  // has to travel in the normal one.
  if (order.what == sys_message::kind::resume)
    caf::anon_send(to, std::move(order));
  else
    caf::anon_send<caf::message_priority::high>(to, std::move(order));
}

} // namespace

std::string hex(std::uint64_t n) {
  char text[20];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(n));
  return text;
}

exit_reason reason_of(const caf::error& e, std::string* message, std::string* state) {
  exit_reason r;
  if (!e)
    return r;
  const auto& context = e.context();
  if (e.category() == caf::atom("exit")) {
    const auto code = static_cast<caf::exit_reason>(e.code());
    if (code == caf::exit_reason::kill) {
      r.what = exit_reason::kind::killed;
      return r;
    }
    if (code == caf::exit_reason::user_shutdown || code == caf::exit_reason::normal) {
      r.what = code == caf::exit_reason::normal ? exit_reason::kind::normal : exit_reason::kind::shutdown;
      if (context.size() >= 1 && context.match_element<std::string>(0))
        r.text = context.get_as<std::string>(0);
      if (context.size() >= 2 && context.match_element<bool>(1))
        r.budget_spent = context.get_as<bool>(1);
      return r;
    }
    r.what = exit_reason::kind::crash;
    if (context.size() >= 1 && context.match_element<std::string>(0))
      r.text = context.get_as<std::string>(0);
    if (code == caf::exit_reason::unknown && r.text == "killed") {
      r.what = exit_reason::kind::killed;
      r.text.clear();
      return r;
    }
    if (r.text.empty())
      r.text = to_string(code);
    if (message && context.size() >= 3 && context.match_element<std::string>(1) &&
        context.match_element<std::string>(2)) {
      *message = context.get_as<std::string>(1);
      *state = context.get_as<std::string>(2);
    }
    return r;
  }
  r.what = exit_reason::kind::crash;
  r.text = caf::to_string(e);
  return r;
}

caf::error error_of(const exit_reason& r) {
  switch (r.what) {
  case exit_reason::kind::normal:
    return {};
  case exit_reason::kind::killed:
    return caf::make_error(caf::exit_reason::kill);
  case exit_reason::kind::shutdown:
    return caf::error{static_cast<std::uint8_t>(caf::exit_reason::user_shutdown), caf::atom("exit"),
                      caf::make_message(r.text, r.budget_spent)};
  case exit_reason::kind::crash:
    break;
  }
  return caf::error{static_cast<std::uint8_t>(caf::exit_reason::unhandled_exception), caf::atom("exit"),
                    caf::make_message(r.text, std::string{}, std::string{})};
}

void call_interrupt(const std::function<void()>& interrupt) {
  if (!interrupt)
    return;
  try {
    interrupt();
  } catch (...) { // it was a courtesy; the kill goes on
  }
}

std::string child_path(const registry& states, const std::string& parent, const std::string& id) {
  return parent == states.root() ? id : parent + "/" + id;
}

caf::actor spawn_supervisor(caf::event_based_actor* parent, birth_certificate of, std::shared_ptr<const child> what) {
  constexpr auto options = caf::monitored + caf::linked;
  if (what->flags.strategy ==
      strategy::simple_one_for_one) // its children are pooled: so is it, one wake-up less a child
    return parent->spawn<supervisor_actor, options>(std::move(of), std::move(what));
  of.vitals->detached = true;
  return parent->spawn<supervisor_actor, options + caf::detached>(std::move(of), std::move(what));
}

caf::actor spawn_root(caf::actor_system& actors, birth_certificate of, std::shared_ptr<const child> what) {
  of.vitals->detached = true;
  return actors.spawn<supervisor_actor, caf::detached>(std::move(of), std::move(what));
}

supervisor_actor::supervisor_actor(caf::actor_config& config, birth_certificate of, std::shared_ptr<const child> what)
    : caf::event_based_actor(config), of_(std::move(of)), in_(of_.tree->inside()), path_(of_.vitals->path),
      what_(std::move(what)), dynamic_(what_->flags.strategy == strategy::simple_one_for_one),
      engine_(what_->flags, specs_of(*what_), std::random_device{}()) {}

caf::behavior supervisor_actor::make_behavior() {
  set_down_handler([this](caf::down_msg& d) { on_down(d); });
  set_exit_handler([this](caf::exit_msg& e) { on_exit_message(e); });
  set_exception_handler([](caf::scheduled_actor*, std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      return error_of({exit_reason::kind::crash, e.what(), false});
    } catch (...) {
      return error_of({exit_reason::kind::crash, "unknown exception", false});
    }
  });
  if (dynamic_) {
    roster_ = std::make_shared<roster>();
    count_ = std::make_shared<std::atomic<std::size_t>>(0);
    in_.states.attach_count(path_, count_);
    std::shared_ptr<dynamic_children::gate> gate;
    {
      std::lock_guard lock(in_.guard);
      in_.rosters[path_] = roster_;
    }
    in_.self.dynamic(path_); // makes the gate where nobody has asked for it yet
    std::lock_guard lock(in_.guard);
    in_.gates[path_]->max = what_->flags.max_children.value_or(SIZE_MAX);
    if (what_->handler_max)
      in_.handler_max[path_] = *what_->handler_max;
  } else {
    // A new life has its first children again; those that were added later are lost, as in OTP.
    std::unordered_set<std::string> known;
    for (const auto& c : what_->children)
      known.insert(child_path(in_.states, path_, c.spec.id));
    for (const auto& n : in_.states.below(path_))
      if (n.parent == path_ && !known.contains(n.path))
        in_.states.remove(n.path);
    for (const auto& c : what_->children)
      register_child(c);
  }
  engine_.start(clock::now());
  settle();
  return {
      [this](said_message& m) { on_said(m); },
      [this](op_message& m) { dynamic_ ? on_dynamic_operation(m) : on_operation(m); },
      [this](dynamic_start& m) { on_dynamic_start(m); },
      [this](tick_message) {
        armed_.reset();
        const auto now = clock::now();
        for (std::size_t i = 0; i < mournings_.size();) {
          if (mournings_[i].deadline > now) {
            ++i;
            continue;
          }
          auto late = std::move(mournings_[i]);
          mournings_.erase(mournings_.begin() + static_cast<std::ptrdiff_t>(i));
          finish_mourning(late, true);
        }
        engine_.tick(now);
        settle();
      },
      [this](const give_up_message& m) {
        if (living_.contains(m.number)) {
          engine_.given_up(m.number, clock::now());
          settle();
        }
      },
  };
}

void supervisor_actor::on_exit() {
  of_.vitals->fenced.store(true, std::memory_order_release);
  living_.clear(); // strong handles would pin the threads of detached children
  mournings_.clear();
  calls_.clear();
  roster_.reset(); // it holds the children, and they hold us
  of_.parent = nullptr;
}

void supervisor_actor::register_child(const child& c) {
  children_[c.spec.id] = std::make_shared<const child>(c);
  registry::entry e;
  e.path = child_path(in_.states, path_, c.spec.id);
  e.parent = path_;
  e.kind = c.spec.type == child_type::worker                  ? node_kind::worker
           : c.flags.strategy == strategy::simple_one_for_one ? node_kind::dynamic
                                                              : node_kind::supervisor;
  e.restart = c.spec.restart;
  e.strategy = c.flags.strategy;
  e.budget = what_->flags.intensity;
  e.period = what_->flags.period;
  e.essential = c.essential || c.spec.essential;
  e.note = c.note;
  in_.states.add(std::move(e));
  if (c.handler_max) {
    std::lock_guard lock(in_.guard);
    in_.handler_max[child_path(in_.states, path_, c.spec.id)] = *c.handler_max;
  }
  if (c.at_stake) {
    std::lock_guard lock(in_.guard);
    in_.at_stake[child_path(in_.states, path_, c.spec.id)] = c.at_stake;
  }
}

const child* supervisor_actor::definition(const std::string& id) const {
  const auto it = children_.find(id);
  return it == children_.end() ? nullptr : it->second.get();
}

std::string supervisor_actor::path_of(const std::string& id) const {
  return child_path(in_.states, path_, id);
}

// --- events ---------------------------------------------------------------------------------------------------------

void supervisor_actor::on_exit_message(caf::exit_msg& e) {
  // Exits of children arrive as DOWN too, and are handled there. An anonymous exit carries our own address.
  const auto from = e.source.id();
  if (from != id() && (!of_.parent || from != of_.parent.id()))
    return;
  auto why = reason_of(e.reason);
  why.what = why.clean() ? exit_reason::kind::shutdown : why.what;
  engine_.shutdown(std::move(why), clock::now());
  settle();
}

void supervisor_actor::on_said(said_message& m) {
  const auto now = clock::now();
  switch (m.what) {
  case said_message::kind::started:
    engine_.started(m.number, now);
    break;
  case said_message::kind::ignored:
    engine_.ignored(m.number, now);
    break;
  case said_message::kind::failed:
    engine_.failed(m.number, std::move(m.text), now);
    break;
  }
  settle();
}

void supervisor_actor::on_down(caf::down_msg& d) {
  const auto from = d.source.id();
  for (std::size_t i = 0; i < mournings_.size(); ++i) {
    if (mournings_[i].left.erase(from) == 0)
      continue;
    if (mournings_[i].left.empty()) {
      auto over = std::move(mournings_[i]);
      mournings_.erase(mournings_.begin() + static_cast<std::ptrdiff_t>(i));
      finish_mourning(over, false);
      settle();
    }
    return;
  }
  const auto it = by_actor_.find(from);
  if (it == by_actor_.end())
    return;
  const auto number = it->second;
  by_actor_.erase(it);
  const auto found = living_.find(number);
  if (found == living_.end())
    return;
  last_ = {number, found->second.vitals, {}, {}};
  auto reason = reason_of(d.reason, &last_.message, &last_.state);
  const auto child_id = found->second.id;
  found->second.who = nullptr;
  const child* what = dynamic_ ? nullptr : definition(child_id);
  if (what && what->spec.type == child_type::supervisor) {
    mourn(number, std::move(reason), path_of(child_id));
  } else {
    child_gone(number, std::move(reason));
  }
  settle();
}

void supervisor_actor::child_gone(child_handle number, exit_reason reason) {
  if (!dynamic_) {
    const auto it = living_.find(number);
    if (it != living_.end())
      in_.states.exited(path_of(it->second.id), to_string(reason));
  }
  forget(number);
  engine_.down(number, std::move(reason), clock::now());
}

void supervisor_actor::forget(child_handle number) {
  const auto it = living_.find(number);
  if (it == living_.end())
    return;
  it->second.vitals->fenced.store(true, std::memory_order_release);
  if (it->second.who)
    by_actor_.erase(it->second.who.id());
  if (dynamic_) {
    std::lock_guard lock(roster_->guard);
    roster_->all.erase(number);
    count_->store(roster_->all.size(), std::memory_order_relaxed);
  } else {
    std::lock_guard lock(in_.guard);
    const auto alive = in_.alive.find(path_of(it->second.id));
    if (alive != in_.alive.end() && alive->second.vitals == it->second.vitals)
      in_.alive.erase(alive);
  }
  living_.erase(it);
}

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

void supervisor_actor::on_operation(op_message& m) {
  const auto now = clock::now();
  if (m.if_generation != 0)
    if (const auto seen = in_.states.below(path_of(m.id)); !seen.empty() && seen.front().generation != m.if_generation)
      return m.done->give({false, "generation", path_of(m.id) + " has begun another life; look again",
                           seen.front().generation, seen.front().state});
  call c;
  c.id = m.id;
  switch (m.what) {
  case operation::suspend:
  case operation::resume:
  case operation::inspect: {
    const child* what = definition(m.id);
    outcome bad{false, "not_found", "no such child: " + path_of(m.id), 0, node_state::stopped};
    if (what) {
      for (auto& [number, one] : living_) {
        if (one.id != m.id || !one.who)
          continue;
        if (what->spec.type == child_type::supervisor) {
          if (m.what == operation::inspect)
            m.done->give({true, {}, {}, one.vitals->generation, node_state::running});
          else
            m.done->give({false, "supervisor", "a supervisor cannot be suspended; name one of its children", 0, {}});
          return;
        }
        const auto order = m.what == operation::suspend  ? sys_message::kind::suspend
                           : m.what == operation::resume ? sys_message::kind::resume
                                                         : sys_message::kind::inspect;
        send_order(one.who, {order, m.done});
        return;
      }
      bad.code = "not_running";
      bad.detail = path_of(m.id) + " does not run now";
    }
    m.done->give(std::move(bad));
    return;
  }
  case operation::restart:
    c.what = call::op::restart;
    break;
  case operation::stop:
    c.what = call::op::terminate_child;
    break;
  case operation::undegrade:
  case operation::start:
    if (m.extra) { // a new child
      c.what = call::op::start_child;
      c.spec = m.extra->spec;
      c.has_start = m.extra->spec.type == child_type::supervisor || m.extra->start != nullptr;
      if (!children_.contains(m.id) && check_spec(c.spec, what_->flags.auto_shutdown, c.has_start) == errc::none)
        register_child(*m.extra);
    } else {
      c.what = call::op::start_now;
    }
    break;
  case operation::kill:
  case operation::kill_as_crash:
    c.what = call::op::kill;
    c.as_crash = m.what == operation::kill_as_crash;
    break;
  case operation::remove:
    c.what = call::op::delete_child;
    break;
  case operation::degrade:
    c.what = call::op::degrade;
    break;
  case operation::reset:
    c.what = call::op::reset;
    in_.states.forgive(path_of(m.id));
    break;
  }
  const auto number = ++call_ids_;
  calls_.emplace(number, std::make_pair(m.id, m.done));
  engine_.ask(number, std::move(c), now);
  settle();
}

void supervisor_actor::on_dynamic_operation(op_message& m) {
  child_handle number = 0;
  const auto end = m.id.data() + m.id.size();
  const auto [at, bad] = std::from_chars(m.id.data(), end, number, 16);
  const auto it = bad == std::errc{} && at == end ? living_.find(number) : living_.end();
  if (it == living_.end() || !it->second.who)
    return m.done->give({false, "not_found", "no such child: " + path_ + "/" + m.id, 0, node_state::stopped});
  const auto send_sys = [&](sys_message::kind order) { send_order(it->second.who, {order, m.done}); };
  switch (m.what) {
  case operation::suspend:
    return send_sys(sys_message::kind::suspend);
  case operation::resume:
    return send_sys(sys_message::kind::resume);
  case operation::inspect:
    return send_sys(sys_message::kind::inspect);
  case operation::kill:
  case operation::kill_as_crash:
    // Not through the engine: its brutal stop waits out the grace, and requests must go on meanwhile.
    do_kill(number);
    delayed_send(this, what_->flags.kill_grace, give_up_message{number});
    return m.done->give({true, {}, {}, 1, node_state::stopped});
  case operation::stop:
    exit_now(it->second.who, caf::exit_reason::user_shutdown);
    return m.done->give({true, {}, {}, 1, node_state::stopping});
  default:
    return m.done->give(
        {false, "simple_one_for_one", "children of a dynamic supervisor are temporary", 0, node_state::running});
  }
}

void supervisor_actor::on_dynamic_start(dynamic_start& m) {
  if (!dynamic_)
    return;
  arriving_ = &m;
  engine_.ask(0, call{call::op::start_child, {}, 0, false, {}, true, false}, clock::now());
  settle();
  arriving_ = nullptr;
}

} // namespace lyceum::supervision
