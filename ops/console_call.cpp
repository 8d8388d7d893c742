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
          return then({false, got.detail.empty() ? got.code : got.detail});
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

void console_account_call(supervision::control& control, std::vector<std::string> words,
                          const http::operator_session& who, std::function<void(http::console_desk::outcome)> then) {
  supervision::control_request asked;
  asked.command = "account";
  asked.args = std::move(words);
  control.call(std::move(asked), caller_of(who), [then = std::move(then)](const supervision::control_answer& got) {
    if (!got.code.empty())
      return then({false, got.detail.empty() ? got.code : got.detail});
    boost::system::error_code bad;
    const auto value = boost::json::parse(got.json, bad);
    const auto* o = bad ? nullptr : value.if_object();
    const auto* done = o ? o->if_contains("done") : nullptr;
    then({true, done && done->is_string() ? std::string(done->as_string()) : "Done."});
  });
}

} // namespace lyceum
