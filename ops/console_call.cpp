// SPDX-License-Identifier: Apache-2.0
#include "ops/console_call.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>

#include <unistd.h>

namespace lyceum {
namespace {

std::string done_text(const std::string& op, const std::string& path, std::string_view state,
                      std::uint64_t generation) {
  return fmt::format("{}: {} is {}, generation {}.", op, path, state, generation);
}

/// {"done": "pro is given."} in its words; what changes mail answers with a name and a value, for programs.
std::string sentence_of(const boost::json::value& answer) {
  const auto* o = answer.if_object();
  if (!o || o->size() != 1)
    return "Done.";
  const auto& [name, value] = *o->begin();
  const auto said = value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value);
  if (name == "done")
    return said;
  if (name == "queued" && value.is_string())
    return "Mail " + said + " is queued again.";
  if (name == "queued")
    return said == "0" ? "No failed mail has its text any more: none is queued." : said + " queued again.";
  if (name == "dropped")
    return "Mail " + said + " is dropped.";
  if (name == "paused" || name == "resumed")
    return fmt::format("{}: {}.", name == "paused" ? "Paused" : "Goes on", said);
  if (name == "gets_mail_again")
    return said + " gets mail again.";
  return "Done.";
}

supervision::control_caller caller_of(const http::operator_session& of) {
  using role = supervision::control_caller::role;
  supervision::control_caller who;
  who.may = of.role == http::operator_role::admin       ? role::admin
            : of.role == http::operator_role::operating ? role::operator_
                                                        : role::viewer;
  who.name = "console " + of.id;
  who.uid = geteuid();
  who.pid = getpid();
  return who;
}

} // namespace

void console_call(supervision::control& control, const http::console_desk::order& what,
                  std::function<void(http::console_desk::outcome)> then) {
  auto who = caller_of(what.who);
  supervision::control_request asked;
  asked.command = what.op;
  asked.args = {what.path};
  asked.if_generation = what.generation;
  control.call(
      std::move(asked), std::move(who),
      [then = std::move(then), op = what.op, path = what.path](const supervision::control_answer& got) {
        if (!got.code.empty())
          return then({false, got.detail.empty() ? got.code : got.detail, got.code});
        boost::system::error_code bad;
        const auto value = boost::json::parse(got.json, bad);
        const auto* o = bad ? nullptr : value.if_object();
        const auto* state = o ? o->if_contains("state") : nullptr;
        const auto* generation = o ? o->if_contains("generation") : nullptr;
        if (!state || !state->is_string() || !generation || !generation->is_number())
          return then({true, op + ": done."});
        then({true, done_text(op, path, std::string(state->as_string()), generation->to_number<std::uint64_t>(bad))});
      });
}

void console_data_call(supervision::control& control, const std::string& command, std::vector<std::string> words,
                       const http::operator_session& who, std::function<void(http::console_desk::outcome)> then) {
  supervision::control_request asked;
  asked.command = command;
  asked.args = std::move(words);
  control.call(std::move(asked), caller_of(who), [then = std::move(then)](const supervision::control_answer& got) {
    if (!got.code.empty())
      return then({false, got.detail.empty() ? got.code : got.detail, got.code});
    boost::system::error_code bad;
    then({true, sentence_of(boost::json::parse(got.json, bad))});
  });
}

} // namespace lyceum
