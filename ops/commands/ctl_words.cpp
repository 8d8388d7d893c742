// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/ctl_words.hpp"

#include "ops/commands/ctl.hpp"
#include "ops/nearest.hpp"
#include "supervision/control_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>

namespace lyceum::ops {
namespace {

using std::chrono::milliseconds;
using supervision::parse_duration;

constexpr std::array commands{
    ctl_command{"audit", "[N]", 0, 1, "what operators did last, newest first"},
    ctl_command{"cache", "stats|list|show|evict|warm …", 0, 16, "the page cache"},
    ctl_command{"chaos", "PATH|--all [--every 1s] [--for 60s] | stop", 1, 6, "a drill: kill it, or each in turn"},
    ctl_command{"console", "", 0, 0, "print a one-time link to the console in the browser"},
    ctl_command{"count", "[PATH]", 0, 1, "how many children, as OTP counts them"},
    ctl_command{"crashes", "[N]", 0, 1, "the last crash reports, newest first"},
    ctl_command{"degrade", "PATH", 1, 1, "stop it as an outage would, until `undegrade`"},
    ctl_command{"drain", "", 0, 0, "stop accepting, finish what runs, end"},
    ctl_command{"health", "", 0, 0, "whether all is well, and what is not"},
    ctl_command{"impact", "PATH [restart|stop|kill]", 1, 2, "what that would touch, lose and keep"},
    ctl_command{"inspect", "PATH", 1, 1, "its state in its own words, mailbox, restarts"},
    ctl_command{"kill", "[--as-crash] PATH", 1, 1, "end it at once; its supervisor starts a fresh one"},
    ctl_command{"mail", "[list|show|retry|drop|pause|resume|suppressed …]", 0, 16, "the outbox: what waits, and why"},
    ctl_command{"quarantine", "[list|show|replay|drop [ID]]", 0, 2,
                "what crashed its reader three times and is refused"},
    ctl_command{"reload", "", 0, 0, "read theme and content again"},
    ctl_command{"reset", "PATH", 1, 1, "forget its spent restarts"},
    ctl_command{"restart", "PATH", 1, 1, "stop it in order, then start it"},
    ctl_command{"resume", "PATH", 1, 1, "let a suspended one go on"},
    ctl_command{"show", "PATH", 1, 1, "everything known of one child"},
    ctl_command{"start", "PATH", 1, 1, "start a stopped, restarting or degraded one now"},
    ctl_command{"status", "", 0, 0, "the same as health"},
    ctl_command{"stop", "PATH", 1, 1, "stop it in order; it stays down"},
    ctl_command{"suspend", "PATH", 1, 1, "take no messages; they wait in order"},
    ctl_command{"trace", "PATH [--for 10s]", 1, 3, "the messages that it handles, as they come"},
    ctl_command{"tree", "[PATH]", 0, 1, "every child with state, generation, restarts, mailbox, uptime"},
    ctl_command{"undegrade", "PATH", 1, 1, "start a degraded one now"},
    ctl_command{"upgrade", "FILE", 1, 1, "start a new binary, hand everything over, let the old one drain"},
    ctl_command{"wait", "[--timeout 30s] [PATH]", 0, 1, "until it serves"},
    ctl_command{"watch", "", 0, 0, "the tree, live in the terminal; restart from the keyboard"},
};

/// Commands that read their own flags, on the server.
bool takes_flags(std::string_view name) {
  return name == "cache" || name == "chaos" || name == "mail" || name == "trace" || name == "quarantine";
}

ctl_finished usage(const std::string& problem) {
  return {2, "lyceum ctl: " + problem + "\n"};
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
  return bad == std::errc{} && end == text.data() + text.size() ? std::optional(n) : std::nullopt;
}

/// One option of ctl's own. Not empty: it is used wrongly. `i` moves over its value.
std::optional<ctl_finished> read_option(const std::vector<std::string>& args, std::size_t& i, ctl_question& q) {
  const auto& a = args[i];
  const auto name = a.substr(0, a.find('='));
  const auto value = [&]() -> std::optional<std::string> {
    if (name.size() < a.size())
      return a.substr(name.size() + 1);
    return i + 1 < args.size() ? std::optional(args[++i]) : std::nullopt;
  };
  if (a == "--json") {
    q.as_json = true;
  } else if (a == "--yes" || a == "-y") {
    q.yes = true;
  } else if (a == "--help" || a == "-h") {
    return ctl_finished{0, ctl_help()};
  } else if (name == "--control") {
    const auto path = value();
    if (!path || path->empty())
      return usage("--control needs a path");
    q.control = *path;
  } else if (name == "--timeout") {
    const auto text = value();
    const auto time = text ? parse_duration(*text) : std::nullopt;
    if (!time)
      return usage("--timeout needs a time of at most ten minutes, such as 30s or 500ms");
    q.timeout = *time;
  } else if (name == "--if-gen") {
    const auto text = value();
    q.if_generation = text ? whole_number(*text) : std::nullopt;
    if (!q.if_generation)
      return usage("--if-gen needs a generation, as `tree` shows it");
  } else if (a == "--as-crash" || takes_flags(q.name)) {
    q.args.push_back(a);
    if (takes_flags(q.name) && name == a && (a == "--every" || a == "--for"))
      if (const auto text = value())
        q.args.push_back(*text);
  } else {
    return usage("unknown option " + a.substr(0, 100) + "; `lyceum ctl --help` lists all");
  }
  return {};
}

/// What is wrong with a question that has been read, apart from its path.
std::optional<ctl_finished> check(ctl_question& q) {
  if (q.name.empty())
    return usage("which command? `lyceum ctl --help` lists all");
  const auto known = std::ranges::find(commands, q.name, &ctl_command::name);
  if (known == commands.end()) {
    std::vector<std::string_view> names;
    std::ranges::transform(commands, std::back_inserter(names), &ctl_command::name);
    const auto near = nearest(q.name, names);
    return usage("unknown command " + q.name.substr(0, 40) +
                 (near.empty() ? "; `lyceum ctl --help` lists all" : "; did you mean `" + std::string(near) + "`?"));
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
  if (q.name == "upgrade") {                   // the server's working folder is another one
    std::error_code failed;
    if (const auto whole = std::filesystem::absolute(q.args.front(), failed); !failed)
      q.args.front() = whole.lexically_normal().string();
  }
  if (q.name == "mail" && !q.args.empty() && q.args.front() == "drop" && !q.yes)
    return usage("`mail drop` is for good: what the mail says is gone then. Add --yes");
  if (q.name == "chaos")
    if (const auto plan = supervision::parse_chaos(q.args); const auto* wrong = std::get_if<std::string>(&plan))
      return usage(*wrong);
  if (q.name == "trace")
    if (const auto plan = supervision::parse_trace(q.args); const auto* wrong = std::get_if<std::string>(&plan))
      return usage(*wrong);
  return {};
}

} // namespace

std::span<const ctl_command> ctl_table() {
  return commands;
}

milliseconds ctl_question::patience() const {
  milliseconds work{5000};
  if (name == "wait")
    work = timeout;
  if (name == "upgrade") // the server says sooner what came of it
    work = milliseconds{15 * 60'000};
  if (name == "chaos")
    if (const auto plan = supervision::parse_chaos(args);
        const auto* read = std::get_if<supervision::chaos_plan>(&plan))
      work += read->lasting + milliseconds{10'000};
  if (name == "trace")
    if (const auto plan = supervision::parse_trace(args);
        const auto* read = std::get_if<supervision::trace_plan>(&plan))
      work += read->lasting;
  return work + milliseconds{3000};
}

std::variant<ctl_question, ctl_finished> read_ctl(const std::vector<std::string>& args, std::string control) {
  ctl_question q;
  q.control = std::move(control);
  bool plain = false; // behind "--" everything is an argument
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto& a = args[i];
    if (!plain && a == "--")
      plain = true;
    else if (plain || !a.starts_with("-") || a == "-")
      (q.name.empty() ? q.name : q.args.emplace_back()) = a;
    else if (auto done = read_option(args, i, q))
      return *done;
  }
  if (auto done = check(q))
    return *done;
  return q;
}

std::string ctl_help() {
  std::string text = "Usage: lyceum ctl [--control PATH] [--json] [--yes] [--if-gen N] COMMAND\n\n"
                     "Asks a running server. A PATH names a child, as `tree` shows it: cache/page_cache.\n\n";
  for (const auto& c : commands) {
    std::string left = "  " + std::string(c.name) + (c.arguments.empty() ? "" : " ") + std::string(c.arguments);
    const auto wide = static_cast<std::size_t>(
        std::ranges::count_if(left, [](char ch) { return (static_cast<unsigned char>(ch) & 0xC0U) != 0x80U; }));
    left.append(wide + 2 < 36 ? 36 - wide : 2, ' ');
    text += left + std::string(c.says) + "\n";
  }
  return text + "\n  --json       for programs\n"
                "  --yes        do not ask before a subsystem is restarted, stopped or killed\n"
                "  --if-gen N   only if it is still in its Nth life\n"
                "  --control P  the server's socket\n"
                "\nExit status: 0 done, 1 failed, 2 wrong usage, 3 no server is running.\n";
}

std::vector<std::string> ctl_commands() {
  std::vector<std::string> names;
  for (const auto& c : commands)
    names.emplace_back(c.name);
  std::ranges::sort(names);
  return names;
}

} // namespace lyceum::ops
