// SPDX-License-Identifier: Apache-2.0
// `lyceum user`, as an operator types it: on both engines, without a server.
#include "tests/site/server.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lyceum::testing {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

class user : public ::testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "postgresql") {
      database = fresh_postgres();
      if (database.empty())
        GTEST_SKIP() << "no PostgreSQL: set LYCEUM_TEST_POSTGRES (ops/test does)";
    }
    ASSERT_EQ(run_lyceum(with_database({"migrate"})).status, 0);
  }

  std::vector<std::string> with_database(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", (place / "data").string()});
    if (!database.empty())
      arguments.insert(arguments.end(), {"--database", database});
    return arguments;
  }
  finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "user");
    return run_lyceum(with_database(std::move(arguments)));
  }
  /// What it prints with --json, which must be there.
  json::value ask(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const auto done = run(std::move(arguments));
    EXPECT_EQ(done.status, 0) << done.err;
    return json::parse(done.out);
  }

  const scratch place;
  std::string database;
};
INSTANTIATE_TEST_SUITE_P(engines, user, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& given) { return std::string(given.param); });

TEST_P(user, an_account_is_added_shown_listed_and_deleted) {
  EXPECT_THAT(run({"add", "Ada@Example.org", "--name", "Ada", "--role", "author"}).out,
              HasSubstr("added Ada@Example.org (author)"));
  EXPECT_EQ(run({"add", "bob@example.org"}).status, 0);
  const auto all = ask({"list"}).as_array();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].at("address"), "Ada@Example.org");
  EXPECT_EQ(ask({"list", "--role", "learner"}).as_array().size(), 1u);
  const auto shown = run({"show", "ada@example.ORG"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("everything once its second factor is set up"));
  EXPECT_THAT(shown.out, HasSubstr("command:"));
  EXPECT_THAT(run({"delete", "ada@example.org", "--yes"}).out, HasSubstr("deleted Ada@Example.org"));
  EXPECT_EQ(run({"show", "ada@example.org"}).status, 1);
  EXPECT_EQ(ask({"list"}).as_array().size(), 1u);
}

TEST_P(user, a_grant_opens_a_plan_until_it_is_revoked) {
  run({"add", "a@x.example"});
  EXPECT_TRUE(ask({"show", "a@x.example"}).at("plans").as_array().empty());
  const auto given =
      ask({"grant", "a@x.example", "pro", "--until", "2999-01-01", "--note", "invoice 7", "--source", "paypal"});
  EXPECT_EQ(given.at("expires_at"), "2999-01-01T00:00:00Z");
  EXPECT_EQ(ask({"show", "a@x.example"}).at("plans"), json::parse(R"(["pro"])"));
  const auto shown = run({"show", "a@x.example"});
  EXPECT_THAT(shown.out, HasSubstr("plans: pro"));
  EXPECT_THAT(shown.out, HasSubstr("pro (paypal): invoice 7")) << "the history";
  run({"grant", "a@x.example", "talks"});
  const std::string number(given.at("id").as_string());
  EXPECT_THAT(run({"revoke", "a@x.example", "--grant", number}).out, HasSubstr("revoked pro of a@x.example"));
  EXPECT_EQ(ask({"show", "a@x.example"}).at("plans"), json::parse(R"(["talks"])"));
  EXPECT_EQ(run({"revoke", "a@x.example", "--grant", number}).status, 1) << "it was taken back before";
  EXPECT_EQ(run({"revoke", "a@x.example", "talks"}).status, 0);
  EXPECT_TRUE(ask({"show", "a@x.example"}).at("plans").as_array().empty());
}

TEST_P(user, nobody_is_deleted_without_a_word_of_it) {
  run({"add", "a@x.example"});
  const auto refused = run({"delete", "a@x.example"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  EXPECT_EQ(run({"show", "a@x.example"}).status, 0);
}

TEST_P(user, what_is_wrong_is_told_in_one_line_with_its_status) {
  run({"add", "a@x.example"});
  struct wrong {
    std::vector<std::string> words;
    int status;
    std::string hint;
  };
  for (const auto& [words, status, hint] : std::vector<wrong>{
           {{"add", "nobody"}, 2, "nobody is no mail address"},
           {{"add", "a b@x.example"}, 2, "is no mail address"},
           {{"add", "A@X.example"}, 1, "there is an account with the address A@X.example"},
           {{"add", "b@x.example", "--role", "admin"}, 2, "learner, author or operator"},
           {{"list", "--role", "admin"}, 2, "learner, author or operator"},
           {{"show", "b@x.example"}, 1, "no account with the address b@x.example"},
           {{"grant", "b@x.example", "pro"}, 1, "no account with the address b@x.example"},
           {{"grant", "a@x.example", "pro", "--until", "soon"}, 2, "--until is \"soon\""},
           {{"grant", "a@x.example", "pro", "--until", "2001-01-01"}, 2, "in the past"},
           {{"grant", "a@x.example", std::string(65, 'x')}, 2, "at most 64"},
           {{"revoke", "a@x.example", "pro"}, 1, "a@x.example has no grant of pro"},
           {{"revoke", "a@x.example", "--grant", "7x"}, 1, "a@x.example has no grant 7x"},
           {{"delete", "b@x.example", "--yes"}, 1, "no account with the address b@x.example"},
       }) {
    const auto done = run(words);
    EXPECT_EQ(done.status, status) << hint;
    EXPECT_THAT(done.err, HasSubstr(hint));
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
    EXPECT_EQ(done.out, "");
  }
  EXPECT_EQ(ask({"list"}).as_array().size(), 1u);
}

TEST_P(user, what_others_wrote_moves_no_terminal) {
  run({"add", "a@x.example", "--name", "\x1b[31mred\x1b[0m"});
  EXPECT_THAT(run({"show", "a@x.example"}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({"list"}).out, Not(HasSubstr("\x1b")));
}

TEST(user_without_database, it_says_what_to_do) {
  const scratch place;
  const auto done = run_lyceum({"user", "list", "--data", (place / "data").string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("lyceum migrate"));
  EXPECT_FALSE(fs::exists(place / "data" / "lyceum.db")) << "a look makes nothing";
}

} // namespace
} // namespace lyceum::testing
