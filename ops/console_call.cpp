// SPDX-License-Identifier: Apache-2.0
#include "ops/console_call.hpp"

#include <fmt/format.h>

#include <memory>

#include <fcntl.h>
#include <unistd.h>

#if __has_include("supervision/control_roles.hpp")
#include <boost/json.hpp>
#endif

namespace lyceum {
namespace {

std::string done_text(const std::string& op, const std::string& path, std::string_view state,
                      std::uint64_t generation) {
  return fmt::format("{}: {} is {}, generation {}.", op, path, state, generation);
}

} // namespace

#if __has_include("supervision/control_roles.hpp")

void console_call(supervision::control& control, supervision::system&, const std::filesystem::path&,
                  const http::console_desk::order& what, std::function<void(http::console_desk::outcome)> then) {
  using role = supervision::control_caller::role;
  supervision::control_caller who;
  who.may = what.who.role == http::operator_role::admin       ? role::admin
            : what.who.role == http::operator_role::operating ? role::operator_
                                                              : role::viewer;
  who.name = "console " + what.who.id;
  who.uid = geteuid();
  who.pid = getpid();
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

#else

namespace {

void write_audit(const std::filesystem::path& file, const http::console_desk::order& what, const std::string& result) {
  using supervision::json_string;
  const auto line = "{\"at\":" + json_string(supervision::utc_text(std::chrono::system_clock::now())) +
                    ",\"uid\":" + std::to_string(geteuid()) + ",\"pid\":" + std::to_string(getpid()) +
                    ",\"name\":" + json_string("console " + what.who.id) + ",\"command\":" + json_string(what.op) +
                    ",\"args\":[" + json_string(what.path) + "],\"result\":" + json_string(result) + "}\n";
  const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return;
  [[maybe_unused]] const auto n = ::write(fd, line.data(), line.size());
  ::close(fd);
}

} // namespace

void console_call(supervision::control&, supervision::system& tree, const std::filesystem::path& audit,
                  const http::console_desk::order& what, std::function<void(http::console_desk::outcome)> then) {
  supervision::operation op{};
  const auto seen = tree.states().below(what.path);
  if (!supervision::parse_operation(what.op, op) || seen.empty())
    return then({false, "There is no such child, or no such command."});
  if (seen.front().generation != what.generation) {
    write_audit(audit, what, "generation");
    return then({false, "It was started again since you looked: nothing was done."});
  }
  tree.operate(op, what.path, [audit, what, then = std::move(then)](const supervision::outcome& got) {
    write_audit(audit, what, got.ok ? "ok" : got.code);
    if (got.ok)
      then({true, done_text(what.op, what.path, name_of(got.state), got.generation)});
    else
      then({false, got.detail.empty() ? got.code : got.detail});
  });
}

#endif

} // namespace lyceum
