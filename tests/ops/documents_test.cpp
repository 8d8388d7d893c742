// SPDX-License-Identifier: Apache-2.0
// What is written by hand beside the program says what the program says.
#include "ops/commands/cli.hpp"
#include "ops/commands/ctl.hpp"
#include "supervision/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

using namespace lyceum;
using words = std::set<std::string>;

namespace {

std::string contents(const std::string& file) {
  std::ifstream in(std::string(LYCEUM_SOURCE_DIR "/ops/") + file);
  std::ostringstream out;
  out << in.rdbuf();
  EXPECT_FALSE(out.str().empty()) << file;
  return out.str();
}

words found(const std::string& text, const std::string& pattern) {
  std::regex what(pattern);
  words all;
  for (std::sregex_iterator at(text.begin(), text.end(), what), end; at != end; ++at)
    all.insert((*at)[1]);
  return all;
}

/// The part of a text from the first place where `from` stands, up to the next place of `to`.
std::string between(const std::string& text, const std::string& from, const std::string& to) {
  auto start = text.find(from);
  if (start == std::string::npos)
    return {};
  start += from.size();
  return text.substr(start, text.find(to, start) - start);
}

words flags(const std::string& command) {
  auto all = cli::flags_of(command);
  return {all.begin(), all.end()};
}

words all_commands() {
  auto all = cli::commands();
  return {all.begin(), all.end()};
}

/// The commands whose flags we read ourselves.
words own_commands() {
  auto all = all_commands();
  all.erase("ctl");
  return all;
}

/// The manual without its escapes: "\-\-listen" is "--listen".
std::string manual() {
  auto text = contents("man/lyceum.1");
  std::erase(text, '\\');
  return text;
}

/// Every kind that a crash report can have, as the sources that make reports write it: `what.kind = "stuck";`
words crash_kinds() {
  words all;
  for (const auto* folder : {"supervision", "actors", "ops"})
    for (const auto& file : std::filesystem::directory_iterator(std::string(LYCEUM_SOURCE_DIR "/") + folder)) {
      if (file.path().extension() != ".cpp")
        continue;
      const auto text = contents("../" + std::string(folder) + "/" + file.path().filename().string());
      for (const auto& statement : found(text, R"((?:what\.|\{\.)kind = ([^;,]*))"))
        all.merge(found(statement, "\"([a-z_]+)\""));
    }
  return all;
}

} // namespace

TEST(manual_test, every_command_has_its_section_with_each_of_its_flags_and_no_other) {
  auto text = manual();
  EXPECT_EQ(found(between(text, ".SH COMMANDS", ".SH CONFIGURATION"), R"(\.SS ([a-z]+))"), all_commands());
  for (const auto& command : own_commands()) {
    auto section = between(text, ".SS " + command + "\n", "\n.S");
    auto expected = flags(command);
    expected.erase("--help"); // said once, for all
    if (command == "version")
      section = "";
    EXPECT_EQ(found(section, R"((--[a-z-]+))"), expected) << command;
  }
}

TEST(manual_test, every_key_of_the_configuration_is_there_with_its_default) {
  auto section = between(manual(), ".SH CONFIGURATION", ".SH ENVIRONMENT");
  words keys;
  for (const auto& key : config_keys()) {
    keys.emplace(key.name);
    EXPECT_THAT(section, testing::HasSubstr(".B " + std::string(key.name) + "\n")) << key.name;
    EXPECT_THAT(between(section, ".B " + std::string(key.name) + "\n", ".TP"),
                testing::HasSubstr("Default: " + std::string(key.fallback) + "."))
        << key.name;
  }
  EXPECT_EQ(found(section, R"(\.TP\n\.B ([a-z_]+)\n)"), keys);
}

TEST(manual_test, every_command_of_ctl_has_its_line_and_the_protocol_its_section) {
  auto text = manual();
  auto section = between(text, ".SS ctl\n", "\n.SS");
  words named;
  for (std::size_t at = section.find("\n.TP\n"); at != std::string::npos; at = section.find("\n.TP\n", at + 1)) {
    auto line = section.substr(at + 5, section.find('\n', at + 5) - at - 5);
    line = std::regex_replace(line, std::regex("\"[^\"]*\""), " "); // what is between quotes is no command
    line = std::regex_replace(line, std::regex("--[a-z-]+"), " ");
    auto some = found(line, R"(\b([a-z]{4,})\b)");
    named.insert(some.begin(), some.end());
  }
  for (const auto& command : ops::ctl_commands())
    EXPECT_TRUE(named.contains(command)) << command;
  auto protocol = between(text, ".SH PROTOCOL", ".SH FILES");
  for (const auto* word : {"if_gen", "timeout_ms", "topics", "64 KiB", "8 connections", "5 s a call", "dropped"})
    EXPECT_THAT(protocol, testing::HasSubstr(word));
}

