// SPDX-License-Identifier: Apache-2.0
#include "supervision/control_commands.hpp"

#include <boost/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace lyceum::supervision {
namespace {

namespace json = boost::json;

json::object node_json(const node_view& n) {
  json::object o;
  o["path"] = n.path;
  o["kind"] = name_of(n.kind);
  o["state"] = name_of(n.state);
  o["generation"] = n.generation;
  o["restarts"] = n.restarts;
  o["budget"] = n.budget;
  o["period_ms"] = n.period.count();
  o["restarts_total"] = n.restarts_total;
  o["mailbox"] = n.mailbox;
  o["uptime_ms"] = n.uptime.count();
  o["handled"] = n.handled;
  o["cpu_ms"] = n.cpu.count();
  if (n.busy >= milliseconds{100})
    o["busy_ms"] = n.busy.count();
  if (n.retry_in.count() > 0)
    o["retry_in_ms"] = n.retry_in.count();
  if (n.kind == node_kind::dynamic)
    o["children"] = n.children;
  if (n.abandoned > 0)
    o["abandoned"] = n.abandoned;
  if (n.demoted > 0)
    o["demoted"] = n.demoted;
  if (!n.note.empty())
    o["note"] = n.note;
  return o;
}

json::object whole_node_json(const node_view& n) {
  auto o = node_json(n);
  o["restart"] = name_of(n.restart);
  if (n.kind != node_kind::worker)
    o["strategy"] = name_of(n.strategy);
  o["thread"] = n.detached ? "own" : "pool";
  o["essential"] = n.essential;
  if (!n.last_exit.empty())
    o["last_exit"] = n.last_exit;
  return o;
}

control_answer ok(const json::value& what) {
  return {json::serialize(what), {}, {}};
}
control_answer no(std::string code, std::string detail) {
  return {"null", std::move(code), std::move(detail)};
}

std::string argument(const control_request& r, std::size_t n) {
  return r.args.size() > n ? r.args[n] : std::string{};
}

std::shared_ptr<roster> roster_of(system& tree, const std::string& path) {
  std::lock_guard lock(tree.inside().guard);
  const auto it = tree.inside().rosters.find(path);
  return it == tree.inside().rosters.end() ? nullptr : it->second;
}

json::object living_json(const alive_entry& one) {
  json::object o;
  o["path"] = one.vitals->path;
  o["state"] = one.vitals->suspended ? "suspended" : "running";
  o["generation"] = one.vitals->generation;
  o["mailbox"] = one.vitals->mailbox();
  o["handled"] = one.vitals->handled.load();
  o["cpu_ms"] = one.vitals->cpu().count();
  o["uptime_ms"] =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - one.vitals->born).count();
  o["busy_ms"] = one.vitals->busy_for().count();
  return o;
}

/// A child that was made on demand, "sessions/7f3": the tree's list names only those that stay.
std::optional<json::object> made_on_demand(system& tree, const std::string& path) {
  const auto at = tree.states().normal(path);
  const auto cut = at.rfind('/');
  const auto living = cut == std::string::npos ? nullptr : roster_of(tree, at.substr(0, cut));
  if (!living)
    return {};
  std::lock_guard lock(living->guard);
  for (const auto& [number, one] : living->all)
    if (one.vitals->path == at)
      return living_json(one);
  return {};
}

control_answer tree_answer(system& tree, const control_request& r) {
  const auto nodes = r.args.empty() ? tree.states().snapshot() : tree.states().below(r.args.front());
  json::array all;
  if (nodes.empty() && !r.args.empty()) {
    if (auto one = made_on_demand(tree, r.args.front()))
      return ok(json::array{std::move(*one)});
    return no("not_found", "no such child: " + r.args.front() + "; `tree` lists all");
  }
  for (const auto& n : nodes)
    all.push_back(node_json(n));
  return ok(all);
}

control_answer show_answer(system& tree, const control_request& r) {
  const auto path = argument(r, 0);
  const auto nodes = tree.states().below(path);
  if (path.empty())
    return no("usage", "show PATH");
  if (nodes.empty()) {
    if (auto one = made_on_demand(tree, path))
      return ok(*one);
    return no("not_found", "no such child: " + path + "; `tree` lists all");
  }
  auto o = whole_node_json(nodes.front());
  json::array children;
  for (const auto& n : nodes)
    if (n.parent == nodes.front().path)
      children.push_back(node_json(n));
  if (nodes.front().kind == node_kind::dynamic) {
    if (const auto living = roster_of(tree, nodes.front().path)) {
      std::lock_guard lock(living->guard);
      for (const auto& [number, one] : living->all) {
        if (children.size() == 1000)
          break; // enough to look at
        children.push_back(living_json(one));
      }
    }
  }
  if (nodes.front().kind != node_kind::worker)
    o["below"] = std::move(children);
  return ok(o);
}

control_answer count_answer(system& tree, const control_request& r) {
  const auto nodes = tree.states().below(argument(r, 0));
  if (nodes.empty())
    return no("not_found", "no such child: " + argument(r, 0));
  const auto& of = nodes.front();
  if (of.kind == node_kind::worker)
    return no("not_supervisor", of.path + " is a worker: only a supervisor has children to count");
  child_counts all;
  if (of.kind == node_kind::dynamic) // one spec, the template
    all = {1, of.children, 0, of.children};
  else
    for (const auto& n : nodes)
      if (n.parent == of.path) {
        ++all.specs;
        ++(n.kind == node_kind::worker ? all.workers : all.supervisors);
        all.active += n.state == node_state::running || n.state == node_state::suspended ? 1U : 0U;
      }
  return ok(json::object{
      {"specs", all.specs}, {"active", all.active}, {"supervisors", all.supervisors}, {"workers", all.workers}});
}

