// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/ctl.hpp"

#include "ops/commands/ctl_client.hpp"
#include "ops/commands/ctl_tables.hpp"
#include "ops/commands/ctl_watch.hpp"

#include <unistd.h>

#include <iostream>
#include <utility>

namespace lyceum::ops {
namespace {

namespace json = boost::json;

int complain(const ctl_reply& what) {
  std::cerr << "lyceum ctl: " << shown(what.problem, 1000) << '\n';
  return what.status;
}

/// Where a whole subsystem is meant: what that touches, before it is done. Nothing for a worker, and where it cannot be told (then
/// the command itself says why).
json::object impact_of(ctl_client& server, const ctl_question& q) {
  if (q.args.empty() || (q.name != "restart" && q.name != "stop" && q.name != "kill"))
    return {};
  ctl_question before;
  before.name = "impact";
  before.args = {q.args.front(), q.name};
  auto got = server.ask(before);
  if (got.status != 0 || !got.ok.is_object() || field(got.ok.as_object(), "kind") == "worker")
    return {};
  return std::move(got.ok.as_object());
}

/// False: whoever sits at the terminal does not want it. Scripts, which nobody sits at, go on.
bool agreed(const ctl_question& q, const json::object& impact) {
  std::cerr << shown(field(impact, "says"), 2000) << '\n';
  if (q.yes || ::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) // asked in the dark, nobody could answer
    return true;
  std::cerr << q.name << ' ' << shown(field(impact, "path"), 100) << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

} // namespace

int run_ctl(std::vector<std::string> args, std::string control_path_default) {
  const auto read = read_ctl(args, std::move(control_path_default));
  if (const auto* done = std::get_if<ctl_finished>(&read)) {
    (done->status == 0 ? std::cout : std::cerr) << done->text;
    return done->status;
  }
  const auto& q = std::get<ctl_question>(read);
  if (q.name == "watch")
    return run_watch(q);

  ctl_client server;
  if (const auto up = server.connect(q.control); up.status != 0)
    return complain(up);
  const auto impact = impact_of(server, q);
  if (!impact.empty() && !agreed(q, impact)) {
    std::cerr << "lyceum ctl: nothing was done\n";
    return 1;
  }
  auto got = server.ask(q, [&](const json::object& event) {
    std::cout << (q.as_json ? json::serialize(event) : event_text(event)) << std::endl; // as it comes, also into a pipe
  });
  if (got.status != 0)
    return complain(got);
  if (q.as_json && !impact.empty() && got.ok.is_object())
    got.ok.as_object()["impact"] = impact;
  if (q.as_json)
    std::cout << json::serialize(got.ok) << '\n';
  else
    print_for_people(q, got.ok);
  std::cout.flush();
  return 0;
}

} // namespace lyceum::ops
