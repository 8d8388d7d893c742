// SPDX-License-Identifier: Apache-2.0
// The life of a call: asked, allowed or refused, answered or late, and written down.
#include "supervision/control_commands.hpp"
#include "supervision/control_server.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace lyceum::supervision {
namespace {

constexpr std::size_t calls_max = 64; // unanswered calls of one connection
constexpr std::size_t audit_asked_max = 1000;

control_answer no(std::string code, std::string detail) {
  return {"null", std::move(code), std::move(detail)};
}

} // namespace

void control::inner::take_line(std::uint64_t number, connection& c, std::string_view line) {
  auto got = parse_control_line(line);
  if (!got.error.empty()) {
    ++c.wrong_lines;
    complain(c.who.name + " (process " + std::to_string(c.who.pid) + ") sent a wrong line: " + got.error);
    c.out += answer_line(got.id, no("bad_request", got.error));
    return;
  }
  c.wrong_lines = 0;
  take_call(number, std::move(got.id), c.who, std::move(got.asked), nullptr);
}

void control::inner::take_call(std::uint64_t number, std::string id, control_caller who, control_request asked,
                               control_reply reply) {
  const auto call = ++numbers;
  const auto found = handlers.find(asked.command);
  const auto rule = found == handlers.end() ? control_rule{} : rule_for(found->second.rule, asked.args);
  auto& one = calls[call];
  const auto deadline = clock::now() + options.max_of(asked.command);
  one = {number, std::move(id), std::move(who), std::move(asked), rule.changes, deadline, std::move(reply)};
  if (number != 0 && ++connections.at(number).calls > calls_max)
    return answer(call, no("busy", "too many calls wait for their answer on this connection"));
  if (found == handlers.end())
    return answer(call, no("unknown_command",
                           "no such command: " + one.asked.command.substr(0, 64) + "; `lyceum ctl --help` lists all"));
  if (auto refused = refusal(one.who, found->second, rule, one.asked))
    return answer(call, std::move(*refused));
  if (take_own(call, one) || act_on_control(call, one))
    return;
  auto late = [this, call, box = box](control_answer what) {
    if (std::this_thread::get_id() == box->reader.load()) // elsewhere this object may be gone by now
      answer(call, std::move(what));
    else
      box->put([this, call, what = std::move(what)]() mutable { answer(call, std::move(what)); });
  };
  const auto request = one.asked; // the answer may come, and end the call, while its handler runs
  try {
    found->second.run(request, std::move(late));
  } catch (const std::exception& e) {
    answer(call, no("internal", e.what()));
  }
}

std::optional<control_answer> control::inner::refusal(const control_caller& who, const entry& what,
                                                      const control_rule& rule, const control_request& asked) {
  if (who.may < rule.needs) {
    complain(who.name + " (" + std::string(name_of(who.may)) + ", process " + std::to_string(who.pid) +
             ") was refused: " + asked.command);
    const bool operators_too = rule.needs == control_caller::role::operator_;
    return no("forbidden", asked.command + " needs the role " + std::string(name_of(rule.needs)) + ", and " + who.name +
                               (who.may == control_caller::role::viewer ? " is a " : " is an ") +
                               std::string(name_of(who.may)) + ": ask as the server's user or root" +
                               (operators_too ? ", or as a member of the group in control_group" : ""));
  }
  if (!asked.if_generation)
    return {};
  if (!what.rule.changes || asked.args.empty())
    return no("usage", "\"if_gen\" belongs to a command that changes one child");
  const auto seen = tree.states().below(asked.args.front());
  if (seen.empty())
    return no("not_found", "no such child: " + asked.args.front());
  const auto now = seen.front().generation;
  if (now == *asked.if_generation)
    return {};
  return no("generation", seen.front().path + " is at generation " + std::to_string(now) + ", not " +
                              std::to_string(*asked.if_generation) + ": another life has begun; look again");
}