constexpr milliseconds stuck_after{5000}; // in one handler: the watchdog has named it by then

/// Whether a long handler of it is a fault: an import may take its time.
bool has_limit(system& tree, const node_view& n) {
  std::lock_guard lock(tree.inside().guard);
  return !n.detached || tree.inside().handler_max.contains(n.path);
}

control_answer health_answer(system& tree, const control_request&) {
  json::array unwell;
  std::size_t abandoned = 0;
  if (const auto& conditions = tree.inside().options.conditions)
    for (const auto& one : conditions())
      unwell.push_back(json::object{{"path", one.path}, {"state", one.state}, {"last_exit", ""}, {"note", one.detail}});
  std::set<std::string> named; // whoever is below one of these is away with it, and needs no line of its own
  for (const auto& n : tree.states().snapshot()) {
    abandoned += n.abandoned;
    if (n.state == node_state::running && n.busy >= stuck_after && has_limit(tree, n))
      unwell.push_back(json::object{{"path", n.path},
                                    {"state", "stuck"},
                                    {"last_exit", ""},
                                    {"note", "in one handler for " + std::to_string(n.busy.count() / 1000) + " s"}});
    // What an operator stopped or suspended does no work, and is forgotten easily. A transient child may have ended as it should.
    const bool ended_well = n.state == node_state::stopped && n.restart != restart_type::permanent;
    if (n.state == node_state::running || ended_well)
      continue;
    const bool first = !named.contains(n.parent);
    named.insert(n.path);
    if (!first)
      continue;
    json::object o{{"path", n.path}, {"state", name_of(n.state)}, {"last_exit", n.last_exit}};
    if (n.retry_in.count() > 0)
      o["retry_in_ms"] = n.retry_in.count();
    if (!n.note.empty())
      o["note"] = n.note;
    unwell.push_back(std::move(o));
  }
  json::object o;
  const bool pool = tree.pool_alive();
  o["state"] = unwell.empty() && pool && abandoned == 0 ? "ok" : "degraded";
  o["pid"] = ::getpid();
  o["pool_alive"] = pool;
  o["abandoned"] = abandoned;
  o["demoted"] = tree.demoted();
  o["quarantined"] = tree.poison().held().size();
  o["crashes"] = tree.crashes().total();
  o["unwell"] = std::move(unwell);
  return ok(o);
}

control_answer crashes_answer(system& tree, const control_request& r) {
  std::size_t n = 20;
  const auto text = argument(r, 0);
  if (!text.empty()) {
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (bad != std::errc{} || end != text.data() + text.size())
      return no("usage", "crashes [N]: N is a number");
  }
  std::string all = "[";
  for (const auto& c : tree.crashes().recent(n))
    all += (all.size() > 1 ? "," : "") + to_json(c);
  return {all + "]", {}, {}};
}

void operate(system& tree, operation what, const control_request& r, control_reply reply) {
  const auto path = argument(r, 0);
  if (path.empty())
    return reply(no("usage", r.command + " PATH"));
  if (what == operation::kill && std::ranges::find(r.args, "--as-crash") != r.args.end())
    what = operation::kill_as_crash;
  const bool locks_out = what == operation::stop || what == operation::suspend || what == operation::degrade;
  if (locks_out && in_control(tree.states(), path))
    return reply(no(
        "refused", "that would lock you out: nobody could start the control socket again; kill or restart it instead"));
  const bool inspects = what == operation::inspect;
  tree.operate(
      what, path,
      [&tree, path, inspects, reply = std::move(reply)](outcome got) {
        if (!got.ok)
          return reply(no(got.code, got.detail));
        json::object o;
        if (inspects) {
          const auto seen = tree.states().below(path);
          if (!seen.empty())
            o = whole_node_json(seen.front());
          else if (auto one = made_on_demand(tree, path))
            o = std::move(*one);
          boost::system::error_code not_json;
          const auto summary = json::parse(got.detail, not_json);
          o["summary"] = not_json ? json::value(got.detail) : summary;
        } else {
          o["path"] = tree.states().normal(path);
          o["generation"] = got.generation;
          o["state"] = name_of(got.state);
        }
        reply(ok(o));
      },
      r.if_generation.value_or(0));
}

} // namespace

bool in_control(const registry& states, const std::string& path) {
  const auto at = states.normal(path);
  return at == "control" || at.starts_with("control/");
}

void add_tree_commands(system& tree, const std::function<void(std::string, control_handler, bool)>& add) {
  const auto read = [&](std::string name, control_answer (*make)(system&, const control_request&)) {
    add(
        std::move(name), [&tree, make](const control_request& r, control_reply reply) { reply(make(tree, r)); }, false);
  };
  read("tree", tree_answer);
  read("show", show_answer);
  read("count", count_answer);
  read("health", health_answer);
  read("status", health_answer);
  read("crashes", crashes_answer);
  read("impact", impact_answer);
  for (const auto* name :
       {"restart", "stop", "start", "kill", "suspend", "resume", "inspect", "degrade", "undegrade", "reset"}) {
    operation what{};
    parse_operation(name, what);
    add(
        name,
        [&tree, what](const control_request& r, control_reply reply) { operate(tree, what, r, std::move(reply)); },
        what != operation::inspect);
  }
}

std::optional<control_answer> serving_answer(system& tree, const std::string& path) {
  const auto nodes = tree.states().below(path);
  if (nodes.empty())
    return no("not_found", "no such child: " + path);
  for (const auto& n : nodes)
    if (n.state != node_state::running &&
        !(n.state == node_state::stopped && n.last_exit.empty() && n.path != nodes.front().path))
      return std::nullopt;
  return ok(json::object{{"path", nodes.front().path}, {"state", "running"}, {"generation", nodes.front().generation}});
}

} // namespace lyceum::supervision
