// SPDX-License-Identifier: Apache-2.0
#include "supervision/supervisor_actor.hpp"

#include <random>

namespace lyceum::supervision {
namespace {

std::vector<child_spec> specs_of(const child& what) {
  std::vector<child_spec> specs;
  for (const auto& c : what.children) {
    auto spec = c.spec;
    spec.essential = spec.essential || c.essential;
    specs.push_back(std::move(spec));
  }
  return specs;
}

} // namespace

std::string child_path(const registry& states, const std::string& parent, const std::string& id) {
  return parent == states.root() ? id : parent + "/" + id;
}

caf::actor spawn_supervisor(caf::event_based_actor* parent, birth_certificate of, std::shared_ptr<const child> what) {
  constexpr auto options = caf::monitored + caf::linked;
  if (what->flags.pooled || what->flags.strategy == strategy::simple_one_for_one) // one wake-up less a child
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
  of_.vitals->thread.store(thread_number(), std::memory_order_relaxed);
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
  if (begin()) {
    dynamic_ ? open_gate() : register_children();
    engine_.start(clock::now());
  }
  settle();
  return {
      [this](said_message& m) { on_said(m); },
      [this](op_message& m) { dynamic_ ? on_dynamic_operation(m) : on_operation(m); },
      [this](call_message& m) { on_call(m); },
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
  };
}

bool supervisor_actor::begin() {
  std::string failure;
  if (what_->init) {
    try {
      auto made = what_->init();
      if (!made) {
        engine_.init_ignored(clock::now());
        return false;
      }
      if (made->flags.strategy == strategy::simple_one_for_one) {
        failure = name_of(errc::invalid_strategy); // how it is spawned, and shown, was settled before
      } else {
        auto now = std::make_shared<child>(*what_);
        now->flags = made->flags;
        now->children = std::move(made->children);
        what_ = std::move(now);
        engine_ = engine(what_->flags, specs_of(*what_), std::random_device{}());
        in_.states.describe(path_, what_->flags.strategy);
      }
    } catch (const std::exception& thrown) {
      failure = thrown.what();
    } catch (...) {
      failure = "its init threw something that is not a std::exception";
    }
  }
  if (failure.empty())
    if (const auto bad = check_children(what_->flags, what_->children); bad != errc::none)
      failure = name_of(bad);
  if (!failure.empty()) {
    engine_.init_failed(std::move(failure), clock::now());
    return false;
  }
  if (dynamic_)
    template_ = std::make_shared<const child>(what_->children.front());
  return true;
}

void supervisor_actor::open_gate() {
  roster_ = std::make_shared<roster>();
  count_ = std::make_shared<std::atomic<std::size_t>>(0);
  in_.states.attach_count(path_, count_);
  {
    std::lock_guard lock(in_.guard);
    in_.rosters[path_] = roster_;
  }
  in_.self.dynamic(path_); // makes the gate where nobody has asked for it yet
  std::lock_guard lock(in_.guard);
  in_.gates[path_]->max = what_->flags.max_children.value_or(SIZE_MAX);
  if (const auto& limit = template_->handler_max ? template_->handler_max : what_->handler_max)
    in_.handler_max[path_] = *limit;
}

// A new life has its first children again; those that were added later are lost, as in OTP.
void supervisor_actor::register_children() {
  std::unordered_set<std::string> known;
  for (const auto& c : what_->children)
    known.insert(child_path(in_.states, path_, c.spec.id));
  for (const auto& n : in_.states.below(path_))
    if (n.parent == path_ && !known.contains(n.path))
      in_.states.remove(n.path);
  for (const auto& c : what_->children)
    register_child(c);
}

void supervisor_actor::on_exit() {
  of_.vitals->fenced.store(true, std::memory_order_release);
  living_.clear(); // strong handles would pin the threads of detached children
  mournings_.clear();
  calls_.clear(); // each says noproc
  arrivals_.clear();
  kept_.clear();
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
    if (const auto it = living_.find(m.number); it != living_.end())
      it->second.started = true;
    engine_.started(m.number, now, std::move(m.text));
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
  if (dynamic_) { // its children come and go: what they did counts as its own
    of_.vitals->handled.fetch_add(it->second.vitals->handled.load(std::memory_order_relaxed),
                                  std::memory_order_relaxed);
    of_.vitals->spent_ns.fetch_add(it->second.vitals->spent_ns.load(std::memory_order_relaxed),
                                   std::memory_order_relaxed);
  }
  if (it->second.who)
    by_actor_.erase(it->second.who.id());
  if (const auto again = kept_.find(number); again != kept_.end() && it->second.started)
    again->second.last = it->second.actor;
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

} // namespace lyceum::supervision
