// SPDX-License-Identifier: Apache-2.0
// Where the engine keeps its children, and how it lets go of many at once.
#include "supervision/engine.hpp"

#include <algorithm>

namespace lyceum::supervision {

// --- simple_one_for_one: all at once --------------------------------------------------------------------------------

void engine::begin_mass_stop(time_point now) {
  // Those that have ended already, while their DOWN waited.
  for (auto it = pending_.begin(); it != pending_.end();) {
    slot* s = it->down ? find(it->down) : nullptr;
    if (s) {
      drop_handle(*s);
      erase(*s);
      it = pending_.erase(it);
    } else {
      ++it;
    }
  }
  if (by_handle_.empty())
    return;
  const auto how = template_->shutdown_or_default();
  const bool brutal = std::holds_alternative<brutal_kill>(how);
  mass_ = brutal ? phase::killing : phase::stopping;
  if (brutal)
    mass_deadline_ = now + flags_.kill_grace;
  else if (const auto* limit = std::get_if<milliseconds>(&how))
    mass_deadline_ = now + *limit;
  for (const auto& s : slots_)
    if (s.handle)
      emit(brutal ? effect::kind::kill : effect::kind::ask, &s).child = s.handle;
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
      drop_handle(s);
    }
    erase(s);
  }
  mass_ = phase::none;
  mass_deadline_.reset();
}

// --- slots ----------------------------------------------------------------------------------------------------------

effect& engine::emit(effect::kind what, const slot* of) {
  auto& e = out_.emplace_back();
  e.what = what;
  if (of && !simple())
    e.id = of->spec.id;
  return e;
}

void engine::show(slot& s, slot_state seen, std::optional<time_point> retry_at) {
  s.state = seen;
  if (simple())
    return; // the children of a dynamic supervisor come and go: nobody lists their states
  auto& e = emit(effect::kind::state, &s);
  e.state = seen;
  e.retry_at = retry_at.value_or(time_point{});
}

void engine::report(effect::report_kind kind, const slot& s, child_handle h, exit_reason reason, std::string detail) {
  auto& e = emit(effect::kind::report, &s);
  e.report = kind;
  e.child = h;
  e.reason = std::move(reason);
  e.detail = std::move(detail);
}

engine::slot& engine::insert(child_spec spec) {
  auto& s = slots_.emplace_back();
  s.self = std::prev(slots_.end());
  s.spec = std::move(spec);
  if (!simple())
    by_id_.emplace(s.spec.id, &s);
  return s;
}

engine::slot* engine::find(const std::string& id) {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

engine::slot* engine::find(child_handle h) {
  const auto it = by_handle_.find(h);
  return it == by_handle_.end() ? nullptr : it->second;
}

void engine::drop_handle(slot& s) {
  by_handle_.erase(s.handle);
  s.handle = 0;
}

void engine::erase(slot& s) {
  if (!simple()) {
    emit(effect::kind::removed, &s);
    by_id_.erase(s.spec.id);
  }
  drop_handle(s);
  std::erase(retrying_, &s);
  if (!plan_.start.empty())
    std::erase(plan_.start, &s);
  if (plan_.subject == &s)
    plan_.subject = nullptr;
  slots_.erase(s.self);
}

} // namespace lyceum::supervision
