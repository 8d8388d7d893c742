// SPDX-License-Identifier: Apache-2.0
// `lyceum mail preview`, as somebody types it who translates mails or makes a theme.
#include "tests/site/server.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace lyceum::testing {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class mail_command : public ::testing::Test {
protected:
  static finished preview(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"mail", "preview"});
    return run_lyceum(arguments);
  }
  std::string file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((place / name).parent_path());
    std::ofstream(place / name, std::ios::binary) << text;
    return (place / name).string();
  }

  const scratch place;
};

TEST_F(mail_command, the_list_names_every_template_and_each_can_be_shown) {
  const auto listed = preview({"--list"});
  EXPECT_EQ(listed.status, 0) << listed.err;
  EXPECT_THAT(listed.out, StartsWith("account_deleted\naddress_changed\n"));
  const auto rows = json::parse(preview({"--list", "--json"}).out).as_array();
  EXPECT_EQ(rows.size(), 13u);
  for (const auto& row : rows) {
    const std::string name(row.at("template").as_string());
    EXPECT_THAT(listed.out, HasSubstr(name + "\n"));
    EXPECT_TRUE(row.at("sample").is_object());
    const auto shown = preview({name, "--language", "de"});
    EXPECT_EQ(shown.status, 0) << shown.err;
    EXPECT_THAT(shown.out, StartsWith("Subject: "));
  }
}

TEST_F(mail_command, a_mail_is_shown_as_text_or_html_or_both) {
  const auto text = preview({"sign_in"});
  EXPECT_EQ(text.out, preview({"sign_in", "--text"}).out);
  EXPECT_THAT(text.out, AllOf(StartsWith("Subject: 731552 is your code for A School\n\nSign in to A School\n"),
                              Not(HasSubstr("<p>"))));
  EXPECT_THAT(preview({"sign_in", "--html"}).out, AllOf(StartsWith("<!doctype html>\n"), HasSubstr("</html>\n")));
  const auto both = json::parse(preview({"sign_in", "--json"}).out);
  EXPECT_EQ(text.out, "Subject: " + std::string(both.at("subject").as_string()) + "\n\n" +
                          std::string(both.at("text").as_string()));
  EXPECT_THAT(preview({"sign_in", "--base-url", "http://localhost:8080/"}).out,
              AllOf(HasSubstr("\nhttp://localhost:8080/sign-in/"), Not(HasSubstr("school.example"))));
}

TEST_F(mail_command, details_come_from_a_file_and_are_held_to_what_the_mail_needs) {
  const auto good = file("good.json", R"({"plan": "Gold", "link": "https://school.example/x"})");
  EXPECT_THAT(preview({"granted", good}).out, HasSubstr("Subject: You have Gold at A School\n"));
  EXPECT_THAT(preview({"granted", good, "--base-url", "https://a.example"}).err,
              HasSubstr("link is no address of https://a.example"));
  const auto refused = preview({"granted", file("bad.json", R"({"plan": "Gold"})")});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(refused.err, "lyceum: link is missing\n");
  EXPECT_THAT(preview({"granted", file("broken.json", "{")}).err, HasSubstr("no JSON object"));
  EXPECT_THAT(preview({"granted", (place / "none.json").string()}).err, HasSubstr("cannot read"));
  EXPECT_EQ(preview({"granted", place.path().string()}).status, 1);
}

TEST_F(mail_command, a_template_that_is_not_there_is_told_with_the_nearest_one) {
  const auto slip = preview({"sing_in"});
  EXPECT_EQ(slip.status, 1);
  EXPECT_THAT(slip.err, HasSubstr("there is no mail 'sing_in'; did you mean 'sign_in'?"));
  EXPECT_THAT(preview({"newsletter"}).err, AllOf(HasSubstr("no mail 'newsletter'"), Not(HasSubstr("did you mean"))));
}

TEST_F(mail_command, a_theme_is_shown_and_its_faults_are_named) {
  file("theme/mail/welcome.fr.mustache", "subject: Bienvenue\n# Bonjour {{name}}\n");
  const auto theme = (place / "theme").string();
  EXPECT_THAT(preview({"welcome", "--theme", theme, "--language", "fr"}).out,
              StartsWith("Subject: Bienvenue\n\nBonjour Ada\n"));
  file("theme/mail/welcome.fr.mustache", "subject: Bienvenue\n{{#name}}\n");
  const auto wrong = preview({"welcome", "--theme", theme});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("welcome.fr.mustache:2: {{#name}} is not closed"));
}

TEST_F(mail_command, an_address_that_is_none_of_the_web_is_wrong_usage) {
  EXPECT_EQ(preview({"welcome", "--base-url", "school.example"}).status, 2);
}

} // namespace
} // namespace lyceum::testing