/// The commands that this file and control_streams.cpp answer themselves.
bool control::inner::take_own(std::uint64_t call, pending_call& one) {
  const auto& asked = one.asked;
  if (asked.command == "wait") {
    one.deadline = clock::now() + asked.timeout;
    waits.push_back(call);
    check_waits();
  } else if (asked.command == "audit") {
    std::size_t n = 20;
    const auto text = asked.args.empty() ? std::string("20") : asked.args.front();
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (asked.args.size() > 1 || bad != std::errc{} || end != text.data() + text.size() || n > audit_asked_max) {
      answer(call, no("usage", "audit [N]: N is a number, at most 1000"));
      return true;
    }
    std::string all;
    for (const auto& line : audit.recent(n))
      all += (all.empty() ? "" : ",") + line;
    answer(call, {"[" + all + "]", {}, {}});
  } else if (asked.command == "trace") {
    begin_trace(call, one);
  } else if (asked.command == "chaos") {
    begin_chaos(call, one);
  } else if (asked.command == "sub") {
    begin_sub(call, one);
  } else {
    return false;
  }
  return true;
}

/// `kill` and `restart` of control: audited and answered, and only then done, whatever they do to the one who answers.
bool control::inner::act_on_control(std::uint64_t call, const pending_call& one) {
  const bool kills = one.asked.command == "kill";
  if ((!kills && one.asked.command != "restart") || one.asked.args.empty())
    return false;
  const auto path = tree.states().normal(one.asked.args.front());
  const auto seen = tree.states().below(path);
  if (!in_control(tree.states(), path) || seen.empty() || seen.front().state != node_state::running)
    return false;
  const bool as_crash = std::ranges::find(one.asked.args, "--as-crash") != one.asked.args.end();
  const auto number = one.connection;
  answer(call, {"{\"path\":" + json_string(path) + ",\"generation\":" + std::to_string(seen.front().generation + 1) +
                    ",\"state\":\"restarting\"}",
                {},
                {}});
  if (const auto at = connections.find(number); at != connections.end())
    flush(at->second);
  tree.operate(kills ? as_crash ? operation::kill_as_crash : operation::kill : operation::restart, path,
               [this, box = box, path](const outcome& got) {
                 if (!got.ok)
                   box->put([this, path, got] { complain(path + " was not replaced as ordered: " + got.detail); });
               });
  return true;
}

void control::inner::answer(std::uint64_t call, control_answer what) {
  const auto found = calls.find(call);
  if (found == calls.end())
    return; // answered already, or given up
  const auto one = std::move(found->second);
  calls.erase(found);
  if (one.changes)
    write_audit(one, what.code.empty() ? "ok" : what.code);
  if (one.connection == 0) {
    if (one.reply)
      one.reply(std::move(what));
    return;
  }
  const auto at = connections.find(one.connection);
  if (at == connections.end())
    return;
  --at->second.calls;
  at->second.out += answer_line(one.id, std::move(what));
}

void control::inner::write_audit(const pending_call& call, const std::string& result) {
  audit_entry e;
  e.who = call.who;
  e.command = call.asked.command;
  e.args = call.asked.args;
  if (const auto found = handlers.find(e.command); found != handlers.end() && found->second.rule.audited)
    std::ranges::transform(e.args, e.args.begin(), found->second.rule.audited);
  if (call.asked.if_generation)
    e.args.push_back("--if-gen=" + std::to_string(*call.asked.if_generation));
  e.result = result;
  if (const auto wrong = audit.add(e); !wrong.empty())
    complain("cannot write " + options.audit.string() + ": " + wrong);
}

void control::inner::check_waits() {
  const auto asked = std::exchange(waits, {});
  for (const auto call : asked) {
    const auto at = calls.find(call);
    if (at == calls.end())
      continue;
    const auto& args = at->second.asked.args;
    if (auto result = serving_answer(tree, args.empty() ? std::string{} : args.front()))
      answer(call, std::move(*result));
    else
      waits.push_back(call);
  }
}

void control::inner::check_deadlines(clock::time_point now) {
  std::vector<std::uint64_t> late;
  for (const auto& [call, one] : calls)
    if (one.deadline <= now)
      late.push_back(call);
  for (const auto call : late) {
    const bool waited = calls.at(call).asked.command == "wait";
    answer(call, no("timeout", waited ? "it does not serve yet; `tree` says what it waits for"
                                      : "no answer within " +
                                            std::to_string(options.max_of(calls.at(call).asked.command).count()) +
                                            " ms; it may still happen: see `tree`"));
  }
}

/// Nobody hears their answers; what changes something happens all the same, and is written down at its end.
void control::inner::forget_calls_of(std::uint64_t number) {
  std::erase_if(calls, [&](const auto& c) { return c.second.connection == number && !c.second.changes; });
  if (const auto at = connections.find(number); at != connections.end())
    at->second.calls = 0;
}

} // namespace lyceum::supervision