TEST(completions_test, all_three_shells_offer_every_command_of_ctl) {
  const auto known = ops::ctl_commands();
  const words expected(known.begin(), known.end());
  EXPECT_EQ(found(between(contents("completions/lyceum.bash"), "ctl) mapfile -t COMPREPLY < <(compgen -W \"", "\""),
                  R"(([a-z]+))"),
            expected);
  EXPECT_EQ(found(between(contents("completions/_lyceum"), "'1:command:(", ")"), R"(([a-z]+))"), expected);
  EXPECT_EQ(
      found(between(contents("completions/lyceum.fish"), "seen_subcommand_from ctl\" -a \"", "\""), R"(([a-z]+))"),
      expected);
}

TEST(completions_test, bash_offers_what_help_shows) {
  auto text = contents("completions/lyceum.bash");
  auto database = between(text, "local database=\"", "\"");
  EXPECT_EQ(found(between(text, "local commands=\"", "\""), R"(([a-z]+))"), all_commands());
  auto cases = between(text, "local flags=\"--help\"", "esac");
  for (const auto& command : own_commands()) {
    auto line = between(cases, "\n    " + command + ") flags=\"$flags", "\"");
    if (auto at = line.find("$database"); at != std::string::npos)
      line.replace(at, 9, database);
    EXPECT_EQ(found("--help " + line, R"((--[a-z-]+))"), flags(command)) << command;
  }
}

TEST(completions_test, zsh_offers_what_help_shows) {
  auto text = contents("completions/_lyceum");
  EXPECT_EQ(found(between(text, "commands=(", "\n  )"), R"('([a-z]+):)"), all_commands());
  auto database = between(text, "database=(", "\n  )");
  auto cases = between(text, "case $command in", "esac");
  for (const auto& command : own_commands()) {
    auto part = between(cases, "\n    " + command + ")", ";;");
    if (part.find("$database") != std::string::npos)
      part += database;
    EXPECT_EQ(found(part, R"('\*?(--[a-z-]+)\[)"), flags(command)) << command;
  }
}

TEST(completions_test, fish_offers_what_help_shows) {
  auto text = contents("completions/lyceum.fish");
  EXPECT_EQ(found(text, R"(__fish_use_subcommand -a ([a-z]+))"), all_commands());
  for (const auto& command : own_commands()) {
    words got;
    for (const auto& name : found(text, "seen_subcommand_from " + command + "\" -l ([a-z-]+)"))
      got.insert("--" + name);
    EXPECT_EQ(got, flags(command)) << command;
  }
}

TEST(runbook_test, every_state_of_the_tree_has_its_section) {
  const auto text = contents("runbook.md");
  using supervision::node_state;
  for (int i = 0;; ++i) { // the enumeration ends where its names do
    const auto name = supervision::name_of(static_cast<node_state>(i));
    if (name == "unknown") {
      EXPECT_EQ(i, static_cast<int>(node_state::down) + 1);
      break;
    }
    EXPECT_THAT(text, testing::HasSubstr("\n### State: " + std::string(name) + "\n"));
  }
}

TEST(runbook_test, every_kind_of_crash_report_has_its_row_and_no_other) {
  const auto kinds = crash_kinds();
  EXPECT_GE(kinds.size(), 13U);
  EXPECT_TRUE(kinds.contains("budget_spent"));
  const auto section = between(contents("runbook.md"), "\n## Crash reports\n", "\n## ");
  EXPECT_EQ(found(section, R"(\n\| `([a-z_]+)` \|)"), kinds);
}

TEST(runbook_test, every_command_and_metric_that_it_names_exists) {
  const auto text = contents("runbook.md");
  const auto known = ops::ctl_commands();
  for (const auto& name : found(text, R"(lyceum ctl(?: --[a-z-]+)* ([a-z]+))"))
    EXPECT_THAT(known, testing::Contains(name));
  const auto exposition = contents("../http/routes/status.cpp");
  for (const auto& name : found(text, R"(\b((?:lyceum|process)_[a-z_]+)\b)"))
    EXPECT_THAT(exposition, testing::HasSubstr("\"" + name)) << name;
}

TEST(runbook_test, each_entry_of_the_contents_leads_to_a_section) {
  const auto text = contents("runbook.md");
  words headings;
  for (const auto& heading : found(text, R"(\n#+ ([^\n]+))")) { // as GitHub names them
    std::string anchor;
    for (const char c : heading)
      if (c == ' ' || c == '-')
        anchor += '-';
      else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_')
        anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    headings.insert(anchor);
  }
  const auto named = found(text, R"(\]\(#([^)]+)\))");
  EXPECT_GE(named.size(), 20U);
  for (const auto& name : named)
    EXPECT_TRUE(headings.contains(name)) << name;
}
