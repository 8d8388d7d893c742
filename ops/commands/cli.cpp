// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/cli.hpp"

#include "ops/nearest.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <functional>

namespace lyceum::cli {
namespace {

/// A flag that sets a key of the configuration.
void key_option(CLI::App& app, config_flags& into, const std::string& flag, const std::string& key,
                const std::string& type, const std::string& about) {
  auto take = [&into, flag, key](const std::vector<std::string>& values) {
    // Where one value is wanted, the last one counts, so that an alias or a script can be overruled.
    into.push_back({key, key == "listen" ? values : std::vector{values.back()}, flag});
  };
  app.add_option_function<std::vector<std::string>>(flag, take, about)
      ->type_name(type)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void key_flag(CLI::App& app, config_flags& into, const std::string& flag, const std::string& key,
              const std::string& about) {
  app.add_flag_callback(
      flag,
      [&into, flag, key] {
        into.push_back({key, {"true"}, flag});
      },
      about);
}

/// Which data folder and database: for every command that opens one.
void database_options(CLI::App& app, config_flags& into) {
  key_option(app, into, "--data", "data", "DIR", "data folder (./lyceum-data)");
  key_option(app, into, "--database", "database", "URL", "postgresql://… or sqlite:FILE (sqlite:DATA/lyceum.db)");
  key_option(app, into, "--config", "config", "FILE", "lyceum.toml (DATA/lyceum.toml)");
}

/// One command while it is being read: CLI11's description of it, and the values that its flags fill.
struct reading {
  CLI::App app;
  command into;
  std::optional<std::string> argument; ///< the positional one, where the command has one
  bool needs_argument = false;
  std::vector<std::string> words; ///< of `user` and `mail`, which have several

  reading(const std::string& name, const std::string& about, command empty)
      : app(about, "lyceum " + name), into(std::move(empty)) {
    app.allow_extras();
    app.set_help_flag("-h,--help", "this text");
  }
  void positional(const std::string& name, const std::string& about, bool needed) {
    app.add_option(name, argument, about)->type_name("");
    needs_argument = needed;
  }
};

void describe_serve(reading& r) {
  auto& flags = std::get<serve>(r.into).flags;
  key_option(r.app, flags, "--content", "content", "DIR", "the school: a folder of Markdown, followed while serving");
  database_options(r.app, flags);
  key_option(r.app, flags, "--listen", "listen", "ADDR:PORT", "where to listen (127.0.0.1:8080); may be given again");
  key_option(r.app, flags, "--base-url", "base_url", "URL", "how the world calls this site");
  key_option(r.app, flags, "--theme", "theme", "DIR", "templates and assets that replace the built-in ones");
  key_option(r.app, flags, "--threads", "threads", "N", "I/O loops (one a core)");
  key_option(r.app, flags, "--control", "control", "PATH", "socket of lyceum ctl (DATA/control.sock)");
  key_option(r.app, flags, "--access-log", "access_log", "WHERE", "off, stdout or a file (DATA/log/access.jsonl)");
  key_option(r.app, flags, "--log-level", "log_level", "LEVEL", "debug, info, warn or error (info)");
  key_option(r.app, flags, "--log-format", "log_format", "FORMAT", "auto, text or json (auto)");
  key_flag(r.app, flags, "--no-heart", "no_heart", "no parent process; systemd does its work");
  key_flag(r.app, flags, "--replace-content", "replace_content",
           "the data folder was filled from another one: empty it");
}

void describe_new(reading& r) {
  r.positional("DIR", "the folder to make", true);
}

void describe_import(reading& r) {
  auto& into = std::get<import>(r.into);
  r.positional("PATH", "a content folder", true);
  r.app.add_flag("--dry-run", into.dry_run, "show what would change; change nothing");
  r.app.add_flag("--replace-content", into.replace_content, "the data folder was filled from another one: empty it");
  r.app.add_flag("--json", into.json, "the report for programs");
  database_options(r.app, into.flags);
}

void describe_check(reading& r) {
  r.positional("DIR", "a content folder", true);
  r.app.add_flag("--json", std::get<check>(r.into).json, "the report for programs");
}

void describe_render(reading& r) {
  r.positional("FILE", "a Markdown file; standard input without one, or for -", false);
  r.app.add_flag("--untrusted", std::get<render>(r.into).untrusted, "as a comment is rendered");
}

void describe_migrate(reading& r) {
  auto& into = std::get<migrate>(r.into);
  r.app.add_flag("--status", into.status, "list the migrations and change nothing");
  database_options(r.app, into.flags);
}

void describe_user(reading& r) {
  auto& into = std::get<user>(r.into);
  r.app.add_option("WORDS", r.words, "add|show|delete|sign-in-link ADDRESS, grant|revoke ADDRESS PLAN, or list")
      ->type_name("");
  const auto text = [&](const std::string& flag, std::optional<std::string>& value, const std::string& type,
                        const std::string& about) { r.app.add_option(flag, value, about)->type_name(type); };
  text("--name", into.name, "NAME", "add: how to call them");
  text("--role", into.role, "ROLE", "add, list: learner, author or operator");
  text("--language", into.language, "LANG", "add: of mails and pages (the site's)");
  text("--until", into.until, "TIME", "grant: when it ends, e.g. 2027-01-01 (never)");
  text("--note", into.note, "TEXT", "grant: why; the mail to them says it, too");
  text("--source", into.source, "WORD", "grant: where it comes from: gift, paypal, … (operator)");
  text("--grant", into.grant, "ID", "revoke: this one, in the place of a plan");
  r.app.add_flag("--yes", into.yes, "delete: do not ask");
  key_option(r.app, into.flags, "--base-url", "base_url", "URL",
             "grant, revoke, sign-in-link: how the world calls the site (where its server listens)");
  r.app.add_flag("--json", into.json, "for programs");
  database_options(r.app, into.flags);
}

void describe_mail(reading& r) {
  auto& into = std::get<mail>(r.into);
  r.app.add_option("WORDS", r.words, "preview TEMPLATE [DETAILS.json]: - for standard input, a sample without it")
      ->type_name("");
  r.app.add_option("--language", into.language, "of the mail (en)")->type_name("LANG");
  auto* html = r.app.add_flag("--html", into.html, "the HTML part");
  r.app.add_flag("--text", into.text, "subject and plain text, as without --html")->excludes(html);
  r.app.add_option("--theme", into.theme, "templates that replace the built-in ones")->type_name("DIR");
  r.app.add_option("--base-url", into.base_url, "how the world calls the site (https://school.example)")
      ->type_name("URL");
  r.app.add_flag("--list", into.list, "the templates that there are");
  r.app.add_flag("--json", into.json, "for programs");
}

void describe_nothing(reading&) {}

/// An action of `user`: its words after it, and the flags that mean something there.
struct user_action {
  std::string_view name;
  std::size_t words_min;
  std::size_t words_max;
  std::string_view usage;
  std::vector<std::string_view> flags;
};

const std::array user_actions{
    user_action{"add", 1, 1, "ADDRESS", {"--name", "--role", "--language"}},
    user_action{"list", 0, 0, "", {"--role"}},
    user_action{"show", 1, 1, "ADDRESS", {}},
    user_action{"grant", 2, 2, "ADDRESS PLAN", {"--until", "--note", "--source", "--base-url"}},
    user_action{"revoke", 1, 2, "ADDRESS PLAN (or --grant ID)", {"--grant", "--base-url"}},
    user_action{"delete", 1, 1, "ADDRESS", {"--yes"}},
    user_action{"sign-in-link", 1, 1, "ADDRESS", {"--base-url"}},
};

/// Places the words of `user`. Returns what is wrong with them, if anything.
std::optional<std::string> place_words(user& into, const std::vector<std::string>& words, const CLI::App& app) {
  if (words.empty())
    return "ACTION is missing: add, list, show, grant, revoke, delete or sign-in-link";
  const auto action = std::ranges::find(user_actions, words.front(), &user_action::name);
  if (action == user_actions.end()) {
    std::vector<std::string_view> known;
    std::ranges::transform(user_actions, std::back_inserter(known), &user_action::name);
    return "there is no action '" + words.front() + "'" + did_you_mean(words.front(), known);
  }
  const std::string name(action->name);
  const std::size_t given = words.size() - 1;
  const bool by_id = name == "revoke" && into.grant;
  if (given > action->words_max || (by_id && given > 1))
    return "one argument too many: '" + words.back() + "'";
  const bool empty = std::ranges::find(words, std::string()) != words.end();
  if (empty || given < action->words_min || (name == "revoke" && !by_id && given < 2))
    return name + ": " + std::string(action->usage) + " is missing";
  static constexpr std::array everywhere{"--help", "--json", "--data", "--database", "--config"};
  for (const auto* option : app.get_options()) {
    const auto flag = "--" + (option->get_lnames().empty() ? std::string() : option->get_lnames().front());
    if (option->count() > 0 && flag != "--" && std::ranges::find(everywhere, flag) == everywhere.end() &&
        std::ranges::find(action->flags, flag) == action->flags.end())
      return name + " knows no " + flag;
  }
  into.action = name;
  if (given > 0)
    into.address = words[1];
  if (given > 1)
    into.plan = words[2];
  return std::nullopt;
}

/// Places the words of `mail`. Returns what is wrong with them, if anything.
std::optional<std::string> place_words(mail& into, const std::vector<std::string>& words) {
  static constexpr std::array<std::string_view, 1> actions{"preview"};
  if (words.empty())
    return "ACTION is missing: preview";
  if (words.front() != actions.front())
    return "there is no action '" + words.front() + "'" + did_you_mean(words.front(), actions);
  if (words.size() > (into.list ? 1U : 3U))
    return "one argument too many: '" + words.back() + "'";
  if (into.list)
    return std::nullopt;
  if (words.size() < 2 || words[1].empty())
    return "preview: TEMPLATE is missing; --list shows which there are";
  into.template_name = words[1];
  if (words.size() == 3)
    into.details = words[2];
  return std::nullopt;
}

struct row {
  std::string_view name;
  std::string_view usage;
  std::string_view about;
  std::function<command()> empty;
  void (*describe)(reading&);
};

/// `ctl` reads its own arguments, so its row is for the list of commands only.
const std::array rows{
    row{"serve", "[--content DIR] [--data DIR] …", "Serve a school.", [] { return command(serve{}); }, describe_serve},
    row{"ctl", "COMMAND", "See and steer the running server: tree, kill, crashes, health, …",
        [] { return command(ctl{}); }, describe_nothing},
    row{"new", "DIR", "Make a new school: site.toml, a course, an article.", [] { return command(new_school{}); },
        describe_new},
    row{"import", "PATH", "Make the database equal to a content folder.", [] { return command(import{}); },
        describe_import},
    row{"check", "DIR", "Look for faults in a content folder.", [] { return command(check{}); }, describe_check},
    row{"render", "[FILE]", "Print the HTML that the site would serve for Markdown.", [] { return command(render{}); },
        describe_render},
    row{"migrate", "[--status]", "Bring the database's schema up to date (serve does it too).",
        [] { return command(migrate{}); }, describe_migrate},
    row{"user", "ACTION [ADDRESS] …", "Accounts: add, list, show, grant, revoke, delete, sign-in-link.",
        [] { return command(user{}); }, describe_user},
    row{"mail", "preview TEMPLATE [FILE] …", "Look at a mail without sending it.", [] { return command(mail{}); },
        describe_mail},
    row{"version", "", "Print the version.", [] { return command(version{}); }, describe_nothing},
};

std::string help() {
  std::string text = "A whole online school in one supervised process.\nUsage: lyceum COMMAND [OPTIONS]\n\nCommands:\n";
  for (const auto& each : rows) {
    std::string left = "  " + std::string(each.name) + " " + std::string(each.usage);
    left.resize(std::max<std::size_t>(left.size() + 1, 40), ' ');
    text += left + std::string(each.about) + "\n";
  }
  text += "\nOptions:\n  -h,--help     this text\n  --version     print the version\n\n"
          "lyceum COMMAND --help tells more; so does lyceum(1).\n";
  return text;
}

finished wrong_usage(const std::string& name, const std::string& what) {
  return {status_usage, "lyceum" + (name.empty() ? "" : " " + name) + ": " + what + "\n  lyceum" +
                            (name.empty() ? "" : " " + name) + " --help shows what there is\n"};
}

std::vector<std::string> long_flags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames())
      flags.push_back("--" + name);
  return flags;
}

std::string unknown_word(const std::string& word, const std::vector<std::string>& flags) {
  if (word.size() < 2 || word.front() != '-')
    return "one argument too many: '" + word + "'";
  auto typed = word.substr(0, word.find('='));
  std::vector<std::string_view> known(flags.begin(), flags.end());
  return "there is no option '" + typed + "'" + did_you_mean(typed, known);
}

/// Places the positional argument.
void finish(reading& r) {
  if (!r.argument)
    return;
  if (auto* it = std::get_if<new_school>(&r.into))
    it->directory = *r.argument;
  else if (auto* source = std::get_if<import>(&r.into))
    source->source = *r.argument;
  else if (auto* checked = std::get_if<check>(&r.into))
    checked->directory = *r.argument;
  else if (auto* rendered = std::get_if<render>(&r.into); rendered != nullptr && *r.argument != "-")
    rendered->file = *r.argument;
}

command parse_one(const row& which, std::vector<std::string> arguments) {
  std::string name(which.name);
  reading r(name, std::string(which.about), which.empty());
  which.describe(r);
  std::ranges::reverse(arguments); // as CLI11 wants them
  try {
    r.app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return finished{status_done, r.app.help()};
  } catch (const CLI::ParseError& error) {
    return wrong_usage(name, error.what());
  }
  auto rest = r.app.remaining();
  std::erase(rest, "--"); // CLI11 hands the separator back
  if (!rest.empty())
    return wrong_usage(name, unknown_word(rest.front(), long_flags(r.app)));
  if (r.needs_argument && (!r.argument || r.argument->empty()))
    return wrong_usage(name, std::string(which.usage) + " is missing");
  if (auto* people = std::get_if<user>(&r.into))
    if (const auto wrong = place_words(*people, r.words, r.app))
      return wrong_usage(name, *wrong);
  if (auto* post = std::get_if<mail>(&r.into))
    if (const auto wrong = place_words(*post, r.words))
      return wrong_usage(name, *wrong);
  finish(r);
  return r.into;
}

const row* row_of(std::string_view name) {
  auto found = std::ranges::find(rows, name, &row::name);
  return found == rows.end() ? nullptr : &*found;
}

} // namespace

command parse(const std::vector<std::string>& arguments) {
  if (arguments.empty())
    return finished{status_usage, help()};
  const auto& first = arguments.front();
  if (first == "--help" || first == "-h")
    return finished{status_done, help()};
  if (first == "--version")
    return version{};
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (first == "ctl")
    return ctl{std::move(rest)};
  if (const auto* which = row_of(first))
    return parse_one(*which, std::move(rest));
  if (first.starts_with('-'))
    return wrong_usage("", unknown_word(first, flags_of("")));
  std::vector<std::string_view> known;
  std::ranges::transform(rows, std::back_inserter(known), &row::name);
  return wrong_usage("", "there is no command '" + first + "'" + did_you_mean(first, known));
}

std::vector<std::string> commands() {
  std::vector<std::string> names;
  std::ranges::transform(rows, std::back_inserter(names), [](const row& each) { return std::string(each.name); });
  return names;
}

std::vector<std::string> flags_of(std::string_view name) {
  if (name.empty())
    return {"--help", "--version"};
  const auto* which = row_of(name);
  if (which == nullptr || name == "ctl")
    return {};
  reading r(std::string(name), "", which->empty());
  which->describe(r);
  return long_flags(r.app);
}

} // namespace lyceum::cli
