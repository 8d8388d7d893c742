// SPDX-License-Identifier: Apache-2.0
// What a supervisor is asked, by operators and in OTP's words, and what it answers.
#include "supervision/supervisor_actor.hpp"

#include <charconv>

namespace lyceum::supervision {
namespace {

void send_order(const caf::actor& to, sys_message order) {
  // What was skipped while suspended stands before its queue again once a message of that same queue has been taken: so `resume`
  // has to travel in the normal one.
  if (order.what == sys_message::kind::resume)
    caf::anon_send(to, std::move(order));
  else
    caf::anon_send<caf::message_priority::high>(to, std::move(order));
}

} // namespace

void supervisor_actor::put(call what, asked by) {
  const auto number = ++call_ids_;
  calls_.emplace(number, std::move(by));
  engine_.ask(number, std::move(what), clock::now());
  settle();
}

// --- an operator's --------------------------------------------------------------------------------------------------

void supervisor_actor::on_operation(op_message& m) {
  if (m.if_generation != 0)
    if (const auto seen = in_.states.below(path_of(m.id)); !seen.empty() && seen.front().generation != m.if_generation)
      return m.done->give({false, "generation", path_of(m.id) + " has begun another life; look again",
                           seen.front().generation, seen.front().state});
  call c;
  c.id = m.id;
  switch (m.what) {
  case operation::suspend:
  case operation::resume:
  case operation::inspect:
    return on_look(m);
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
  put(std::move(c), {m.id, m.extra, m.done, nullptr});
}

// Suspend, resume, inspect: the child itself answers.
void supervisor_actor::on_look(op_message& m) {
  const child* what = definition(m.id);
  if (!what)
    return m.done->give({false, "not_found", "no such child: " + path_of(m.id), 0, node_state::stopped});
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
    return send_order(one.who, {order, m.done});
  }
  m.done->give({false, "not_running", path_of(m.id) + " does not run now", 0, node_state::stopped});
}

void supervisor_actor::on_dynamic_operation(op_message& m) {
  child_handle number = 0;
  const auto end = m.id.data() + m.id.size();
  const auto [at, bad] = std::from_chars(m.id.data(), end, number, 16);
  const auto it = bad == std::errc{} && at == end ? living_.find(number) : living_.end();
  if (it == living_.end() || !it->second.who)
    return m.done->give({false, "not_found", "no such child: " + path_ + "/" + m.id, 0, node_state::stopped});
  const auto send_sys = [&](sys_message::kind order) { send_order(it->second.who, {order, m.done}); };
  call c;
  c.handle = number;
  switch (m.what) {
  case operation::suspend:
    return send_sys(sys_message::kind::suspend);
  case operation::resume:
    return send_sys(sys_message::kind::resume);
  case operation::inspect:
    return send_sys(sys_message::kind::inspect);
  case operation::kill:
  case operation::kill_as_crash:
    c.what = call::op::kill;
    c.as_crash = m.what == operation::kill_as_crash;
    break;
  case operation::restart:
    c.what = call::op::restart;
    break;
  case operation::stop:
    c.what = call::op::terminate_child;
    break;
  default:
    return m.done->give({false, "simple_one_for_one", "not to a dynamic child", 0, node_state::running});
  }
  put(std::move(c), {m.id, nullptr, m.done, nullptr});
}

// --- dynamic children -----------------------------------------------------------------------------------------------

void supervisor_actor::on_dynamic_start(dynamic_start& m) {
  if (!dynamic_)
    return;
  arrival with{std::move(m.args), std::move(m.ticket), 0};
  call c;
  c.what = call::op::start_child;
  if (engine_.busy()) { // its turn comes later
    arrivals_.emplace(call_ids_ + 1, std::move(with));
    return put(std::move(c), {});
  }
  arriving_ = &with;
  engine_.ask(0, std::move(c), clock::now());
  settle();
  arriving_ = nullptr;
}

// --- in OTP's words -------------------------------------------------------------------------------------------------

void supervisor_actor::on_call(call_message& m) {
  call c;
  c.what = m.what.what;
  c.id = m.what.id;
  if (const auto& whom = m.what.whom) {
    const auto it = by_actor_.find(whom.id());
    c.handle = it == by_actor_.end() ? SIZE_MAX : it->second;
    c.alive = !whom->getf(caf::abstract_actor::is_cleaned_up_flag);
    if (it == by_actor_.end())
      for (const auto& [number, with] : kept_)
        if (with.last == whom.id())
          c.handle = number;
  }
  if (c.what == call::op::start_child) {
    if (m.what.extra) {
      if (dynamic_) {
        supervisor_reply refused;
        refused.error = errc::simple_one_for_one;
        return m.done->give(std::move(refused));
      }
      c.spec = m.what.extra->spec;
      c.has_start = c.spec.type == child_type::supervisor || m.what.extra->start != nullptr;
    } else if (dynamic_) {
      arrivals_.emplace(call_ids_ + 1, arrival{std::move(m.what.args), std::move(m.ticket), 0});
    }
  }
  auto id = c.id;
  put(std::move(c), {std::move(id), m.what.extra, nullptr, m.done});
}

caf::actor supervisor_actor::who_is(child_handle number) const {
  const auto it = living_.find(number);
  return it == living_.end() ? caf::actor{} : it->second.who;
}

void supervisor_actor::do_reply(effect& e) {
  arrivals_.erase(e.call); // refused
  auto node = calls_.extract(e.call);
  if (node.empty())
    return;
  const auto by = std::move(node.mapped());
  if (by.done)
    by.done->give(outcome_of(e.result, by.id));
  if (!by.otp)
    return;
  supervisor_reply out;
  out.error = e.result.error;
  out.detail = std::move(e.result.detail);
  out.living = who_is(e.result.handle);
  out.info = std::move(e.result.info);
  for (auto& c : e.result.children)
    out.children.push_back({std::move(c.id), who_is(c.handle), c.state, c.type});
  out.counts = e.result.counts;
  out.spec = std::move(e.result.spec);
  by.otp->give(std::move(out));
}

outcome supervisor_actor::outcome_of(const call_result& result, const std::string& child_id) const {
  outcome out;
  out.ok = result.error == errc::none;
  if (!out.ok)
    out.code = name_of(result.error);
  const auto path = dynamic_ ? path_ + "/" + child_id : path_of(child_id);
  const auto seen = in_.states.below(path);
  if (!seen.empty()) {
    out.generation = seen.front().generation;
    out.state = seen.front().state;
  }
  if (dynamic_)
    out.generation = 1;
  switch (result.error) {
  case errc::none:
    break;
  case errc::not_found:
    out.detail = "no such child: " + path;
    break;
  case errc::running:
    out.detail = path + " is running already";
    break;
  case errc::not_running:
    out.detail = path + " does not run; start it";
    break;
  case errc::start_error:
    out.detail = path + " did not start: " + result.detail;
    break;
  case errc::noproc:
    out.detail = "its supervisor is stopping";
    break;
  default:
    out.detail = path + ": " + out.code;
  }
  return out;
}

} // namespace lyceum::supervision
