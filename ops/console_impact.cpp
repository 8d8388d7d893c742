// SPDX-License-Identifier: Apache-2.0
#include "ops/console_impact.hpp"

#include "ops/console_state.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lyceum {
namespace {

using supervision::node_kind;
using supervision::node_state;
using supervision::node_view;
using supervision::strategy;

struct command {
  std::string_view op, word, ending;
};
constexpr command commands[] = {
    {"restart", "Restart", "It stops in good order, and runs again at once. Spends nothing of its restart budget."},
    {"start", "Start", "It runs, or is tried again with its pauses."},
    {"suspend", "Suspend", "It takes no message until it is resumed, or the process starts anew."},
    {"resume", "Resume", "It goes on with what waits, in order."},
    {"kill", "Kill",
     "It ends at once, in the middle of what it does, and a fresh one runs. Spends nothing of its budget."},
    {"stop", "Stop", "It stays down until it is started, or the process starts anew."},
};

const command* find_command(std::string_view op) {
  const auto it = std::ranges::find(commands, op, &command::op);
  return it == std::end(commands) ? nullptr : it;
}

/// Siblings that are restarted with it: a stop leaves them alone.
std::vector<std::string> dependants(const supervision::registry& states, const node_view& of, std::string_view op) {
  std::vector<std::string> found;
  if ((op != "restart" && op != "kill") || of.parent.empty())
    return found;
  const auto family = states.below(of.parent);
  bool after = false;
  for (const auto& n : family) {
    if (n.parent != of.parent)
      continue;
    if (n.path == of.path)
      after = true;
    else if (const auto how = family.front().strategy;
             how == strategy::one_for_all || (how == strategy::rest_for_one && after))
      found.push_back(n.path);
  }
  return found;
}

/// Its own note, or that of the first above it.
std::string note_for(const supervision::registry& states, node_view n) {
  while (n.note.empty() && !n.parent.empty()) {
    const auto above = states.below(n.parent);
    if (above.empty())
      break;
    n = above.front();
  }
  return n.note;
}

std::string touched_text(const node_view& subject, std::size_t below, std::uint64_t running,
                         const std::vector<std::string>& with) {
  auto text = subject.path;
  if (below > 0)
    text += fmt::format(" and {} below it", below);
  if (running > 0)
    text += fmt::format(", {} at work", running);
  for (std::size_t i = 0; i < with.size(); ++i)
    text += (i == 0 ? "; with it: " : ", ") + with[i];
  return text;
}

std::string waiting_text(std::uint64_t waiting, std::string_view op) {
  if (waiting == 0)
    return "nothing";
  const auto count = waiting == 1 ? std::string("1 message") : fmt::format("{} messages", waiting);
  if (op == "suspend" || op == "resume" || op == "start")
    return count + ", kept in order";
  return count + (op == "stop" ? ": they are lost" : ": questions are put again to its successor, notices are lost");
}

bool is_away(node_state s) {
  return s == node_state::stopped || s == node_state::degraded || s == node_state::down;
}

/// Why it cannot be done; empty where it can.
std::string why_not(const supervision::registry& states, const node_view& n, std::string_view op) {
  if (const auto above = n.parent.empty() ? std::vector<node_view>{} : states.below(n.parent);
      !above.empty() && is_away(above.front().state))
    return fmt::format("{} is {}, and this with it: start that.", n.parent, name_of(above.front().state));
  const bool in_control = n.path == "control" || n.path.starts_with("control/");
  if (n.parent.empty())
    return "That is the whole site: stop or restart the process instead.";
  if (in_control && (op == "stop" || op == "suspend"))
    return "That would lock you out: nobody could start it again from here. Kill or restart it instead.";
  const bool lives = n.state == node_state::running || n.state == node_state::suspended;
  if (op == "suspend" && n.kind != node_kind::worker)
    return "Only a worker can be suspended: its supervisor has no messages to hold back.";
  if (op == "suspend" && n.state != node_state::running)
    return fmt::format("It is {}.", name_of(n.state));
  if (op == "resume" && n.state != node_state::suspended)
    return fmt::format("It is {}, not suspended.", name_of(n.state));
  if (op == "start" && lives)
    return "It runs already.";
  if ((op == "restart" || op == "stop") && n.state == node_state::stopped)
    return "It is stopped: start it instead.";
  return {};
}

} // namespace

std::optional<views::console_question> console_impact(const supervision::registry& states, const std::string& path,
                                                      const std::string& op) {
  const auto* what = find_command(op);
  const auto nodes = path.empty() ? std::vector<node_view>{} : states.below(path);
  if (what == nullptr || nodes.empty())
    return std::nullopt;
  const auto& subject = nodes.front();
  const auto with = dependants(states, subject, op);
  std::uint64_t waiting = 0, running = 0;
  const auto weigh = [&](const std::vector<node_view>& some) {
    for (const auto& n : some) {
      waiting += n.mailbox;
      running += n.children;
    }
  };
  weigh(nodes);
  for (const auto& one : with)
    weigh(states.below(one));

  views::console_question made;
  made.path = subject.path;
  made.op = op;
  made.title = fmt::format("{} {}?", what->word, subject.path);
  made.button = fmt::format("{} {}", what->word, subject.path);
  made.generation = subject.generation;
  made.named = op == "stop" || (op == "kill" && subject.kind != node_kind::worker);
  made.refused = why_not(states, subject, op);
  made.facts.emplace_back("Touched", touched_text(subject, nodes.size() - 1, running, with));
  made.facts.emplace_back("Waiting", waiting_text(waiting, op));
  auto note = note_for(states, subject);
  if (op == "resume" || op == "start")
    note = "nothing, or that it is back";
  made.facts.emplace_back("Learners notice", note.empty() ? "nothing" : note);
  made.facts.emplace_back("Then", what->ending);
  return made;
}

std::vector<std::pair<std::string, std::string>> console_commands(const supervision::registry& states,
                                                                  const std::string& path) {
  std::vector<std::pair<std::string, std::string>> some;
  const auto nodes = path.empty() ? std::vector<node_view>{} : states.below(path);
  if (!nodes.empty())
    for (const auto& one : commands)
      if (why_not(states, nodes.front(), one.op).empty())
        some.emplace_back(one.op, one.word);
  return some;
}

} // namespace lyceum
