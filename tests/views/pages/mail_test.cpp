// SPDX-License-Identifier: Apache-2.0
// Mails as they are sent: every one, in every language, with values that would like to be more than values.
#include "tests/views/pages/mail_samples.hpp"
#include "tests/views/pages/markup.hpp"
#include "tests/views/pages/samples.hpp"
#include "views/mail/colour.hpp"
#include "views/mail/kinds.hpp"
#include "views/mail/source.hpp"
#include "views/mail/values.hpp"
#include "views/mail/write.hpp"
#include "views/texts.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace lyceum::views {
namespace {

namespace json = boost::json;
using mail::member_kind;
using samples::mail_school;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

expected<mail_text> render(std::string_view name, std::string_view details, std::string_view language = "en") {
  return render_mail(*samples::strict_theme(), mail_school(), name, language, details);
}

json::object sample(std::string_view name) {
  return json::parse(mail::find_kind(name)->sample).as_object();
}

mail_text with(std::string_view name, std::initializer_list<std::pair<std::string_view, json::value>> changes,
               std::string_view language = "en") {
  auto details = sample(name);
  for (const auto& [member, value] : changes)
    details[member] = value;
  const auto made = render(name, json::serialize(details), language);
  EXPECT_TRUE(made) << made.error().detail;
  return made.value_or(mail_text{});
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

std::string unwrapped(std::string text) {
  return mail::plain_line(text, text.size());
}

TEST(mail_test, every_mail_is_whole_in_every_language) {
  std::set<std::string> seen;
  for (const auto language : interface_languages())
    for (const auto& [name, variant, details] : samples::all_mails()) {
      SCOPED_TRACE(name + " " + variant + " " + std::string{language});
      const auto made = render(name, details, language);
      ASSERT_TRUE(made) << made.error().detail;
      EXPECT_FALSE(made->subject.empty());
      EXPECT_LE(made->subject.size(), 100U);
      EXPECT_EQ(markup::fault_of(made->html), "");
      EXPECT_THAT(made->html, StartsWith("<!doctype html>\n<html lang=\"" + std::string{language} + "\" dir=\"ltr\">"));
      EXPECT_EQ(markup::count(made->html, "<h1>"), 1);
      EXPECT_THAT(made->html, HasSubstr(mail::accent_of(mail_school().accent).light)) << "the school's accent";
      EXPECT_THAT(made->text, HasSubstr("\n-- \n")) << "why one got it";
      EXPECT_THAT(made->text, HasSubstr("\nA School That Heals\nhttps://school.example\n"));
      for (const auto& both : {made->text, made->html, made->subject})
        EXPECT_THAT(both, AllOf(Not(HasSubstr("{{")), Not(HasSubstr("}}")), Not(HasSubstr("[button]"))));
      for (const auto& link : markup::links_of(made->html))
        EXPECT_THAT(link, StartsWith("https://school.example"));
      seen.insert(name);
    }
  EXPECT_EQ(seen.size(), 13U);
}

TEST(mail_test, every_template_shows_all_that_its_mail_is_told_and_all_languages_the_same) {
  using shape = std::vector<std::pair<mail::line_kind, std::multiset<std::string>>>;
  const auto& look = *samples::strict_theme();
  EXPECT_EQ(look.mails().size(), mail::kinds().size() * interface_languages().size());
  for (const auto& kind : mail::kinds()) {
    std::set<shape> shapes;
    for (const auto language : interface_languages()) {
      const auto* source = look.find_mail(kind.name, language);
      ASSERT_NE(source, nullptr) << kind.name << " " << language;
      shape found;
      std::set<std::string> names;
      for (const auto& line : source->lines) {
        std::multiset<std::string> of_line{line.name};
        for (const auto& part : line.text)
          if (part.is_name)
            of_line.insert(part.text);
        names.insert(of_line.begin(), of_line.end());
        found.emplace_back(line.what, of_line);
      }
      for (const auto& member : kind.members)
        EXPECT_TRUE(names.contains(std::string{member.name})) << kind.name << " " << language << " " << member.name;
      shapes.insert(found);
    }
    EXPECT_EQ(shapes.size(), 1U) << kind.name;
  }
}

TEST(mail_test, what_is_missing_or_of_another_kind_is_named) {
  for (const auto& kind : mail::kinds())
    for (const auto& member : kind.members) {
      SCOPED_TRACE(std::string{kind.name} + " " + std::string{member.name});
      auto details = sample(kind.name);
      const auto refused = [&] {
        const auto made = render(kind.name, json::serialize(details));
        return made ? problem{problem::kind::internal, "was made"} : made.error();
      };
      details[member.name] = json::array{json::array{}};
      EXPECT_EQ(refused().what, problem::kind::invalid);
      EXPECT_THAT(refused().detail, StartsWith(std::string{member.name} + " "));
      for (const auto& nothing : {json::value(nullptr), json::value("")}) {
        details[member.name] = nothing;
        EXPECT_EQ(refused().detail, member.may_be_absent ? "was made" : std::string{member.name} + " is missing");
      }
      details.erase(member.name);
      EXPECT_EQ(refused().detail, member.may_be_absent ? "was made" : std::string{member.name} + " is missing");
    }
}

TEST(mail_test, what_is_no_object_or_no_mail_is_refused) {
  for (const char* details : {"", "[]", "7", "{", "\"x\"", "{\"code\": \"\xff\"}", "null"}) {
    const auto made = render("sign_in", details);
    ASSERT_FALSE(made) << details;
    EXPECT_EQ(made.error().what, problem::kind::invalid);
  }
  EXPECT_EQ(render("sign_in", "{\"x\": \"" + std::string(70'000, 'x') + "\"}").error().what, problem::kind::invalid);
  for (const char* name : {"", "sign_out", "sign_in.en", "../pages/home", "SIGN_IN"})
    EXPECT_EQ(render(name, "{}").error().what, problem::kind::not_found) << name;
}

TEST(mail_test, the_code_of_a_sign_in_stands_in_the_subject_and_alone_on_a_line) {
  const auto made = with("sign_in", {});
  EXPECT_EQ(made.subject, "731552 is your code for A School That Heals");
  EXPECT_THAT(made.text, HasSubstr("\n\n    731552\n\n"));
  EXPECT_THAT(made.text, HasSubstr("for 10 minutes."));
  EXPECT_THAT(made.html, HasSubstr("<p class=\"code\"><span>731552</span></p>"));
  EXPECT_THAT(with("sign_in", {{"minutes", "1"}}).text, HasSubstr("for 1 minute."));
}

TEST(mail_test, a_link_is_a_button_and_also_a_line_of_its_own) {
  const std::string link = "https://school.example/in?t=" + std::string(120, 'k') + "&r=%2F";
  const auto made = with("sign_in", {{"link", json::value(link)}});
  EXPECT_THAT(lines_of(made.text), ::testing::Contains(link));
  const auto links = markup::links_of(made.html);
  EXPECT_EQ(std::ranges::count(links, "https://school.example/in?t=" + std::string(120, 'k') + "&amp;r=%2F"), 2);
}

TEST(mail_test, a_first_sign_in_welcomes_and_later_ones_do_not) {
  EXPECT_THAT(with("sign_in", {{"new", true}}).text, StartsWith("Welcome to A School That Heals\n"));
  EXPECT_THAT(with("sign_in", {{"new", false}}).text,
              AllOf(StartsWith("Sign in to A School That Heals\n"), Not(HasSubstr("your account is there"))));
}

TEST(mail_test, sections_say_what_is_so) {
  EXPECT_THAT(with("granted", {{"expires", nullptr}}).text, HasSubstr("Until: it has no end"));
  EXPECT_THAT(with("granted", {}).text,
              AllOf(HasSubstr("Until: 25 November 2027, 20:59 (CET)"), Not(HasSubstr("no end"))));
  EXPECT_THAT(with("granted", {{"note", ""}}).text, Not(HasSubstr("Note:")));
  EXPECT_THAT(with("second_factor_changed", {{"on", true}}).text, AllOf(HasSubstr("is on"), Not(HasSubstr("is off"))));
  EXPECT_THAT(with("second_factor_changed", {{"on", false}}).subject, HasSubstr("is off"));
  EXPECT_THAT(with("welcome", {{"name", ""}}).text, Not(HasSubstr("Hello")));
}

TEST(mail_test, a_day_without_trouble_says_that_all_is_well_and_one_with_trouble_does_not) {
  const auto well = with("all_well", {{"trouble", json::array{}}});
  EXPECT_EQ(well.subject, "All is well at A School That Heals (25 November 2026)");
  EXPECT_THAT(well.text, HasSubstr("- Pages served: 48,210\n- Slowest hundredth: 0.4 ms\n"));
  const auto ill = with("all_well", {});
  EXPECT_THAT(ill.text + ill.html + ill.subject, Not(HasSubstr("All is well")));
  EXPECT_THAT(ill.text, HasSubstr("\n- The disk is 91 % full\n"));
}

TEST(mail_test, times_are_those_of_the_schools_clock_summer_and_winter) {
  EXPECT_THAT(with("new_device", {{"at", "1795636740000000"}}).text, HasSubstr("25 November 2026, 20:59 (CET)"));
  EXPECT_THAT(with("new_device", {{"at", "1783000000000000"}}).text, HasSubstr("2 July 2026, 15:46 (CEST)"));
  EXPECT_THAT(with("new_device", {{"at", "1795636740000000"}}, "de").text,
              HasSubstr("25. November 2026, 20:59 Uhr (CET)"));
  auto lost = mail_school();
  lost.timezone = "No/Such_Place";
  EXPECT_THAT(
      render_mail(*samples::strict_theme(), lost, "account_deleted", "en", R"({"at": "1795636740000000"})")->text,
      HasSubstr("19:59 (UTC)"));
  for (const char* wrong : {"1795636740000000000", "-5", "0", "12 o'clock", "1795636740000000 ", "0x10"})
    EXPECT_FALSE(render("account_deleted", json::serialize(json::object{{"at", wrong}}))) << wrong;
  for (const char* wrong :
       {"2026-13-01", "2026-02-30", "2026-2-3", "26-02-03xx", "2026-11-2x", "2026-+1-02", "2026- 1-02", "yesterday"}) {
    auto details = sample("all_well");
    details["period"] = wrong;
    EXPECT_FALSE(render("all_well", json::serialize(details))) << wrong;
  }
}

TEST(mail_test, the_language_is_the_nearest_that_there_is) {
  const auto spoken = [](std::string_view asked, std::string school) {
    auto site = mail_school();
    site.language = std::move(school);
    return markup::between(
        render_mail(*samples::strict_theme(), site, "account_deleted", asked, R"({"at": "1795636740000000"})")->html,
        "lang=\"", "\"");
  };
  EXPECT_EQ(spoken("de", "en"), "de");
  EXPECT_EQ(spoken("de-AT", "en"), "de");
  EXPECT_EQ(spoken("", "de"), "de");
  EXPECT_EQ(spoken("ta", "de-ch"), "de");
  EXPECT_EQ(spoken("ta", "fr"), "en");
}

TEST(mail_test, a_link_that_is_not_the_schools_own_is_refused) {
  const std::string base = "https://school.example";
  for (const char* fine : {"https://school.example", "https://school.example/", "https://school.example/a?b=c&d=%20#e",
                           "https://school.example?x", "https://school.example#x"})
    EXPECT_EQ(mail::own_link(fine, base), fine);
  for (const char* bad :
       {"", "/account", "//school.example/", "http://school.example/", "https://school.example.evil.example/",
        "https://school.example@evil.example/", "https://school.example:99/",
        "https://evil.example/https://school.example/", "https://school.example\\@evil.example", "javascript:alert(1)",
        "https://school.example/a b", "https://school.example/\"x", "https://school.example/\nX",
        "https://school.example/\xc3\xbc", " https://school.example/"})
    EXPECT_EQ(mail::own_link(bad, base), "") << bad;
  EXPECT_EQ(mail::own_link("ftp://school.example/x", "ftp://school.example"), "");
  EXPECT_EQ(mail::own_link("/x", ""), "");
}

TEST(mail_test, a_name_that_looks_like_markup_is_a_name) {
  const std::string nasty =
      "# <b>O'Hara & Söhne</b> [button] x -> http://evil.example\nsubject: {{site}}\r\n-- {{#name}}";
  const std::string plain = "# <b>O'Hara & Söhne</b> [button] x -> http://evil.example subject: {{site}} -- {{#name}}";
  const auto made = with("granted", {{"plan", json::value(nasty)}});
  EXPECT_EQ(made.subject, "You have " + plain + " at A School That Heals");
  EXPECT_THAT(unwrapped(made.text), HasSubstr("- Plan: " + plain));
  EXPECT_THAT(made.html,
              HasSubstr("# &lt;b&gt;O&#39;Hara &amp; Söhne&lt;/b&gt; [button] x -&gt; http://evil.example subject:"));
  EXPECT_EQ(markup::fault_of(made.html), "");
}

/// Words that would mean something to one of the readers, in any order.
rc::Gen<std::string> nasty_text() {
  const auto part = rc::gen::elementOf(std::vector<std::string>{"# ",
                                                                "[button] x -> http://evil.example",
                                                                "[code] 1",
                                                                "\n",
                                                                "\r\n",
                                                                "\n\n",
                                                                "\r",
                                                                "subject: ",
                                                                "preview: ",
                                                                "- ",
                                                                "-- ",
                                                                "-- \n",
                                                                ": ",
                                                                "{{link}}",
                                                                "{{#new}}",
                                                                "{{/new}}",
                                                                "{{{x}}}",
                                                                "{{",
                                                                "}}",
                                                                "<b>",
                                                                "</p>",
                                                                "<script>",
                                                                "</style>",
                                                                "<!--",
                                                                "&",
                                                                "&amp;",
                                                                "\"",
                                                                "'",
                                                                ">",
                                                                "http://evil.example",
                                                                "ü",
                                                                "\u4e2d\u6587",
                                                                "\u202e",
                                                                "\u2066",
                                                                "\u2028",
                                                                "\u0085",
                                                                "\t",
                                                                std::string(1, '\0'),
                                                                "\x01",
                                                                "\x7f",
                                                                "a",
                                                                "word",
                                                                " ",
                                                                "  ",
                                                                std::string(90, 'x')});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(part), [](const std::vector<std::string>& parts) {
    std::string out;
    for (const auto& one : parts)
      out += one;
    return out;
  });
}

/// The elements of a document, in order, without what stands between and in them; and its links.
std::string skeleton(const std::string& html) {
  std::string out;
  const auto from = html.find("</style>");
  for (auto at = html.find('<', from); at != std::string::npos; at = html.find('<', at + 1))
    out += html.substr(at, html.find('>', at) - at + 1);
  return out;
}

RC_GTEST_PROP(mail_property, no_value_becomes_a_line_a_tag_or_a_link, ()) {
  const auto name = *rc::gen::elementOf(
      std::vector<std::string>{"sign_in", "granted", "alert", "all_well", "new_device", "old_address"});
  const auto& kind = *mail::find_kind(name);
  const auto language = *rc::gen::elementOf(std::vector<std::string>{"en", "de"});
  auto nasty = sample(kind.name);
  auto tame = nasty;
  std::vector<std::string> values;
  const auto word = [&] {
    values.push_back("w" + *nasty_text()); // one letter at least: an empty value is another case
    return values.back();
  };
  for (const auto& member : kind.members) {
    if (member.what == member_kind::text) {
      nasty[member.name] = word();
      tame[member.name] = "w";
    } else if (member.what == member_kind::facts) {
      nasty[member.name] = json::array{json::object{{"label", word()}, {"value", word()}}};
      tame[member.name] = json::array{json::object{{"label", "w"}, {"value", "w"}}};
    } else if (member.what == member_kind::lines) {
      nasty[member.name] = json::array{word(), word()};
      tame[member.name] = json::array{"w", "w"};
    }
  }
  auto site = mail_school();
  site.title = word();
  const auto& look = *samples::strict_theme();
  const auto made = render_mail(look, site, kind.name, language, json::serialize(nasty));
  const auto plain = render_mail(look, mail_school(), kind.name, language, json::serialize(tame));
  RC_ASSERT(made.has_value() && plain.has_value());

  RC_ASSERT(markup::fault_of(made->html).empty());
  RC_ASSERT(skeleton(made->html) == skeleton(plain->html));
  RC_ASSERT(markup::links_of(made->html) == markup::links_of(plain->html));
  for (const auto& part : {made->subject, made->text, made->html})
    RC_ASSERT(std::ranges::none_of(part, [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 0x7f; }));
  RC_ASSERT(made->subject.find('\n') == std::string::npos);
  RC_ASSERT(made->subject.size() <= 900); // mail_header_bytes_max
  const auto empty_lines = [](const std::string& text) { return std::ranges::count(lines_of(text), std::string{}); };
  RC_ASSERT(empty_lines(made->text) == empty_lines(plain->text));
  RC_ASSERT(std::ranges::count(lines_of(made->text), "-- ") == 1);
  for (const auto& value : values)
    RC_ASSERT(unwrapped(made->text).find(mail::plain_line(value)) != std::string::npos);
}

RC_GTEST_PROP(mail_property, a_line_of_the_text_is_short_or_one_word, ()) {
  auto details = sample("alert");
  details["detail"] = "w" + *nasty_text();
  details["what"] = "w" + *nasty_text();
  const auto made = render("alert", json::serialize(details));
  RC_ASSERT(made.has_value());
  for (const auto& line : lines_of(made->text)) {
    const auto columns =
        std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    RC_ASSERT(columns <= static_cast<std::ptrdiff_t>(mail::text_columns) ||
              line.find(' ', line.starts_with("- ") ? 2 : 0) == std::string::npos);
  }
}

RC_GTEST_PROP(mail_property, a_plain_line_is_one_short_line_and_stays_as_it_is, ()) {
  const auto text = *nasty_text();
  const auto max = *rc::gen::inRange<std::size_t>(1, 60);
  const auto line = mail::plain_line(text, max);
  RC_ASSERT(std::ranges::none_of(line, [](char c) { return c >= 0 && c < ' '; }));
  RC_ASSERT(!line.starts_with(' ') && !line.ends_with(' ') && line.find("  ") == std::string::npos);
  RC_ASSERT(line.find("\u202e") == std::string::npos && line.find("\u2028") == std::string::npos);
  const auto characters =
      std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  RC_ASSERT(characters <= static_cast<std::ptrdiff_t>(max) + 1);
  RC_ASSERT(mail::plain_line(line, max + 1) == line);
}

RC_GTEST_PROP(mail_property, an_own_link_begins_with_the_school_and_ends_its_host_there, ()) {
  const std::string base = "https://school.example";
  const auto link =
      base + *rc::gen::elementOf(std::vector<std::string>{"", "/", "?", "#", ".", ":", "@", "\\"}) + *nasty_text();
  const auto own = mail::own_link(link, base);
  if (own.empty())
    return;
  RC_ASSERT(own == link);
  RC_ASSERT(own == base || std::string_view{"/?#"}.find(own[base.size()]) != std::string_view::npos);
  RC_ASSERT(own.find_first_of(" \"'<>\\^`{|}\n\r\t") == std::string::npos);
}

} // namespace
} // namespace lyceum::views
