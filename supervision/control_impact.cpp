// SPDX-License-Identifier: Apache-2.0
// The blast radius: what a restart, a stop or a kill would touch, said before it is done.
#include "supervision/control_commands.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace lyceum::supervision {
namespace {

namespace json = boost::json;

constexpr std::size_t words_max = 200; // bytes of a child's own words

control_answer no(std::string code, std::string detail) {
  return {"null", std::move(code), std::move(detail)};
}

std::string counted(std::uint64_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

/// The siblings that are restarted with it: after a restart and a kill, as the strategy above says; a stop leaves them.
std::vector<std::string> dependants(const registry& states, const node_view& of, const std::string& action) {
  std::vector<std::string> found;
  if (action == "stop" || of.parent.empty())
    return found;
  const auto family = states.below(of.parent);
  if (family.empty())
    return found;
  const auto how = family.front().strategy;
  bool after = false;
  for (const auto& n : family) {
    if (n.parent != of.parent)
      continue;
    if (n.path == of.path)
      after = true;
    else if (how == strategy::one_for_all || (how == strategy::rest_for_one && after))
      found.push_back(n.path);
  }
  return found;
}

/// What a child says is at stake with it. It is code of others: whatever it throws, and however long it is.
std::string words_of(system& tree, const std::string& path) {
  std::function<std::string()> ask;
  {
    std::lock_guard lock(tree.inside().guard);
    const auto it = tree.inside().at_stake.find(path);
    if (it == tree.inside().at_stake.end())
      return {};
    ask = it->second;
  }
  try {
    return ask().substr(0, words_max);
  } catch (const std::exception& e) {
    return std::string("it cannot say what is at stake: ") + e.what();
  }
}

struct weighed {
  std::uint64_t waiting = 0;          ///< messages in mailboxes
  std::uint64_t unspoken = 0;         ///< of these, at children that say nothing of their own
  std::uint64_t running = 0;          ///< children of dynamic supervisors
  std::uint64_t unspoken_running = 0; ///< of these, where nobody says anything of its own
  std::uint64_t parked = 0;           ///< requests that wait in routes for a restart
  json::array stakes;                 ///< what children say themselves
  std::string spoken;                 ///< the same as a text
};

void weigh(system& tree, const std::vector<node_view>& nodes, weighed& to) {
  for (const auto& n : nodes) {
    // The one at hand is not waiting: it is done before an orderly end, and a watcher's may last for ever.
    const auto waiting = n.mailbox - (n.mailbox > 0 && n.at_work ? 1U : 0U);
    to.waiting += waiting;
    to.running += n.children;
    to.parked += tree.named(n.path).waiting();
    const auto words = words_of(tree, n.path);
    if (words.empty()) {
      to.unspoken += waiting;
      to.unspoken_running += n.children;
      continue;
    }
    to.stakes.push_back(json::object{{"path", n.path}, {"says", words}});
    to.spoken += (to.spoken.empty() ? "" : "; ") + n.path.substr(n.path.rfind('/') + 1) + ": " + words;
  }
}

} // namespace

control_answer impact_answer(system& tree, const control_request& asked) {
  const auto action = asked.args.size() > 1 ? asked.args[1] : std::string("restart");
  if (asked.args.empty() || asked.args.size() > 2 || (action != "restart" && action != "stop" && action != "kill"))
    return no("usage", "impact PATH [restart|stop|kill]");
  auto nodes = tree.states().below(asked.args.front());
  if (nodes.empty())
    return no("not_found", "no such child: " + asked.args.front() + "; `tree` lists all");
  const auto subject = nodes.front();
  const auto with = dependants(tree.states(), subject, action);
  for (const auto& path : with)
    std::ranges::move(tree.states().below(path), std::back_inserter(nodes));
  weighed all;
  weigh(tree, nodes, all);

  json::array kept;
  json::array lost;
  if (all.parked > 0 && action == "stop")
    lost.emplace_back(counted(all.parked, "request that waits for a restart", "requests that wait for a restart"));
  else if (all.parked > 0)
    kept.emplace_back(counted(all.parked, "request that waits for a restart", "requests that wait for a restart"));
  if (all.unspoken_running > 0)
    lost.emplace_back(counted(all.unspoken_running, "child of a dynamic supervisor, with what it is doing",
                              "children of dynamic supervisors, with what they are doing"));
  if (all.unspoken > 0 && action == "stop")
    lost.emplace_back(counted(all.unspoken, "message in a mailbox", "messages in mailboxes"));
  else if (all.unspoken > 0) {
    kept.emplace_back("questions among " + counted(all.unspoken, "message", "messages") + ": they are put again");
    lost.emplace_back("notices among " + counted(all.unspoken, "message", "messages"));
  }

  std::string says = subject.path + ": ";
  says += all.waiting + all.parked + all.running == 0 ? "nothing waits"
                                                      : std::to_string(all.waiting + all.parked) + " waiting";
  if (all.running > 0)
    says += ", " + std::to_string(all.running) + " running";
  if (lost.empty() && all.running == 0)
    says += ", none lost";
  else
    for (std::size_t i = 0; i < lost.size(); ++i)
      says += (i == 0 ? ", lost: " : "; ") + std::string(lost[i].as_string());
  if (!all.spoken.empty())
    says += " (" + all.spoken + ")";
  if (!with.empty()) {
    says += "; restarts with it:";
    for (const auto& path : with)
      says += " " + path;
  }
  if (!subject.note.empty())
    says += "; meanwhile: " + subject.note;

  json::object o;
  o["path"] = subject.path;
  o["action"] = action;
  o["kind"] = name_of(subject.kind);
  o["generation"] = subject.generation;
  o["touches"] = nodes.size();
  o["restarts_with"] = json::value_from(with);
  o["waiting"] = all.waiting;
  o["parked"] = all.parked;
  o["running"] = all.running;
  o["kept"] = std::move(kept);
  o["lost"] = std::move(lost);
  o["stakes"] = std::move(all.stakes);
  o["note"] = subject.note;
  o["says"] = says;
  return {json::serialize(o), {}, {}};
}

} // namespace lyceum::supervision
