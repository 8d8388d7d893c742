// SPDX-License-Identifier: Apache-2.0
// OTP's API on a supervisor, and what operators ask for.
#include "supervision/engine.hpp"

#include <algorithm>

namespace lyceum::supervision {

void engine::reply(call_id id, call_result what) {
  if (!id)
    return;
  auto& e = emit(effect::kind::reply);
  e.call = id;
  e.result = std::move(what);
}

void engine::refuse(call_id id, errc why, std::string detail) {
  call_result r;
  r.error = why;
  r.detail = std::move(detail);
  reply(id, std::move(r));
}

call_result engine::describe(bool list) const {
  call_result r;
  for (const auto& s : slots_) {
    if (list)
      r.children.push_back({simple() ? std::string{} : s.spec.id, s.state, s.handle, s.spec.type});
    if (s.handle)
      ++r.counts.active;
    ++(s.spec.type == child_type::supervisor ? r.counts.supervisors : r.counts.workers);
  }
  std::ranges::reverse(r.children);
  r.counts.specs = simple() ? 1 : slots_.size();
  return r;
}

void engine::run_call(call_id id, const call& what, time_point now) {
  using op = call::op;
  if (simple())
    return run_dynamic_call(id, what, now);
  const auto begin = [&](plan::kind kind, slot& s) {
    plan_ = {};
    plan_.what = kind;
    plan_.subject = &s;
    plan_.call = id;
  };
  switch (what.what) {
  case op::which_children:
  case op::count_children:
    return reply(id, describe(what.what == op::which_children));
  case op::start_child: {
    if (const auto bad = check_spec(what.spec, flags_.auto_shutdown, what.has_start); bad != errc::none)
      return refuse(id, bad);
    if (slot* s = find(what.spec.id)) {
      call_result r;
      r.error = s->handle ? errc::already_started : errc::already_present;
      r.handle = s->handle;
      return reply(id, std::move(r));
    }
    slot& s = insert(what.spec);
    begin(plan::kind::start_new, s);
    plan_.start.push_back(&s);
    return;
  }
  default:
    break;
  }

  // All others name a child.
  slot* found = find(what.id);
  if (what.what == op::get_childspec) {
    if (!found || what.handle)
      return refuse(id, errc::not_found);
    call_result r;
    r.spec = found->spec;
    r.spec->shutdown = found->spec.shutdown_or_default();
    return reply(id, std::move(r));
  }
  if (!found || what.handle)
    return refuse(id, errc::not_found);
  slot& s = *found;
  const bool waits = s.state == slot_state::restarting || s.state == slot_state::degraded;
  switch (what.what) {
  case op::terminate_child:
    begin(plan::kind::stop_one, s);
    plan_.stop.push_back(&s);
    return;
  case op::restart_child:
    if (s.handle)
      return refuse(id, errc::running);
    if (waits)
      return refuse(id, errc::restarting);
    begin(plan::kind::start_one, s);
    plan_.start.push_back(&s);
    return;
  case op::delete_child:
    if (s.handle)
      return refuse(id, errc::running);
    if (waits)
      return refuse(id, errc::restarting);
    erase(s);
    return reply(id, {});
  case op::start_now:
    if (s.handle)
      return refuse(id, errc::running);
    if (waits)
      return restart_slot(s, false, id, now);
    begin(plan::kind::start_one, s);
    plan_.start.push_back(&s);
    return;
  case op::restart:
    return restart_slot(s, false, id, now);
  case op::kill:
    if (!s.handle)
      return waits ? restart_slot(s, false, id, now) : refuse(id, errc::not_running);
    begin(plan::kind::kill_one, s);
    plan_.spend = what.as_crash;
    plan_.brutal = true;
    plan_.stop.push_back(&s);
    return;
  case op::degrade:
    begin(plan::kind::stop_degrade, s);
    plan_.result.state = slot_state::degraded;
    if (flags_.strategy == strategy::one_for_all || flags_.strategy == strategy::rest_for_one)
      for (auto it = flags_.strategy == strategy::one_for_all ? slots_.begin() : s.self; it != slots_.end(); ++it)
        plan_.stop.push_front(&*it);
    else
      plan_.stop.push_back(&s);
    plan_.hold = true;
    return;
  case op::reset:
    s.spent.clear();
    spent_.clear();
    s.pauses = 0;
    s.failures = 0;
    return reply(id, {});
  default:
    return refuse(id, errc::not_found);
  }
}

} // namespace lyceum::supervision
