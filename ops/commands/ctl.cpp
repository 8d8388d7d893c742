// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/ctl.hpp"

#include <boost/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>

namespace lyceum::ops {
namespace {

constexpr std::int64_t busy_worth_telling_ms = 2000; // a watcher waits half a second in one handler, and is well

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr std::size_t answer_bytes_max = 32 * 1024 * 1024;

// --- what may be asked ----------------------------------------------------------------------------------------------

struct command {
  std::string_view name;
  std::string_view arguments; ///< as in the help: "PATH", "[N]"
  std::size_t args_min;
  std::size_t args_max;
  std::string_view says;
};

constexpr command commands[] = {
    {"cache", "stats|list|show|evict|warm …", 1, 16, "the page cache"},
    {"console", "", 0, 0, "print a one-time link to the console in the browser"},
    {"count", "[PATH]", 0, 1, "how many children, as OTP counts them"},
    {"crashes", "[N]", 0, 1, "the last crash reports, newest first"},
    {"degrade", "PATH", 1, 1, "stop it as an outage would, until `undegrade`"},
    {"drain", "", 0, 0, "stop accepting, finish what runs, end"},
    {"health", "", 0, 0, "whether all is well, and what is not"},
    {"inspect", "PATH", 1, 1, "its state in its own words, mailbox, restarts"},
    {"kill", "[--as-crash] PATH", 1, 1, "end it at once; its supervisor starts a fresh one"},
    {"reload", "", 0, 0, "read the configuration again"},
    {"reset", "PATH", 1, 1, "forget its spent restarts"},
    {"restart", "PATH", 1, 1, "stop it in order, then start it"},
    {"resume", "PATH", 1, 1, "let a suspended one go on"},
    {"show", "PATH", 1, 1, "everything known of one child"},
    {"start", "PATH", 1, 1, "start a stopped, restarting or degraded one now"},
    {"status", "", 0, 0, "the same as health"},
    {"stop", "PATH", 1, 1, "stop it in order; it stays down"},
    {"suspend", "PATH", 1, 1, "take no messages; they wait in order"},
    {"tree", "[PATH]", 0, 1, "every child with state, generation, restarts, mailbox, uptime"},
    {"undegrade", "PATH", 1, 1, "start a degraded one now"},
    {"wait", "[--timeout 30s] [PATH]", 0, 1, "until it serves"},
};

const command* find_command(std::string_view name) {
  const auto it = std::ranges::find(commands, name, &command::name);
  return it == std::end(commands) ? nullptr : it;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto up = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)});
      corner = up;
    }
  }
  return row[b.size()];
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (bad != std::errc{} || n < 0 || n > 600'000)
    return {};
  if (unit == "ms")
    return milliseconds{n};
  if (unit.empty() || unit == "s")
    return milliseconds{n * 1000};
  if (unit == "m")
    return milliseconds{n * 60'000};
  return {};
}

// --- the question ---------------------------------------------------------------------------------------------------

struct question {
  std::string control;
  bool as_json = false;
  std::string name;
  std::vector<std::string> args;
  milliseconds timeout{30'000};
};

struct reply {
  int status = 0; ///< an exit status
  json::value ok;
  std::string problem; ///< for stderr
};

reply failed(int status, std::string problem) {
  return {status, nullptr, std::move(problem)};
}

reply ask(const question& q) {
  sockaddr_un address{};
  if (q.control.size() >= sizeof address.sun_path)
    return failed(1, "the control socket's path has " + std::to_string(q.control.size()) +
                         " bytes, and 107 is the most: name a shorter one with --control");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, q.control.c_str(), q.control.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return failed(1, std::string("no socket to be had: ") + std::strerror(errno));
  struct closer {
    int fd;
    ~closer() { ::close(fd); }
  } const close_it{fd};
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EACCES || errno == EPERM)
      return failed(1, "not allowed to use " + q.control + ": run this as the server's user, or as root");
    return failed(3, "no server answers at " + q.control +
                         ": start one with `lyceum serve`, or name its socket with --control");
  }

  json::object line;
  line["id"] = 1;
  line["cmd"] = q.name;
  json::array args;
  for (const auto& a : q.args)
    args.emplace_back(a);
  line["args"] = std::move(args);
  if (q.name == "wait")
    line["timeout_ms"] = q.timeout.count();
  const auto text = json::serialize(line) + "\n";
  for (std::size_t sent = 0; sent < text.size();) {
    const auto n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break; // refused at the door: its reason can be read below
    sent += static_cast<std::size_t>(n);
  }

  const auto patience = (q.name == "wait" ? q.timeout : milliseconds{5000}) + milliseconds{3000};
  const auto until = std::chrono::steady_clock::now() + patience;
  std::string got;
  while (got.find('\n') == std::string::npos) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd one{fd, POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      return failed(1, "the server took the question and does not answer: see its log, or restart it");
    char bytes[64 * 1024];
    const auto n = ::recv(fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return failed(1, "the server ended the connection without an answer: see its log");
    got.append(bytes, static_cast<std::size_t>(n));
    if (got.size() > answer_bytes_max)
      return failed(1, "the answer is beyond all measure; ask for less");
  }
  got.resize(got.find('\n'));
  boost::system::error_code bad;
  auto value = json::parse(got, bad);
  if (bad || !value.is_object())
    return failed(1, "the answer is not JSON: is there another program at " + q.control + "?");
  auto& answer = value.as_object();
  if (auto* ok = answer.if_contains("ok"))
    return {0, std::move(*ok), {}};
  const auto* error = answer.if_contains("error");
  if (!error || !error->is_object())
    return failed(1, "the answer has neither a result nor an error");
  const auto word = [&](const char* name) {
    const auto* found = error->as_object().if_contains(name);
    return found && found->is_string() ? std::string(found->as_string()) : std::string{};
  };
  const auto detail = word("detail");
  return failed(word("code") == "usage" ? 2 : 1, detail.empty() ? word("code") : detail);
}

// --- tables ---------------------------------------------------------------------------------------------------------

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

/// What a terminal shows of text from elsewhere: no control characters, at most `max` characters.
std::string shown(std::string_view text, std::size_t max = 100) {
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

std::string span(std::int64_t ms) {
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

std::string text_of(const json::value& v) {
  if (v.is_string())
    return std::string(v.as_string());
  if (v.is_null())
    return "";
  return json::serialize(v);
}
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
  const auto retry = number(n, "retry_in_ms");
  auto state = field(n, "state");
  auto note = state == "running" ? std::string() : shown(field(n, "note"), 60); // what is noticed while it is away
  if (retry > 0)
    note = "again in " + span(retry) + (note.empty() ? "" : "; " + note);
  if (number(n, "abandoned") > 0)
    note = field(n, "abandoned") + " given up and still running" + (note.empty() ? "" : "; " + note);
  if (number(n, "busy_ms") >= busy_worth_telling_ms)
    note = "in one handler for " + span(number(n, "busy_ms")) + (note.empty() ? "" : "; " + note);
  if (field(n, "kind") == "dynamic")
    note = field(n, "children") + " running" + (note.empty() ? "" : "; " + note);
  const auto budget = number(n, "budget");
  return {std::move(name),        std::move(state),
          field(n, "generation"), budget > 0 ? field(n, "restarts") + "/" + field(n, "budget") : field(n, "restarts"),
          field(n, "mailbox"),    number(n, "uptime_ms") > 0 ? span(number(n, "uptime_ms")) : "-",
          std::move(note)};
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
        std::cout << ", tried again in " << span(number(n, "retry_in_ms"));
      if (!field(n, "last_exit").empty())
        std::cout << "; it ended with: " << shown(field(n, "last_exit"));
      if (!field(n, "note").empty())
        std::cout << "; " << shown(field(n, "note"));
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

void print_for_people(const question& q, const json::value& v) {
  if (q.name == "tree" && v.is_array())
    return print_tree(v.as_array());
  if (q.name == "crashes" && v.is_array())
    return print_crashes(v.as_array());
  if ((q.name == "health" || q.name == "status") && v.is_object())
    return print_health(v.as_object());
  if (q.name == "show" && v.is_object())
    return print_show(v.as_object());
  if (v.is_object() && v.as_object().contains("path") && v.as_object().contains("generation") && q.name != "inspect") {
    const auto& o = v.as_object();
    std::cout << field(o, "path") << ": " << painted(field(o, "state"), field(o, "state")) << ", generation "
              << field(o, "generation") << '\n';
    return;
  }
  print_any(v);
}

int usage(const std::string& problem) {
  std::cerr << "lyceum ctl: " << problem << '\n';
  return 2;
}

} // namespace

std::string ctl_help() {
  std::string text = "Usage: lyceum ctl [--control PATH] [--json] COMMAND\n\n"
                     "Asks a running server. A PATH names a child, as `tree` shows it: cache/page_cache.\n\n";
  for (const auto& c : commands) {
    std::string left = "  " + std::string(c.name) + (c.arguments.empty() ? "" : " ") + std::string(c.arguments);
    left.resize(std::max<std::size_t>(width(left) + 2, 34) + left.size() - width(left), ' ');
    text += left + std::string(c.says) + "\n";
  }
  return text + "\nExit status: 0 done, 1 failed, 2 wrong usage, 3 no server is running.\n";
}

std::vector<std::string> ctl_commands() {
  std::vector<std::string> names;
  for (const auto& c : commands)
    names.emplace_back(c.name);
  std::ranges::sort(names);
  return names;
}

int run_ctl(std::vector<std::string> args, std::string control_path_default) {
  question q;
  q.control = std::move(control_path_default);
  bool plain = false; // behind "--" everything is an argument
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto& a = args[i];
    const auto value = [&](std::string_view name) -> std::optional<std::string> {
      if (a.starts_with(std::string(name) + "="))
        return a.substr(name.size() + 1);
      if (a == name && i + 1 < args.size())
        return args[++i];
      return {};
    };
    if (plain || !a.starts_with("-") || a == "-") {
      (q.name.empty() ? q.name : q.args.emplace_back()) = a;
    } else if (a == "--") {
      plain = true;
    } else if (a == "--json") {
      q.as_json = true;
    } else if (a == "--help" || a == "-h") {
      std::cout << ctl_help();
      return 0;
    } else if (a == "--control" || a.starts_with("--control=")) {
      const auto path = value("--control");
      if (!path || path->empty())
        return usage("--control needs a path");
      q.control = *path;
    } else if (a == "--timeout" || a.starts_with("--timeout=")) {
      const auto text = value("--timeout");
      const auto time = text ? parse_duration(*text) : std::nullopt;
      if (!time || *time > milliseconds{600'000})
        return usage("--timeout needs a time of at most ten minutes, such as 30s or 500ms");
      q.timeout = *time;
    } else if (a == "--as-crash" || q.name == "cache") {
      q.args.push_back(a);
    } else {
      return usage("unknown option " + a + "; `lyceum ctl --help` lists all");
    }
  }
  if (q.name.empty())
    return usage("which command? `lyceum ctl --help` lists all");
  const auto* known = find_command(q.name);
  if (!known) {
    const auto* near =
        &*std::ranges::min_element(commands, {}, [&](const command& c) { return distance(c.name, q.name); });
    const bool close = distance(near->name, q.name) <= std::max<std::size_t>(1, q.name.size() / 2);
    return usage("unknown command " + shown(q.name, 40) +
                 (close ? "; did you mean `" + std::string(near->name) + "`?" : "; `lyceum ctl --help` lists all"));
  }
  const auto flag = std::ranges::find(q.args, "--as-crash");
  const bool as_crash = flag != q.args.end();
  if (as_crash && q.name != "kill")
    return usage("--as-crash belongs to kill");
  const auto given = q.args.size() - (as_crash ? 1 : 0);
  if (given < known->args_min || given > known->args_max)
    return usage("lyceum ctl " + q.name + (known->arguments.empty() ? "" : " ") + std::string(known->arguments));
  if (as_crash)
    std::rotate(flag, flag + 1, q.args.end()); // the path comes first

  const auto got = ask(q);
  if (got.status != 0) {
    std::cerr << "lyceum ctl: " << shown(got.problem, 1000) << '\n';
    return got.status;
  }
  if (q.as_json)
    std::cout << json::serialize(got.ok) << '\n';
  else
    print_for_people(q, got.ok);
  std::cout.flush();
  return 0;
}

} // namespace lyceum::ops
