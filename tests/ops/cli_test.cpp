// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/cli.hpp"
#include "ops/nearest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace lyceum;
using testing::HasSubstr;

namespace {

template <class T>
T read(const std::vector<std::string>& arguments) {
  auto found = cli::parse(arguments);
  if (auto* end = std::get_if<cli::finished>(&found))
    ADD_FAILURE() << "ended with " << end->status << ": " << end->text;
  return std::holds_alternative<T>(found) ? std::get<T>(found) : T{};
}

cli::finished refused(const std::vector<std::string>& arguments) {
  auto found = cli::parse(arguments);
  auto* end = std::get_if<cli::finished>(&found);
  return end == nullptr ? cli::finished{-1, "it was accepted"} : *end;
}

const setting* find(const config_flags& flags, std::string_view key) {
  auto found = std::ranges::find(flags, key, &setting::key);
  return found == flags.end() ? nullptr : &*found;
}

} // namespace

TEST(cli_test, serve_turns_its_flags_into_settings) {
  auto got =
      read<cli::serve>({"serve", "--content", "school", "--listen", "127.0.0.1:0", "--listen=[::1]:0", "--no-heart"});
  ASSERT_NE(find(got.flags, "content"), nullptr);
  EXPECT_EQ(find(got.flags, "content")->values, std::vector<std::string>{"school"});
  EXPECT_EQ(find(got.flags, "content")->origin, "--content");
  EXPECT_EQ(find(got.flags, "listen")->values, (std::vector<std::string>{"127.0.0.1:0", "[::1]:0"}));
  EXPECT_EQ(find(got.flags, "no_heart")->values, std::vector<std::string>{"true"});
  EXPECT_EQ(find(got.flags, "data"), nullptr);
}

TEST(cli_test, what_serve_reads_is_what_the_configuration_knows) {
  auto got = read<cli::serve>({"serve",
                               "--data",
                               "/tmp/d",
                               "--database",
                               "sqlite:x.db",
                               "--base-url",
                               "https://a.example",
                               "--theme",
                               "t",
                               "--threads",
                               "2",
                               "--control",
                               "/tmp/c",
                               "--access-log",
                               "off",
                               "--log-level",
                               "debug",
                               "--log-format",
                               "json",
                               "--content",
                               "c",
                               "--replace-content"});
  auto cfg = load_config(got.flags, {});
  ASSERT_TRUE(cfg) << cfg.error().detail;
  EXPECT_TRUE(cfg->replace_content);
  EXPECT_EQ(cfg->threads, 2u);
  EXPECT_EQ(cfg->control, "/tmp/c");
}

TEST(cli_test, the_last_of_two_equal_flags_counts) {
  auto got = read<cli::serve>({"serve", "--data", "a", "--data", "b"});
  EXPECT_EQ(find(got.flags, "data")->values, std::vector<std::string>{"b"});
}

TEST(cli_test, listen_takes_one_word_only) {
  EXPECT_THAT(refused({"serve", "--listen", "127.0.0.1:1", "127.0.0.1:2"}).text, HasSubstr("one argument too many"));
}

TEST(cli_test, ctl_gets_its_words_untouched) {
  std::vector<std::string> words{"--json", "kill", "--help", "--", "serve"};
  auto all = words;
  all.insert(all.begin(), "ctl");
  EXPECT_EQ(read<cli::ctl>(all).arguments, words);
}

TEST(cli_test, each_command_reads_its_own) {
  EXPECT_EQ(read<cli::new_school>({"new", "serve"}).directory, "serve");
  auto imported = read<cli::import>({"import", "--dry-run", "school", "--json", "--data", "d"});
  EXPECT_EQ(imported.source, "school");
  EXPECT_TRUE(imported.dry_run && imported.json && !imported.replace_content);
  EXPECT_NE(find(imported.flags, "data"), nullptr);
  EXPECT_TRUE(read<cli::check>({"check", "d", "--json"}).json);
  EXPECT_EQ(read<cli::render>({"render", "--untrusted"}).file, std::nullopt);
  EXPECT_EQ(read<cli::render>({"render", "-"}).file, std::nullopt);
  EXPECT_EQ(read<cli::render>({"render", "a.md"}).file, "a.md");
  EXPECT_TRUE(read<cli::migrate>({"migrate", "--status"}).status);
  auto granted =
      read<cli::user>({"user", "grant", "a@x", "pro", "--until", "2027-01-01", "--note=paid by mail", "--json"});
  EXPECT_EQ(granted.action + " " + granted.address + " " + granted.plan, "grant a@x pro");
  EXPECT_EQ(granted.until, "2027-01-01");
  EXPECT_EQ(granted.note, "paid by mail");
  EXPECT_EQ(granted.source, std::nullopt);
  EXPECT_TRUE(granted.json);
  EXPECT_EQ(read<cli::user>({"user", "revoke", "a@x", "--grant", "7"}).grant, "7");
  EXPECT_TRUE(read<cli::user>({"user", "delete", "a@x", "--yes", "--data", "d"}).yes);
  EXPECT_EQ(read<cli::user>({"user", "list", "--role", "author"}).role, "author");
  const auto seen = read<cli::mail>({"mail", "preview", "sign_in", "-", "--language", "de", "--html", "--theme", "t"});
  EXPECT_EQ(seen.template_name, "sign_in");
  EXPECT_EQ(seen.details, "-");
  EXPECT_EQ(seen.language, "de");
  EXPECT_TRUE(seen.html && !seen.text && !seen.list && !seen.json);
  EXPECT_TRUE(read<cli::mail>({"mail", "preview", "--list", "--json"}).list);
  read<cli::version>({"version"});
  read<cli::version>({"--version"});
}

