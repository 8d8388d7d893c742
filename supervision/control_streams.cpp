// SPDX-License-Identifier: Apache-2.0
// Questions whose answer comes in parts: trace, chaos, sub.
#include "supervision/control_commands.hpp"
#include "supervision/control_server.hpp"

#include <algorithm>
#include <utility>

namespace lyceum::supervision {
namespace {

constexpr std::size_t traces_max = 4;
constexpr std::size_t trace_lines_a_turn = 20;       // a turn is 20 ms
constexpr std::size_t events_bytes_max = 256 * 1024; // unread events of one connection
constexpr std::uint64_t dropped_max = 10'000;        // then whoever does not read is cut

control_answer no(std::string code, std::string detail) {
  return {"null", std::move(code), std::move(detail)};
}

std::string list_of_topics(unsigned topics) {
  std::string all;
  const auto add = [&](unsigned topic, const char* name) {
    if ((topics & topic) != 0)
      all += (all.empty() ? "\"" : ",\"") + std::string(name) + "\"";
  };
  add(topic_exit, "exit");
  add(topic_restart, "restart");
  add(topic_report, "report");
  add(topic_state, "state");
  return all;
}

bool at_or_below(const std::string& path, const std::string& top) {
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

} // namespace

bool control::inner::streams() const {
  return !traces.empty() || std::ranges::any_of(connections, [](const auto& c) { return c.second.topics != 0; });
}

/// Room or not: an event never waits, and never grows a connection beyond its bound.
void control::inner::send_event(connection& c, const std::string& line) {
  if (c.ending)
    return;
  if (c.out.size() + line.size() <= events_bytes_max) {
    if (c.dropped > 0)
      c.out += event_line({}, "dropped", ",\"n\":" + std::to_string(std::exchange(c.dropped, 0)));
    c.out += line;
    return;
  }
  ++c.dropped;
  if (++c.dropped_since_room <= dropped_max)
    return;
  complain(c.who.name + " (process " + std::to_string(c.who.pid) + ") subscribed and does not read: cut");
  c.topics = 0;
  c.out.clear();
  c.ending = true;
}

/// An event of a call; an in-process one hears of the end alone.
void control::inner::send_of_call(std::uint64_t call, std::string_view kind, std::string_view members) {
  const auto one = calls.find(call);
  if (one == calls.end())
    return;
  const auto at = connections.find(one->second.connection);
  if (at != connections.end())
    send_event(at->second, event_line(one->second.id, kind, members));
}

void control::inner::begin_sub(std::uint64_t call, pending_call& one) {
  const auto topics = parse_topics(one.asked.args);
  const auto at = connections.find(one.connection);
  if (!topics)
    return answer(call, no("usage", "topics are exit, restart, report and state"));
  if (at == connections.end())
    return answer(call, no("usage", "a subscription needs a connection"));
  at->second.topics = *topics;
  feed.listen(true);
  answer(call, {"{\"topics\":[" + list_of_topics(*topics) + "]}", {}, {}});
}

void control::inner::begin_trace(std::uint64_t call, pending_call& one) {
  const auto read = parse_trace(one.asked.args);
  if (const auto* wrong = std::get_if<std::string>(&read))
    return answer(call, no("usage", *wrong));
  const auto& plan = std::get<trace_plan>(read);
  const auto path = tree.states().normal(plan.path);
  const auto parent = tree.states().below(path.substr(0, path.rfind('/')));
  if (!tree.states().knows(path) && (parent.empty() || parent.front().kind != node_kind::dynamic))
    return answer(call, no("not_found", "no such child: " + plan.path + "; `tree` lists all"));
  if (traces.size() >= traces_max)
    return answer(call, no("busy", "there are " + std::to_string(traces_max) + " traces already"));
  trace_run run;
  run.call = call;
  run.path = path;
  run.tap = std::make_unique<trace_tap>(&tree, path == tree.states().root() ? std::string{} : path);
  run.until = clock::now() + plan.lasting;
  one.deadline = run.until + options.call_max;
  feed.listen(true);
  traces.push_back(std::move(run));
}

void control::inner::run_traces(clock::time_point now, const std::deque<tree_event>& events) {
  const auto root = tree.states().root();
  for (std::size_t i = 0; i < traces.size();) {
    auto& run = traces[i];
    const auto at = calls.find(run.call);
    if (at == calls.end()) { // nobody listens any more
      traces.erase(traces.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    std::uint64_t dropped = 0;
    const auto some = run.tap->take(dropped);
    std::size_t lines = 0;
    for (const auto& m : some) {
      if (++lines > trace_lines_a_turn) {
        ++dropped;
        continue;
      }
      ++run.messages;
      send_of_call(run.call, "message",
                   ",\"path\":" + json_string(m.path) + ",\"gen\":" + std::to_string(m.generation) +
                       ",\"type\":" + json_string(m.type) + ",\"took_us\":" + std::to_string(m.took.count()) +
                       ",\"mailbox\":" + std::to_string(m.mailbox));
    }
    for (const auto& e : events)
      if ((e.topic == topic_exit || e.topic == topic_restart) && (run.path == root || at_or_below(e.path, run.path)))
        send_of_call(run.call, e.kind, e.members);
    run.dropped += dropped;
    if (dropped > 0)
      send_of_call(run.call, "dropped", ",\"n\":" + std::to_string(dropped));
    if (now < run.until) {
      ++i;
      continue;
    }
    const auto done = std::move(run);
    traces.erase(traces.begin() + static_cast<std::ptrdiff_t>(i));
    answer(done.call, {"{\"path\":" + json_string(done.path) + ",\"messages\":" + std::to_string(done.messages) +
                           ",\"dropped\":" + std::to_string(done.dropped) + "}",
                       {},
                       {}});
  }
}

void control::inner::begin_chaos(std::uint64_t call, pending_call& one) {
  const auto read = parse_chaos(one.asked.args);
  if (const auto* wrong = std::get_if<std::string>(&read))
    return answer(call, no("usage", *wrong));
  const auto& plan = std::get<chaos_plan>(read);
  if (plan.stop) {
    if (!drill.runs())
      return answer(call, no("not_running", "no drill runs"));
    const auto who = one.who.name;
    end_chaos("stopped by " + who);
    return answer(call, {R"({"stopped":true})", {}, {}});
  }
  if (drill.runs())
    return answer(call, no("busy", "a drill runs already; `chaos stop` ends it"));
  std::vector<std::string> targets;
  const auto root = tree.states().root();
  const auto path = plan.path.empty() ? root : tree.states().normal(plan.path);
  for (const auto& n : tree.states().below(path)) {
    const bool in_turn = path == root && n.parent == root && !in_control(tree.states(), n.path);
    if (in_turn || (path != root && n.path == path))
      targets.push_back(n.path);
  }
  if (targets.empty())
    return answer(call, no("not_found", "no such child: " + plan.path + "; `tree` lists all"));
  std::string names;
  for (const auto& t : targets)
    names += (names.empty() ? "" : ", ") + t;
  const auto says = "kills " + names + (targets.size() > 1 ? " in turn, one" : "") + " every " +
                    std::to_string(plan.every.count()) + " ms for " + std::to_string(plan.lasting.count()) + " ms";
  one.deadline = clock::now() + plan.lasting + chaos_drill::answer_max + options.call_max;
  drill_call = call;
  drill.begin(plan, std::move(targets), clock::now());
  write_audit(one, "begun");
  tree.inside().say("control: a drill of " + one.who.name + " " + says);
  send_of_call(call, "begin", ",\"says\":" + json_string(says));
}

void control::inner::run_drill(clock::time_point now) {
  if (!drill.runs())
    return;
  const auto one = calls.find(drill_call);
  if (one == calls.end() || (one->second.connection != 0 && !connections.contains(one->second.connection)))
    return end_chaos("its connection was closed");
  if (drill.over(now))
    return end_chaos("its time was over");
  const auto path = drill.next(now);
  if (!path)
    return;
  const auto turn = drill.turn();
  tree.operate(operation::kill, *path, [this, box = box, path = *path, turn](const outcome& got) {
    const auto at = clock::now();
    box->put([this, path, turn, got, at] {
      if (!drill.killed(turn, got.ok, at))
        return;
      auto members = ",\"path\":" + json_string(path) + ",\"gen\":" + std::to_string(got.generation);
      if (got.ok)
        members += ",\"took_us\":" + std::to_string(drill.took().count());
      else
        members += ",\"code\":" + json_string(got.code) + ",\"detail\":" + json_string(got.detail);
      send_of_call(drill_call, "kill", members);
    });
  });
}

void control::inner::end_chaos(const std::string& why) {
  auto summary = drill.end(why);
  tree.inside().say("control: the drill has ended: " + summary);
  answer(std::exchange(drill_call, 0), {std::move(summary), {}, {}});
}

void control::inner::run_streams(clock::time_point now) {
  run_drill(now);
  if (!streams())
    return feed.listen(false);
  std::uint64_t dropped = 0;
  const auto events = feed.take(dropped);
  for (auto& [number, c] : connections) {
    if (c.topics == 0)
      continue;
    c.dropped += dropped;
    for (const auto& e : events)
      if ((e.topic & c.topics) != 0)
        send_event(c, event_line({}, e.kind, e.members));
    if (c.dropped > 0 && c.out.size() < events_bytes_max / 2)
      send_event(c, {}); // tells how many, though nothing new has come
  }
  run_traces(now, events);
}

} // namespace lyceum::supervision
