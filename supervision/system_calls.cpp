// SPDX-License-Identifier: Apache-2.0
// Questions and orders to the supervisors of a tree, from outside.
#include "supervision/inside.hpp"

#include <future>

namespace lyceum::supervision {

bool parse_operation(std::string_view word, operation& to) {
  static constexpr std::pair<std::string_view, operation> words[] = {
      {"restart", operation::restart},     {"stop", operation::stop},       {"start", operation::start},
      {"kill", operation::kill},           {"remove", operation::remove},   {"suspend", operation::suspend},
      {"resume", operation::resume},       {"inspect", operation::inspect}, {"degrade", operation::degrade},
      {"undegrade", operation::undegrade}, {"reset", operation::reset}};
  for (const auto& [name, what] : words)
    if (name == word) {
      to = what;
      return true;
    }
  return false;
}

// --- an operator's ---------------------------------------------------------------------------------------------------

void system::operate(operation what, std::string_view path, outcome_callback then, std::uint64_t if_generation) {
  auto answer = std::make_shared<pending_answer>(std::move(then));
  auto& in = *inner_;
  const auto at = in.states.normal(path);
  const auto root = in.states.root();
  if (at == root) {
    answer->give({false, "root", "the root cannot be told that; name a part of it, or end the program", 0, {}});
    return;
  }
  const auto cut = at.rfind('/');
  const auto parent = cut == std::string::npos ? root : at.substr(0, cut);
  const auto to = in.supervisor_at(parent);
  if (!to) {
    if (in.states.knows(at))
      answer->give({false, "noproc", "its supervisor is away: " + parent, 0, node_state::down});
    else
      answer->give({false, "not_found", "no such child: " + at, 0, node_state::stopped});
    return;
  }
  caf::anon_send(to, op_message{what, cut == std::string::npos ? at : at.substr(cut + 1), nullptr, std::move(answer),
                                if_generation});
}

outcome system::operate(operation what, std::string_view path, milliseconds timeout) {
  auto promise = std::make_shared<std::promise<outcome>>();
  auto future = promise->get_future();
  operate(what, path, [promise](outcome got) { promise->set_value(std::move(got)); });
  if (future.wait_for(timeout) != std::future_status::ready)
    return {false, "timeout", "no answer within " + std::to_string(timeout.count()) + " ms", 0, node_state::down};
  return future.get();
}

void system::add_child(std::string_view supervisor, child what, outcome_callback then) {
  auto answer = std::make_shared<pending_answer>(std::move(then));
  const auto at = inner_->states.normal(supervisor);
  const auto to = inner_->supervisor_at(at);
  if (!to) {
    answer->give({false, "noproc", "no supervisor lives at " + at, 0, node_state::down});
    return;
  }
  auto extra = std::make_shared<child>(std::move(what));
  const auto id = extra->spec.id;
  caf::anon_send(to, op_message{operation::start, id, std::move(extra), std::move(answer)});
}

// --- OTP's ----------------------------------------------------------------------------------------------------------

void system::call_supervisor(std::string_view supervisor, supervisor_call what, reply_callback then) {
  auto done = std::make_shared<pending_reply>(std::move(then));
  const auto at = inner_->states.normal(supervisor);
  const auto to = inner_->supervisor_at(at);
  if (!to)
    return; // `done` goes, and says noproc
  std::shared_ptr<ticket> place;
  if (what.what == call::op::start_child && !what.extra) { // the same gate as for `dynamic_children::start`
    dynamic(at);
    std::shared_ptr<dynamic_children::gate> gate;
    {
      std::lock_guard lock(inner_->guard);
      gate = inner_->gates[at];
    }
    const bool full = gate->count.fetch_add(1, std::memory_order_relaxed) >= gate->max;
    place = std::make_shared<ticket>(gate);
    if (full) {
      supervisor_reply refused;
      refused.error = errc::max_children;
      return done->give(std::move(refused));
    }
  }
  caf::anon_send(to, call_message{std::move(what), std::move(place), std::move(done)});
}

supervisor_reply system::call_and_wait(std::string_view supervisor, supervisor_call what, milliseconds timeout) {
  auto promise = std::make_shared<std::promise<supervisor_reply>>();
  auto future = promise->get_future();
  call_supervisor(supervisor, std::move(what), [promise](supervisor_reply got) { promise->set_value(std::move(got)); });
  if (future.wait_for(timeout) == std::future_status::ready)
    return future.get();
  supervisor_reply late;
  late.error = errc::timeout;
  return late;
}

supervisor_reply system::which_children(std::string_view supervisor, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::which_children}, timeout);
}
supervisor_reply system::count_children(std::string_view supervisor, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::count_children}, timeout);
}
supervisor_reply system::get_childspec(std::string_view supervisor, std::string_view id, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::get_childspec, .id = std::string(id)}, timeout);
}
supervisor_reply system::get_childspec(std::string_view supervisor, const caf::actor& whom, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::get_childspec, .whom = whom}, timeout);
}
supervisor_reply system::start_child(std::string_view supervisor, child what, milliseconds timeout) {
  supervisor_call c{.what = call::op::start_child, .id = what.spec.id};
  c.extra = std::make_shared<child>(std::move(what));
  return call_and_wait(supervisor, std::move(c), timeout);
}
supervisor_reply system::start_child(std::string_view supervisor, caf::message args, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::start_child, .args = std::move(args)}, timeout);
}
supervisor_reply system::terminate_child(std::string_view supervisor, std::string_view id, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::terminate_child, .id = std::string(id)}, timeout);
}
supervisor_reply system::terminate_child(std::string_view supervisor, const caf::actor& whom, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::terminate_child, .whom = whom}, timeout);
}
supervisor_reply system::restart_child(std::string_view supervisor, std::string_view id, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::restart_child, .id = std::string(id)}, timeout);
}
supervisor_reply system::delete_child(std::string_view supervisor, std::string_view id, milliseconds timeout) {
  return call_and_wait(supervisor, {.what = call::op::delete_child, .id = std::string(id)}, timeout);
}

} // namespace lyceum::supervision