TEST(cli_test, a_folder_whose_name_begins_with_a_dash_follows_two_dashes) {
  EXPECT_EQ(read<cli::check>({"check", "--", "-school"}).directory, "-school");
}

TEST(cli_test, help_is_everywhere_and_ends_well) {
  EXPECT_EQ(refused({"--help"}).status, 0);
  for (const auto& command : cli::commands()) {
    EXPECT_THAT(refused({"--help"}).text, HasSubstr("\n  " + command + " "));
    if (command == "ctl")
      continue;
    auto help = refused({command, "--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.text, HasSubstr("Usage: lyceum " + command));
    for (const auto& flag : cli::flags_of(command))
      EXPECT_THAT(help.text, HasSubstr(flag));
  }
}

TEST(cli_test, wrong_usage_ends_with_2_and_a_hint) {
  EXPECT_EQ(refused({}).status, 2);
  struct wrong {
    std::vector<std::string> words;
    std::string hint;
  };
  for (const auto& [words, hint] : std::vector<wrong>{
           {{"serv"}, "did you mean 'serve'?"},
           {{"doctor"}, "there is no command 'doctor'"},
           {{"serve", "--contnet", "x"}, "there is no option '--contnet'; did you mean '--content'?"},
           {{"serve", "--lisen=127.0.0.1:1"}, "did you mean '--listen'?"},
           {{"serve", "school"}, "one argument too many: 'school'"},
           {{"serve", "--data"}, "--data"},
           {{"--verson"}, "did you mean '--version'?"},
           {{"new"}, "DIR is missing"},
           {{"new", ""}, "DIR is missing"},
           {{"import", "a", "b"}, "one argument too many"},
           {{"check", "--dry-run", "x"}, "there is no option '--dry-run'"},
           {{"user"}, "ACTION is missing"},
           {{"user", "gant", "a@x", "pro"}, "did you mean 'grant'?"},
           {{"user", "show"}, "show: ADDRESS is missing"},
           {{"user", "show", ""}, "show: ADDRESS is missing"},
           {{"user", "grant", "a@x"}, "ADDRESS PLAN is missing"},
           {{"user", "revoke", "a@x"}, "ADDRESS PLAN (or --grant ID) is missing"},
           {{"user", "revoke", "a@x", "pro", "--grant", "7"}, "one argument too many: 'pro'"},
           {{"user", "list", "a@x"}, "one argument too many: 'a@x'"},
           {{"user", "delete", "a@x", "--until", "2027-01-01"}, "delete knows no --until"},
           {{"user", "show", "a@x", "--yes"}, "show knows no --yes"},
           {{"user", "show", "a@x", "--jsn"}, "did you mean '--json'?"},
           {{"mail"}, "ACTION is missing: preview"},
           {{"mail", "preveiw", "x"}, "did you mean 'preview'?"},
           {{"mail", "preview"}, "TEMPLATE is missing"},
           {{"mail", "preview", "a", "b", "c"}, "one argument too many: 'c'"},
           {{"mail", "preview", "a", "--list"}, "one argument too many: 'a'"},
           {{"mail", "preview", "a", "--text", "--html"}, "excludes"},
           {{"mail", "preview", "a", "--htlm"}, "did you mean '--html'?"},
       }) {
    auto end = refused(words);
    EXPECT_EQ(end.status, 2) << hint;
    EXPECT_THAT(end.text, HasSubstr(hint));
  }
}

TEST(nearest_test, a_slip_is_found_and_nonsense_is_not) {
  std::vector<std::string_view> known{"listen", "theme", "threads", "data", "database"};
  EXPECT_EQ(nearest("lisetn", known), "listen");
  EXPECT_EQ(nearest("thread", known), "threads");
  EXPECT_EQ(nearest("databse", known), "database");
  EXPECT_EQ(nearest("thr", known), "threads") << "what was begun";
  EXPECT_EQ(nearest("zzz", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'a'), known), "");
}
