// SPDX-License-Identifier: Apache-2.0
// simple_one_for_one: calls about children that have no names, stopping one beside the others, and all at once.
#include "supervision/engine.hpp"

#include <algorithm>

namespace lyceum::supervision {

void engine::run_dynamic_call(call_id id, const call& what, time_point now) {
  using op = call::op;
  switch (what.what) {
  case op::which_children:
  case op::count_children:
    return reply(id, describe(what.what == op::which_children));
  case op::start_child: {
    if (flags_.max_children && slots_.size() >= *flags_.max_children)
      return refuse(id, errc::max_children);
    slot& s = insert(*template_);
    plan_ = {};
    plan_.what = plan::kind::start_new;
    plan_.subject = &s;
    plan_.call = id;
    plan_.start.push_back(&s);
    return;
  }
  default:
    break;
  }
  slot* found = what.handle ? find(what.handle) : nullptr;
  if (!found && what.handle) // its last life has ended, and it waits for the next
    for (auto* s : retrying_)
      if (s->last == what.handle || s->lived == what.handle)
        found = s;
  switch (what.what) {
  case op::get_childspec: {
    if (!found)
      return refuse(id, errc::not_found);
    call_result r;
    r.spec = found->spec;
    r.spec->shutdown = found->spec.shutdown_or_default();
    return reply(id, std::move(r));
  }
  case op::terminate_child:
    if (!what.handle)
      return refuse(id, errc::simple_one_for_one);
    if (!found)
      return what.alive ? refuse(id, errc::not_found) : reply(id, {});
    return stop_aside(*found, id, what, now);
  case op::kill:
  case op::restart:
    return found ? stop_aside(*found, id, what, now) : refuse(id, errc::not_found);
  default:
    return refuse(id, errc::simple_one_for_one);
  }
}

// --- one beside the others ------------------------------------------------------------------------------------------

bool engine::clean_stop(const slot& s, const exit_reason& reason, bool brutal) const {
  return reason.what == exit_reason::kind::shutdown ||
         (reason.what == exit_reason::kind::normal && s.spec.restart != restart_type::permanent) ||
         (reason.what == exit_reason::kind::killed && brutal);
}

// OTP lets the whole supervisor wait for the one that is stopped; here the others go on, since a child that does not obey must not
// hold up those who want one. Callers see the same results.
void engine::stop_aside(slot& s, call_id id, const call& what, time_point now) {
  const bool comes_back = what.what != call::op::terminate_child && s.spec.restart != restart_type::temporary;
  if (!s.handle) { // between two lives: no more of them, or the next one now
    if (comes_back)
      return restart_slot(s, what.as_crash, id, now);
    erase(s);
    return reply(id, {});
  }
  const auto [it, fresh] = asides_.try_emplace(&s);
  auto& one = it->second;
  if (id)
    one.calls.push_back(id);
  one.comes_back = comes_back && (fresh || one.comes_back); // whoever wants it gone has the last word
  one.spend = what.as_crash;
  const auto how = s.spec.shutdown_or_default();
  const bool brutal = what.what == call::op::kill || std::holds_alternative<brutal_kill>(how);
  if (brutal && (fresh || one.at == phase::stopping)) {
    one.at = phase::killing;
    one.brutal = true;
    one.deadline = now + flags_.kill_grace;
    emit(effect::kind::kill, &s).child = s.handle;
  } else if (fresh) {
    if (const auto* limit = std::get_if<milliseconds>(&how))
      one.deadline = now + *limit;
    emit(effect::kind::ask, &s).child = s.handle;
  }
}

void engine::asides_deadline(time_point now) {
  for (auto& [s, one] : asides_) {
    if (!one.deadline || *one.deadline > now)
      continue;
    if (one.at == phase::stopping) {
      one.at = phase::killing;
      one.deadline = now + flags_.kill_grace;
      emit(effect::kind::kill, s).child = s->handle;
      continue;
    }
    one.at = phase::none;
    one.deadline.reset();
    emit(effect::kind::abandon, s).child = s->handle;
    report(effect::report_kind::abandoned, *s, s->handle, {exit_reason::kind::killed, "still running", false},
           one.comes_back ? "replaced" : "given up");
    pending_.push_back({s->handle, {exit_reason::kind::killed, {}, false}, 0, {}});
  }
}

void engine::end_aside(slot& s, const exit_reason& reason, time_point now) {
  const auto h = s.handle;
  const auto one = std::move(asides_.extract(&s).mapped());
  drop_handle(s);
  if (one.spend && one.comes_back)
    report(effect::report_kind::child_terminated, s, h,
           {exit_reason::kind::killed, "by an operator, as a crash", false}, "restart");
  else if (one.at != phase::none && !clean_stop(s, reason, one.brutal))
    report(effect::report_kind::shutdown_error, s, h, reason, "stopped");
  for (const auto id : one.calls)
    reply(id, {});
  if (one.comes_back)
    restart_slot(s, one.spend, 0, now);
  else
    erase(s);
}

// --- all at once ----------------------------------------------------------------------------------------------------

void engine::begin_mass_stop(time_point now) {
  for (const auto& [s, one] : asides_)
    for (const auto id : one.calls)
      refuse(id, errc::noproc);
  asides_.clear();
  const auto how = template_->shutdown_or_default();
  const bool brutal = std::holds_alternative<brutal_kill>(how);
  mass_ = brutal ? phase::killing : phase::stopping;
  // Those that have ended already, while their DOWN waited.
  for (auto it = pending_.begin(); it != pending_.end();) {
    const auto h = it->down;
    if (slot* s = h ? find(h) : nullptr) {
      const auto reason = std::move(it->reason);
      it = pending_.erase(it);
      mass_down(*s, h, reason, now);
    } else {
      ++it;
    }
  }
  if (by_handle_.empty()) {
    mass_ = phase::none;
    return;
  }
  if (brutal)
    mass_deadline_ = now + flags_.kill_grace;
  else if (const auto* limit = std::get_if<milliseconds>(&how))
    mass_deadline_ = now + *limit;
  for (const auto& s : slots_)
    if (s.handle)
      emit(brutal ? effect::kind::kill : effect::kind::ask, &s).child = s.handle;
}

void engine::mass_down(slot& s, child_handle h, const exit_reason& reason, time_point) {
  if (!clean_stop(s, reason, std::holds_alternative<brutal_kill>(template_->shutdown_or_default())))
    report(effect::report_kind::shutdown_error, s, h, reason, "gone");
  erase(s);
  if (by_handle_.empty()) {
    mass_ = phase::none;
    mass_deadline_.reset();
  }
}

void engine::mass_deadline(time_point now) {
  if (mass_ == phase::stopping) {
    mass_ = phase::killing;
    mass_deadline_ = now + flags_.kill_grace;
    for (const auto& s : slots_)
      if (s.handle)
        emit(effect::kind::kill, &s).child = s.handle;
    return;
  }
  for (auto it = slots_.begin(); it != slots_.end();) {
    slot& s = *it++;
    if (s.handle) {
      emit(effect::kind::abandon, &s).child = s.handle;
      report(effect::report_kind::abandoned, s, s.handle, {exit_reason::kind::killed, "still running", false}, "gone");
    }
    erase(s);
  }
  mass_ = phase::none;
  mass_deadline_.reset();
}

} // namespace lyceum::supervision
