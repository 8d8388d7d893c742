// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/ctl_tables.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <vector>

namespace lyceum::ops {
namespace {

namespace json = boost::json;

constexpr std::int64_t busy_worth_telling_ms = 2000; // a watcher waits half a second in one handler, and is well

bool colours() {
  const char* off = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (!off || *off == '\0');
}

std::string painted(const std::string& text, std::string_view state) {
  if (!colours())
    return text;
  const char* code = state == "running" || state == "ok"          ? "32"
                     : state == "stopped" || state == "suspended" ? "33"
                                                                  : "31";
  return "\033[" + std::string(code) + "m" + text + "\033[0m";
}

} // namespace

std::string shown(std::string_view text, std::size_t max) {
  std::string out;
  std::size_t count = 0;
  for (const char ch : text) {
    const auto c = static_cast<unsigned char>(ch);
    if ((c & 0xC0U) != 0x80U && ++count > max) {
      out += "…";
      break;
    }
    out += c < 0x20 || c == 0x7F ? ' ' : ch;
  }
  return out;
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string span_text(std::int64_t ms) {
  if (ms < 1000)
    return std::to_string(ms) + " ms";
  const auto s = ms / 1000;
  if (s < 120)
    return std::to_string(s) + " s";
  if (s < 2 * 3600)
    return std::to_string(s / 60) + " min";
  if (s < 48 * 3600)
    return std::to_string(s / 3600) + " h";
  return std::to_string(s / 86400) + " d";
}

namespace {

std::string text_of(const json::value& v) {
  if (v.is_string())
    return std::string(v.as_string());
  if (v.is_null())
    return "";
  return json::serialize(v);
}

} // namespace

std::string field(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  return v ? text_of(*v) : std::string{};
}
std::int64_t number(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  if (!v || !v->is_number())
    return 0;
  boost::system::error_code bad;
  const auto n = v->to_number<std::int64_t>(bad);
  return bad ? 0 : n;
}

std::string node_note(const json::object& n) {
  const auto retry = number(n, "retry_in_ms");
  auto note = field(n, "state") == "running" ? std::string() : shown(field(n, "note"), 60);
  if (retry > 0)
    note = "again in " + span_text(retry) + (note.empty() ? "" : "; " + note);
  if (number(n, "abandoned") > 0)
    note = field(n, "abandoned") + " given up and still running" + (note.empty() ? "" : "; " + note);
  if (number(n, "busy_ms") >= busy_worth_telling_ms)
    note = "in one handler for " + span_text(number(n, "busy_ms")) + (note.empty() ? "" : "; " + note);
  if (field(n, "kind") == "dynamic")
    note = field(n, "children") + " running" + (note.empty() ? "" : "; " + note);
  return note;
}

std::string node_restarts(const json::object& n) {
  return number(n, "budget") > 0 ? field(n, "restarts") + "/" + field(n, "budget") : field(n, "restarts");
}

namespace {

using row = std::vector<std::string>;

/// Aligned; numbers to the right. `state_column` is painted.
void print_table(const row& head, const std::vector<row>& rows, std::size_t state_column = SIZE_MAX) {
  std::vector<std::size_t> widths(head.size());
  std::vector<bool> right(head.size(), !rows.empty());
  const auto look = [&](const row& r, bool values) {
    for (std::size_t i = 0; i < head.size() && i < r.size(); ++i) {
      widths[i] = std::max(widths[i], width(r[i]));
      if (values && r[i].find_first_not_of("0123456789/") != std::string::npos)
        right[i] = false;
    }
  };
  look(head, false);
  for (const auto& r : rows)
    look(r, true);
  const auto put = [&](const row& r, bool paint) {
    std::string line;
    for (std::size_t i = 0; i < head.size(); ++i) {
      const auto& cell = i < r.size() ? r[i] : std::string{};
      const std::string pad(widths[i] - width(cell), ' ');
      const auto text = paint && i == state_column ? painted(cell, cell) : cell;
      line += (i > 0 ? "  " : "") + (right[i] ? pad + text : text + pad);
    }
    while (line.ends_with(' '))
      line.pop_back();
    std::cout << line << '\n';
  };
  put(head, false);
  for (const auto& r : rows)
    put(r, true);
}

row node_row(const json::object& n, std::string name) {
  const auto uptime = number(n, "uptime_ms");
  return {std::move(name),  field(n, "state"),   field(n, "generation"),
          node_restarts(n), field(n, "mailbox"), uptime > 0 ? span_text(uptime) : "-",
          node_note(n)};
}

void print_tree(const json::array& nodes) {
  std::vector<row> rows;
  bool passing = false;
  std::string root;
  std::size_t depth_of_first = 0;
  for (const auto& one : nodes) {
    if (!one.is_object())
      continue;
    const auto& n = one.as_object();
    const auto path = field(n, "path");
    auto depth = static_cast<std::size_t>(std::ranges::count(path, '/')) + 1;
    if (rows.empty()) {
      root = path;
      depth_of_first = depth;
    }
    depth = rows.empty() ? 0 : path.starts_with(root + "/") ? depth - depth_of_first : depth;
    const auto state = field(n, "state");
    passing = passing || state == "stopped" || state == "suspended";
    rows.push_back(node_row(n, std::string(2 * depth, ' ') + (depth == 0 ? path : path.substr(path.rfind('/') + 1))));
  }
  print_table({"CHILD", "STATE", "GEN", "RESTARTS", "MAILBOX", "UPTIME", "NOTE"}, rows, 1);
  if (passing)
    std::cout << "\nWhat is stopped or suspended starts again with the next process.\n";
}

void print_any(const json::value& v, const std::string& indent = {});

/// A list of objects as a table: a column for each key of the first.
void print_objects(const json::array& list) {
  row head;
  std::vector<std::string> keys;
  for (const auto& [key, value] : list.front().as_object()) {
    keys.emplace_back(key);
    std::string title(key);
    std::ranges::transform(title, title.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    head.push_back(std::move(title));
  }
  std::vector<row> rows;
  for (const auto& one : list) {
    row r;
    for (const auto& key : keys)
      r.push_back(one.is_object() ? shown(field(one.as_object(), key)) : std::string{});
    rows.push_back(std::move(r));
  }
  const auto state = std::ranges::find(keys, "state");
  print_table(head, rows, state == keys.end() ? SIZE_MAX : static_cast<std::size_t>(state - keys.begin()));
}

void print_any(const json::value& v, const std::string& indent) {
  if (v.is_object()) {
    std::size_t widest = 0;
    for (const auto& [key, value] : v.as_object())
      widest = std::max(widest, key.size());
    for (const auto& [key, value] : v.as_object()) {
      if (value.is_array() && !value.as_array().empty() && value.as_array().front().is_object()) {
        std::cout << indent << std::string_view(key) << ":\n";
        print_objects(value.as_array());
      } else if (value.is_object() && !value.as_object().empty()) {
        std::cout << indent << std::string_view(key) << ":\n";
        print_any(value, indent + "  ");
      } else {
        std::cout << indent << std::string_view(key) << std::string(widest - key.size() + 2, ' ')
                  << shown(text_of(value), 2000) << '\n';
      }
    }
  } else if (v.is_array()) {
    if (!v.as_array().empty() && v.as_array().front().is_object())
      return print_objects(v.as_array());
    for (const auto& one : v.as_array())
      std::cout << indent << shown(text_of(one), 2000) << '\n';
  } else if (v.is_null() || (v.is_bool() && v.as_bool())) {
    std::cout << indent << "done\n";
  } else {
    std::cout << indent << shown(text_of(v), 2000) << '\n';
  }
}

void print_crashes(const json::array& all) {
  if (all.empty()) {
    std::cout << "no crashes\n";
    return;
  }
  std::vector<row> rows;
  for (const auto& one : all) {
    if (!one.is_object())
      continue;
    const auto& c = one.as_object();
    const auto at = c.contains("last_at") ? field(c, "last_at") : field(c, "at");
    rows.push_back({at.substr(0, 19), field(c, "times"), field(c, "kind"), field(c, "path"), field(c, "generation"),
                    shown(field(c, "reason"), 60), shown(field(c, "decision"), 40)});
  }
  print_table({"AT (UTC)", "TIMES", "KIND", "PATH", "GEN", "REASON", "THEN"}, rows);
}

void print_health(const json::object& h) {
  std::cout << painted(field(h, "state"), field(h, "state")) << " (process " << field(h, "pid") << ", "
            << field(h, "crashes") << " crashes, " << field(h, "abandoned") << " given up)\n";
  if (field(h, "pool_alive") == "false")
    std::cout << "the actors' shared threads do not answer\n";
  if (const auto* unwell = h.if_contains("unwell"); unwell && unwell->is_array())
    for (const auto& one : unwell->as_array()) {
      if (!one.is_object())
        continue;
      const auto& n = one.as_object();
      std::cout << "  " << field(n, "path") << ": " << painted(field(n, "state"), field(n, "state"));
      if (number(n, "retry_in_ms") > 0)
        std::cout << ", tried again in " << span_text(number(n, "retry_in_ms"));
      if (!field(n, "last_exit").empty())
        std::cout << "; it ended with: " << shown(field(n, "last_exit"));
      if (!field(n, "note").empty())
        std::cout << "; " << shown(field(n, "note"), 400);
      std::cout << '\n';
    }
}

void print_show(json::object o) {
  const auto* below = o.if_contains("below");
  const auto children = below && below->is_array() ? below->as_array() : json::array{};
  o.erase("below");
  print_any(o);
  if (children.empty())
    return;
  std::cout << '\n';
  std::vector<row> rows;
  for (const auto& c : children)
    if (c.is_object())
      rows.push_back(node_row(c.as_object(), field(c.as_object(), "path")));
  print_table({"CHILD", "STATE", "GEN", "RESTARTS", "MAILBOX", "UPTIME", "NOTE"}, rows, 1);
}

void print_audit(const json::array& all) {
  if (all.empty()) {
    std::cout << "nothing was changed yet\n";
    return;
  }
  std::vector<row> rows;
  for (const auto& one : all) {
    if (!one.is_object())
      continue;
    const auto& e = one.as_object();
    std::string args;
    if (const auto* list = e.if_contains("args"); list && list->is_array())
      for (const auto& a : list->as_array())
        args += (args.empty() ? "" : " ") + text_of(a);
    const auto user = field(e, "user");
    rows.push_back({field(e, "at").substr(0, 19), user.empty() ? "uid " + field(e, "uid") : shown(user, 20),
                    field(e, "role"), field(e, "pid"), shown(field(e, "command"), 20), shown(args, 60),
                    shown(field(e, "result"), 20)});
  }
  print_table({"AT (UTC)", "USER", "ROLE", "PID", "COMMAND", "ARGUMENTS", "RESULT"}, rows);
}

void print_impact(const json::object& o) {
  std::cout << shown(field(o, "says"), 2000) << '\n';
  const auto list = [&](const char* name, const char* title) {
    const auto* some = o.if_contains(name);
    if (!some || !some->is_array())
      return;
    for (const auto& one : some->as_array())
      std::cout << "  " << title << ": "
                << shown(one.is_object() ? field(one.as_object(), "path") + ": " + field(one.as_object(), "says")
                                         : text_of(one),
                         300)
                << '\n';
  };
  list("restarts_with", "restarts with it");
  list("stakes", "at stake");
  list("kept", "kept");
  list("lost", "lost");
}

void print_end(const ctl_question& q, const json::object& o) {
  if (q.name == "trace") {
    std::cout << field(o, "messages") << " messages";
    if (number(o, "dropped") > 0)
      std::cout << ", " << field(o, "dropped") << " dropped";
    std::cout << '\n';
    return;
  }
  std::cout << field(o, "kills") << " kills, " << field(o, "failed") << " failed, the longest restart took "
            << number(o, "longest_us") / 1000 << " ms; " << shown(field(o, "ended")) << '\n';
}

} // namespace

std::string event_text(const json::object& e) {
  const auto kind = field(e, "ev");
  const auto who = shown(field(e, "path"), 60) + " (generation " + field(e, "gen") + ")";
  if (kind == "message") {
    const auto waiting = number(e, "mailbox");
    return who + "  " + shown(field(e, "type"), 80) + "  " + field(e, "took_us") + " us" +
           (waiting > 0 ? ", " + std::to_string(waiting) + " waiting" : "");
  }
  if (kind == "exit")
    return who + "  ended: " + shown(field(e, "reason"), 200);
  if (kind == "restart")
    return who + "  is running again";
  if (kind == "dropped")
    return field(e, "n") + " dropped";
  if (kind == "begin")
    return shown(field(e, "says"), 1000) + "; end it with ^C or `lyceum ctl chaos stop`";
  if (kind == "kill" && e.contains("code"))
    return "kill " + shown(field(e, "path"), 60) + "  failed: " + shown(field(e, "detail"), 200);
  if (kind == "kill")
    return "kill " + shown(field(e, "path"), 60) + "  generation " + field(e, "gen") + " after " + field(e, "took_us") +
           " us";
  return shown(json::serialize(e), 300);
}

void print_for_people(const ctl_question& q, const json::value& v) {
  if (q.name == "tree" && v.is_array())
    return print_tree(v.as_array());
  if (q.name == "crashes" && v.is_array())
    return print_crashes(v.as_array());
  if ((q.name == "health" || q.name == "status") && v.is_object())
    return print_health(v.as_object());
  if (q.name == "show" && v.is_object())
    return print_show(v.as_object());
  if (q.name == "audit" && v.is_array())
    return print_audit(v.as_array());
  if (q.name == "upgrade" && v.is_object()) {
    const auto& o = v.as_object();
    std::cout << "upgraded, pid " << field(o, "pid") << ": " << shown(field(o, "version")) << " serves, and pid "
              << field(o, "was") << " drains\n";
    return;
  }
  if (q.name == "impact" && v.is_object())
    return print_impact(v.as_object());
  if (v.is_object() && (q.name == "trace" || v.as_object().contains("kills")))
    return print_end(q, v.as_object());
  if (v.is_object() && v.as_object().contains("path") && v.as_object().contains("generation") && q.name != "inspect") {
    const auto& o = v.as_object();
    std::cout << field(o, "path") << ": " << painted(field(o, "state"), field(o, "state")) << ", generation "
              << field(o, "generation") << '\n';
    return;
  }
  if (v.is_array() && v.as_array().empty()) {
    std::cout << "nothing\n";
    return;
  }
  print_any(v);
}

} // namespace lyceum::ops
