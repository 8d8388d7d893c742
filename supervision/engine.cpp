// SPDX-License-Identifier: Apache-2.0
#include "supervision/engine.hpp"

#include <algorithm>

namespace lyceum::supervision {

std::string to_string(const exit_reason& r) {
  std::string word;
  switch (r.what) {
  case exit_reason::kind::normal:
    word = "normal";
    break;
  case exit_reason::kind::shutdown:
    word = "shutdown";
    break;
  case exit_reason::kind::killed:
    word = "killed";
    break;
  case exit_reason::kind::crash:
    return r.text.empty() ? "crash" : r.text;
  }
  return r.text.empty() ? word : word + "(" + r.text + ")";
}

engine::engine(sup_flags flags, std::vector<child_spec> specs, std::uint64_t seed)
    : flags_(std::move(flags)), initial_(std::move(specs)),
      random_(static_cast<std::minstd_rand::result_type>(seed % 2147483646U + 1U)) {}

// --- events ---------------------------------------------------------------------------------------------------------

void engine::start(time_point now) {
  if (up_ || over_ || busy())
    return;
  if (const auto bad = check_specs(flags_, initial_); bad != errc::none)
    return init_failed(std::string(name_of(bad)), now);
  plan_.what = plan::kind::initial;
  if (simple())
    template_ = initial_.front();
  else
    for (auto& s : initial_)
      plan_.start.push_back(&insert(s));
  advance(now);
}

void engine::init_ignored(time_point) {
  if (up_ || over_ || busy())
    return;
  over_ = true;
  emit(effect::kind::ignored);
  emit(effect::kind::ended);
}

void engine::init_failed(std::string reason, time_point) {
  if (up_ || over_ || busy())
    return;
  over_ = true;
  emit(effect::kind::ended).reason = {exit_reason::kind::crash, std::move(reason), false};
}

void engine::started(child_handle h, time_point now, std::string info) {
  if (wait_.handle != h || wait_.at != phase::starting)
    return; // too late: it has been killed, or is not ours
  slot& s = *wait_.who;
  wait_ = {};
  if (plan_.call && (plan_.subject == &s || !plan_.subject))
    plan_.result.info = std::move(info);
  end_start(s, true, {}, now);
  advance(now);
}

void engine::ignored(child_handle h, time_point now) {
  if (wait_.handle != h || wait_.at != phase::starting)
    return;
  slot& s = *wait_.who;
  wait_ = {};
  drop_handle(s);
  s.failures = 0;
  show(s, slot_state::undefined);
  if (s.spec.restart == restart_type::temporary || simple())
    erase(s);
  advance(now);
}

void engine::failed(child_handle h, std::string reason, time_point now) {
  if (wait_.handle != h || wait_.at != phase::starting)
    return;
  slot& s = *wait_.who;
  wait_ = {};
  drop_handle(s);
  end_start(s, false, reason, now);
  advance(now);
}

void engine::down(child_handle h, exit_reason reason, time_point now) {
  slot* s = find(h);
  if (!s)
    return;
  if (mass_ != phase::none) {
    mass_down(*s, h, reason, now);
    advance(now);
    return;
  }
  if (wait_.handle == h) {
    const auto was = wait_;
    wait_ = {};
    if (was.at == phase::starting || was.at == phase::start_killing) {
      drop_handle(*s);
      end_start(*s, false, was.timed_out ? "start_timeout" : to_string(reason), now);
    } else {
      const bool fine = was.brutal && reason.what == exit_reason::kind::killed;
      end_stop(*s, h, fine ? exit_reason{exit_reason::kind::shutdown, {}, false} : reason, false, now);
    }
    advance(now);
    return;
  }
  pending_.push_back({h, std::move(reason), 0, {}});
  if (!busy())
    advance(now);
}

void engine::ask(call_id id, call what, time_point now) {
  if (over_ || stop_wanted_ || plan_.what == plan::kind::shutdown)
    return refuse(id, errc::noproc);
  pending_.push_back({0, {}, id, std::move(what)});
  if (!busy())
    advance(now);
}

void engine::shutdown(exit_reason why, time_point now) {
  if (over_ || stop_wanted_ || plan_.what == plan::kind::shutdown)
    return;
  stop_wanted_ = std::move(why);
  if (wait_.at == phase::starting) { // it will not be needed: stop it instead of waiting for it
    slot& s = *wait_.who;
    wait_ = {};
    begin_stop(s, now);
  }
  advance(now);
}

void engine::tick(time_point now) {
  if (over_)
    return;
  if (mass_deadline_ && *mass_deadline_ <= now)
    mass_deadline(now);
  asides_deadline(now);
  if (wait_.deadline && *wait_.deadline <= now) {
    slot& s = *wait_.who;
    const auto h = wait_.handle;
    switch (wait_.at) {
    case phase::stopping:
    case phase::starting:
      wait_.timed_out = true;
      wait_.at = wait_.at == phase::starting ? phase::start_killing : phase::killing;
      wait_.deadline = now + flags_.kill_grace;
      emit(effect::kind::kill, &s).child = h;
      break;
    case phase::killing:
    case phase::start_killing: {
      const bool starting = wait_.at == phase::start_killing;
      const bool comes_back = starting || plan_.what == plan::kind::restart || plan_.what == plan::kind::kill_one;
      wait_ = {};
      emit(effect::kind::abandon, &s).child = h;
      report(effect::report_kind::abandoned, s, h, {exit_reason::kind::killed, "still running", false},
             comes_back ? "replaced" : "given up");
      if (starting) {
        drop_handle(s);
        end_start(s, false, "start_timeout", now);
      } else {
        end_stop(s, h, {exit_reason::kind::killed, {}, false}, true, now);
      }
      break;
    }
    case phase::none:
      break;
    }
  }
  advance(now);
}

std::optional<time_point> engine::next_deadline() const {
  if (over_)
    return {};
  if (mass_deadline_)
    return mass_deadline_;
  std::optional<time_point> first = wait_.deadline;
  const auto sooner = [&first](const std::optional<time_point>& other) {
    if (other && (!first || *other < *first))
      first = other;
  };
  for (const auto& [who, one] : asides_)
    sooner(one.deadline);
  if (!busy())
    for (const auto* s : retrying_)
      sooner(s->retry_at);
  return first;
}

// --- the sequence ---------------------------------------------------------------------------------------------------

void engine::advance(time_point now) {
  while (!over_) {
    if (wait_.who || mass_ != phase::none)
      return;
    if (stop_wanted_ && plan_.what != plan::kind::shutdown) {
      if (plan_.call)
        refuse(plan_.call, errc::noproc);
      begin_shutdown(*std::exchange(stop_wanted_, std::nullopt));
      continue;
    }
    if (plan_.what == plan::kind::shutdown && simple() && !by_handle_.empty()) {
      begin_mass_stop(now);
      continue;
    }
    if (!plan_.stop.empty()) {
      slot& s = *plan_.stop.front();
      plan_.stop.pop_front();
      begin_stop(s, now);
    } else if (!plan_.start.empty()) {
      slot& s = *plan_.start.front();
      plan_.start.pop_front();
      begin_start(s, now);
    } else if (busy()) {
      finish_plan(now);
    } else if (!next_event(now)) {
      return;
    }
  }
}

bool engine::next_event(time_point now) {
  if (!pending_.empty()) {
    event e = std::move(pending_.front());
    pending_.pop_front();
    if (e.down) {
      if (slot* s = find(e.down))
        handle_down(*s, e.reason, now);
    } else {
      run_call(e.id, e.what, now);
    }
    return true;
  }
  for (auto* s : retrying_) {
    if (!s->retry_at || *s->retry_at > now)
      continue;
    restart_slot(*s, s->state == slot_state::restarting, 0, now); // a degraded one has paid already
    return true;
  }
  return false;
}

void engine::begin_stop(slot& s, time_point now) {
  const auto h = s.handle;
  if (!h) {
    end_stop(s, 0, {exit_reason::kind::shutdown, {}, false}, false, now);
    return;
  }
  // It may have ended while something else was going on: a monitor set now would tell its reason at once.
  const auto ended = std::ranges::find(pending_, h, &event::down);
  if (ended != pending_.end()) {
    const auto reason = ended->reason;
    pending_.erase(ended);
    end_stop(s, h, reason, false, now);
    return;
  }
  wait_ = {&s, h, phase::stopping, false, false, std::nullopt};
  show(s, slot_state::stopping);
  const auto how = s.spec.shutdown_or_default();
  const bool kill = plan_.brutal && plan_.subject == &s;
  if (kill || std::holds_alternative<brutal_kill>(how)) {
    wait_.at = phase::killing;
    wait_.brutal = true;
    wait_.deadline = now + flags_.kill_grace;
    emit(effect::kind::kill, &s).child = h;
    return;
  }
  if (const auto* limit = std::get_if<milliseconds>(&how))
    wait_.deadline = now + *limit;
  emit(effect::kind::ask, &s).child = h;
}

void engine::end_stop(slot& s, child_handle h, const exit_reason& reason, bool was_abandoned, time_point) {
  if (h) {
    if (!clean_stop(s, reason, false) && !was_abandoned)
      report(effect::report_kind::shutdown_error, s, h, reason, "stopped");
    drop_handle(s);
  }
  s.retry_at.reset();
  std::erase(retrying_, &s);
  const bool comes_back = plan_.what == plan::kind::restart || plan_.what == plan::kind::kill_one;
  const bool temporary = s.spec.restart == restart_type::temporary;
  if (plan_.subject == &s && temporary) {
    plan_.subject = nullptr;
    erase(s);
  } else if (temporary && plan_.what != plan::kind::kill_one) {
    erase(s);
  } else {
    s.state = slot_state::undefined;
    const bool waits = plan_.what == plan::kind::stop_degrade && plan_.subject != &s;
    auto& e = emit(effect::kind::state, &s);
    e.state = comes_back ? slot_state::restarting : waits ? slot_state::degraded : slot_state::undefined;
  }
}

void engine::begin_start(slot& s, time_point now) {
  s.retry_at.reset();
  std::erase(retrying_, &s);
  s.handle = ++handles_;
  by_handle_.emplace(s.handle, &s);
  wait_ = {&s, s.handle, phase::starting, false, false, now + flags_.start_timeout};
  show(s, slot_state::starting);
  auto& e = emit(effect::kind::start, &s);
  e.child = s.handle;
  e.previous = std::exchange(s.last, s.handle);
  if (plan_.subject == &s)
    e.call = plan_.call;
}

void engine::end_start(slot& s, bool ok, const std::string& reason, time_point now) {
  if (!ok) {
    start_error(s, reason, now);
    return;
  }
  s.failures = 0;
  s.running_since = now;
  s.lived = s.handle;
  if (plan_.call && (plan_.subject == &s || !plan_.subject))
    plan_.result.handle = s.handle;
  show(s, slot_state::running);
}

void engine::start_error(slot& s, const std::string& reason, time_point now) {
  report(effect::report_kind::start_error, s, s.last, {exit_reason::kind::crash, reason, false}, {});
  plan_.result.error = errc::start_error;
  plan_.result.detail = reason;
  if (stop_wanted_) {
    show(s, slot_state::undefined);
    return;
  }
  switch (plan_.what) {
  case plan::kind::initial:
    if (degrades() && !s.spec.essential) {
      const bool dependants = flags_.strategy == strategy::rest_for_one || flags_.strategy == strategy::one_for_all;
      to_degraded(s, reason, now);
      if (dependants) {
        for (auto* later : plan_.start)
          emit(effect::kind::state, later).state = slot_state::degraded;
        plan_.start.clear();
      }
      return;
    }
    s.state = slot_state::undefined;
    begin_shutdown({exit_reason::kind::shutdown, "failed_to_start_child(" + s.spec.id + ", " + reason + ")", false});
    return;
  case plan::kind::start_new:
    if (!simple())
      plan_.result.spec = s.spec;
    plan_.subject = nullptr;
    erase(s);
    return;
  case plan::kind::start_one:
    show(s, slot_state::undefined);
    return;
  case plan::kind::restart:
    if (s.pauses > 0 && degrades()) { // it was degraded: on with the pauses
      to_degraded(s, reason, now);
      for (auto* later : plan_.start)
        emit(effect::kind::state, later).state = slot_state::degraded;
    } else {
      s.retry_at = now + retry_pause(s);
      ++s.failures;
      show(s, slot_state::restarting, s.retry_at);
      std::erase(retrying_, &s);
      retrying_.push_back(&s);
      for (auto* later : plan_.start) {
        later->state = slot_state::undefined; // to callers; but it will come, and so it is shown
        emit(effect::kind::state, later).state = slot_state::restarting;
      }
    }
    plan_.start.clear();
    return;
  default:
    show(s, slot_state::undefined);
    return;
  }
}

void engine::finish_plan(time_point now) {
  const plan done = std::exchange(plan_, {});
  switch (done.what) {
  case plan::kind::initial:
    up_ = true;
    emit(effect::kind::up);
    return;
  case plan::kind::shutdown:
    over_ = true;
    for (auto& waiting_call : pending_)
      if (!waiting_call.down)
        refuse(waiting_call.id, errc::noproc);
    pending_.clear();
    emit(effect::kind::ended).reason = done.why;
    return;
  case plan::kind::kill_one:
    if (done.spend && done.subject)
      report(effect::report_kind::child_terminated, *done.subject, done.subject->last,
             {exit_reason::kind::killed, "by an operator, as a crash", false}, "restart");
    if (done.subject)
      restart_slot(*done.subject, done.spend, done.call, now);
    else
      reply(done.call, {});
    return;
  case plan::kind::stop_degrade:
    if (done.hold && done.subject)
      show(*done.subject, slot_state::degraded); // no time to try again: `start` or `undegrade` ends it
    if (done.call)
      reply(done.call, done.result);
    return;
  default:
    if (done.call) {
      auto result = done.result;
      if (done.subject)
        result.state = done.subject->state;
      reply(done.call, std::move(result));
    }
  }
}

} // namespace lyceum::supervision
