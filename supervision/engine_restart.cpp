// SPDX-License-Identifier: Apache-2.0
// What a child's end means: restart, give up, degrade, or nothing.
#include "supervision/engine.hpp"

#include <algorithm>

namespace lyceum::supervision {

void engine::handle_down(slot& s, const exit_reason& reason, time_point now) {
  if (asides_.contains(&s)) {
    end_aside(s, reason, now);
    return;
  }
  const auto h = s.handle;
  drop_handle(s);
  const bool temporary = s.spec.restart == restart_type::temporary;
  const bool stays_down = temporary || (s.spec.restart == restart_type::transient && reason.clean());
  if (s.running_since != time_point{} && now - s.running_since >= healthy_after)
    s.pauses = 0;
  if (!stays_down) {
    report(effect::report_kind::child_terminated, s, h, reason, "restart");
    if (degrades() && reason.budget_spent)
      budget_spent(s, 0, now);
    else
      restart_slot(s, true, 0, now);
    return;
  }
  if (!reason.clean())
    report(effect::report_kind::child_terminated, s, h, reason, "gone");
  show(s, slot_state::undefined);
  check_auto_shutdown(s);
  if (temporary || simple()) // what a dynamic supervisor will not restart, it forgets
    erase(s);
}

void engine::check_auto_shutdown(const slot& ended) {
  if (!ended.spec.significant || flags_.auto_shutdown == auto_shutdown::never)
    return;
  if (flags_.auto_shutdown == auto_shutdown::all_significant)
    for (const auto& s : slots_)
      if (&s != &ended && s.spec.significant && s.state != slot_state::undefined)
        return;
  stop_wanted_ = exit_reason{exit_reason::kind::shutdown, {}, false};
}

void engine::restart_slot(slot& s, bool spend, call_id reply_to, time_point now) {
  if (spend && !spend_restart(s, now)) {
    budget_spent(s, reply_to, now);
    return;
  }
  plan_ = {};
  plan_.what = plan::kind::restart;
  plan_.subject = &s;
  plan_.call = reply_to;
  std::erase(retrying_, &s);
  s.retry_at.reset();
  const auto from = flags_.strategy == strategy::one_for_all    ? slots_.begin()
                    : flags_.strategy == strategy::rest_for_one ? s.self
                                                                : slots_.end();
  for (auto it = from; it != slots_.end(); ++it) {
    if (&*it != &s)
      plan_.stop.push_front(&*it);
    if (it->spec.restart != restart_type::temporary)
      plan_.start.push_back(&*it);
  }
  if (from == slots_.end())
    plan_.start.push_back(&s);
  if (s.handle) // an operator's restart: it still runs, and is stopped in its turn
    plan_.stop.insert(std::ranges::find_if(plan_.stop,
                                           [&](slot* other) { // reverse of start order
                                             for (auto it = s.self; it != slots_.end(); ++it)
                                               if (&*it == other)
                                                 return false;
                                             return true;
                                           }),
                      &s);
  else
    show(s, slot_state::restarting);
}

bool engine::spend_restart(slot& s, time_point now) {
  auto& window = degrades() ? s.spent : spent_;
  window.push_back(now);
  // In the order of time: the old ones stand first. At most intensity + 1 are left.
  window.erase(window.begin(), std::ranges::find_if(window, [&](time_point t) { return now - t <= flags_.period; }));
  if (window.size() > static_cast<std::size_t>(flags_.intensity))
    return false;
  emit(effect::kind::restarted, &s);
  return true;
}

void engine::budget_spent(slot& s, call_id reply_to, time_point now) {
  const exit_reason why{exit_reason::kind::shutdown, "reached_max_restart_intensity", true};
  report(effect::report_kind::budget_spent, s, s.last, why, degrades() ? "degraded" : "escalate");
  if (!degrades()) {
    s.state = slot_state::undefined;
    if (reply_to)
      reply(reply_to, {});
    begin_shutdown(why);
    return;
  }
  plan_ = {};
  plan_.what = plan::kind::stop_degrade;
  plan_.subject = &s;
  plan_.call = reply_to;
  plan_.result.state = slot_state::degraded;
  if (flags_.strategy == strategy::one_for_all || flags_.strategy == strategy::rest_for_one)
    for (auto it = flags_.strategy == strategy::one_for_all ? slots_.begin() : s.self; it != slots_.end(); ++it)
      if (&*it != &s)
        plan_.stop.push_front(&*it);
  to_degraded(s, why.text, now);
}

void engine::to_degraded(slot& s, const std::string& reason, time_point now) {
  if (s.running_since != time_point{} && now - s.running_since >= healthy_after)
    s.pauses = 0;
  const auto base = std::min<milliseconds>(milliseconds{1000} * (1LL << std::min(s.pauses, 10)), pause_max);
  ++s.pauses;
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  const auto pause = milliseconds{static_cast<std::int64_t>(static_cast<double>(base.count()) * jitter(random_))};
  s.spent.clear();
  s.failures = 0;
  s.running_since = {};
  s.retry_at = now + pause;
  std::erase(retrying_, &s);
  retrying_.push_back(&s);
  show(s, slot_state::degraded, s.retry_at);
  report(effect::report_kind::degraded, s, s.last, {exit_reason::kind::crash, reason, false},
         "tried again in " + std::to_string(pause.count()) + " ms");
}

void engine::begin_shutdown(exit_reason why) {
  plan_ = {};
  plan_.what = plan::kind::shutdown;
  plan_.why = std::move(why);
  if (!simple())
    for (auto& s : slots_)
      plan_.stop.push_front(&s);
}

time_point::duration engine::retry_pause(const slot& s) const {
  // Short enough that a child which never starts spends its budget within one period: else it would be tried for ever.
  const auto cap = time_point::duration{flags_.period} / (2 * (flags_.intensity + 1));
  return std::min<time_point::duration>({retry_min * (1LL << std::min(s.failures, 10)), retry_max, cap});
}

} // namespace lyceum::supervision
