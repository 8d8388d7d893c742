// SPDX-License-Identifier: Apache-2.0
// Where the engine keeps its children.
#include "supervision/engine.hpp"

#include <algorithm>

namespace lyceum::supervision {

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
  e.child = s.handle;
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
  } else if (s.spec.restart != restart_type::temporary) {
    emit(effect::kind::removed).child = s.last; // its arguments are needed no more
  }
  asides_.erase(&s);
  drop_handle(s);
  std::erase(retrying_, &s);
  if (!plan_.start.empty())
    std::erase(plan_.start, &s);
  if (plan_.subject == &s)
    plan_.subject = nullptr;
  slots_.erase(s.self);
}

} // namespace lyceum::supervision
