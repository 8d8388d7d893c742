// SPDX-License-Identifier: Apache-2.0
#include "tests/views/pages/samples.hpp"

#include "tests/views/pages/markup.hpp"
#include "views/account_pages.hpp"
#include "views/qr.hpp"
#include "views/texts.hpp"
#include "views/texts/accounts_de.hpp"
#include "views/texts/accounts_en.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace lyceum::views {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> tags_of(const std::string& html, const std::string& name) {
  std::vector<std::string> out;
  for (auto at = html.find("<" + name); at != std::string::npos; at = html.find("<" + name, at + 1))
    out.push_back(html.substr(at, html.find('>', at) - at + 1));
  return out;
}

std::string attribute(const std::string& tag, const std::string& name) {
  return markup::between(tag, " " + name + "=\"", "\"");
}

TEST(account_pages_test, every_field_has_a_label_and_says_what_a_browser_may_fill_in) {
  for (const auto& [name, html] : samples::account_pages(false, "en"))
    for (const auto& tag : tags_of(html, "input")) {
      if (attribute(tag, "type") == "hidden")
        continue;
      EXPECT_THAT(html, HasSubstr("<label for=\"" + attribute(tag, "id") + "\"")) << name << ": " << tag;
      EXPECT_NE(attribute(tag, "autocomplete"), "") << name << ": " << tag;
    }
}

TEST(account_pages_test, every_form_is_a_post_with_a_token_of_its_own) {
  for (const auto& [name, html] : samples::account_pages(false, "en")) {
    EXPECT_EQ(markup::count(html, "<form "), markup::count(html, "name=\"csrf\"")) << name;
    for (const auto& tag : tags_of(html, "form"))
      EXPECT_EQ(attribute(tag, "method"), "post") << name;
  }
}

TEST(account_pages_test, what_is_wrong_is_tied_to_its_field) {
  for (const auto& [name, html] : samples::account_pages(false, "en")) {
    for (const auto& tag : tags_of(html, "input"))
      for (std::string ids = attribute(tag, "aria-describedby") + " "; ids.find(' ') != std::string::npos;
           ids.erase(0, ids.find(' ') + 1))
        if (const auto id = ids.substr(0, ids.find(' ')); !id.empty()) {
          EXPECT_THAT(html, HasSubstr("id=\"" + id + "\"")) << name;
        }
    if (html.find("class=\"wrong\"") != std::string::npos) {
      EXPECT_THAT(html, AllOf(HasSubstr("aria-invalid=\"true\""), HasSubstr("role=\"alert\""))) << name;
    }
  }
}

TEST(account_pages_test, forms_and_links_stay_in_the_language_of_the_page) {
  for (const auto& [name, html] : samples::account_pages(false, "de"))
    for (const auto& tag : tags_of(html, "form"))
      EXPECT_THAT(attribute(tag, "action"), ::testing::StartsWith("/de/")) << name;
}

TEST(account_pages_test, german_says_all_that_english_says) {
  for (const auto& [key, text] : tables::accounts_en)
    EXPECT_TRUE(tables::accounts_de.contains(key)) << key;
  for (const auto& [key, text] : tables::accounts_de) {
    ASSERT_TRUE(tables::accounts_en.contains(key)) << key;
    const auto names_in = [](std::string_view in) {
      std::set<std::string> names;
      for (auto open = in.find('{'); open != in.npos; open = in.find('{', open + 1))
        names.insert(std::string(in.substr(open, in.find('}', open) - open)));
      return names;
    };
    EXPECT_EQ(names_in(text), names_in(tables::accounts_en.at(key))) << key;
  }
}

TEST(account_pages_test, a_wait_is_said_in_words_that_round_up) {
  EXPECT_EQ(wait_words("en", 1s), "a minute");
  EXPECT_EQ(wait_words("en", 61s), "2 minutes");
  EXPECT_EQ(wait_words("en", 10min), "10 minutes");
  EXPECT_EQ(wait_words("en", 91min), "2 hours");
  EXPECT_EQ(wait_words("de", 12h), "12 Stunden");
}

TEST(account_pages_test, a_delivery_is_never_silent) {
  const auto view = samples::site();
  lyceum::mail one;
  one.sent_at = one.next_at = from_micros(1'795'426'200'000'000); // 10:30 in Ljubljana
  for (const auto state : {mail_state::queued, mail_state::sending, mail_state::sent, mail_state::deferred,
                           mail_state::failed, mail_state::suppressed, mail_state::uncertain}) {
    one.state = state;
    const auto said = delivery_words(view, one, "");
    EXPECT_NE(said.words, "");
    EXPECT_EQ(said.bad, state == mail_state::failed || state == mail_state::suppressed);
  }
  one.state = mail_state::sent;
  EXPECT_THAT(delivery_words(view, one, "").words, HasSubstr("10:30"));
  one.state = mail_state::queued;
  EXPECT_THAT(delivery_words(view, one, "The host is away.").words, HasSubstr("The host is away."));
  EXPECT_NE(delivery_words(view, std::nullopt, "").words, "");
}

TEST(account_pages_test, the_picture_of_a_secret_needs_no_other_host) {
  const auto svg = qr_svg("otpauth://totp/a?secret=B", "A \"label\" <here>");
  EXPECT_THAT(svg, AllOf(HasSubstr("viewBox=\"0 0 "), HasSubstr("aria-label=\"A &quot;label&quot; &lt;here&gt;\""),
                         Not(HasSubstr("href")), Not(HasSubstr("style"))));
  EXPECT_EQ(
      markup::fault_of("<!doctype html><html lang=\"en\"><head><title>x</title></head><body>" + svg + "</body></html>"),
      "");
  EXPECT_NE(svg, qr_svg("otpauth://totp/a?secret=C", "A \"label\" <here>"));
  EXPECT_EQ(qr_svg(std::string(3000, 'x'), ""), "");
}

} // namespace
} // namespace lyceum::views
