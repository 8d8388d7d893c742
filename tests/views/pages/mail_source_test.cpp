// SPDX-License-Identifier: Apache-2.0
// The templates of mails: what they may say, what is a slip of the pen, and what a theme may do with them. And the accent.
#include "tests/views/pages/mail_samples.hpp"
#include "tests/views/pages/samples.hpp"
#include "views/mail/colour.hpp"
#include "views/mail/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace lyceum::views {
namespace {

namespace fs = std::filesystem;
using mail::line_kind;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const mail::kind& kind_of(std::string_view name) {
  return *mail::find_kind(name);
}

mail::source_fault fault(std::string_view text, std::string_view name = "sign_in", bool strict = true) {
  const auto made = mail::parse(text, kind_of(name), strict);
  return made ? mail::source_fault{0, "none"} : made.error();
}

TEST(mail_source_test, lines_are_what_their_beginnings_say) {
  const auto made =
      mail::parse("{{! a remark }}\nsubject: s\n# head\none\ntwo\n\nthree\n- label: {{code}}\n- {{device}}: x\n"
                  "[code] {{code}}\n[button] Go -> {{link}}\n-- why\n-- so\n",
                  kind_of("sign_in"), true);
  ASSERT_TRUE(made) << made.error().what;
  std::vector<line_kind> kinds;
  for (const auto& line : made->lines)
    kinds.push_back(line.what);
  using enum line_kind;
  EXPECT_EQ(kinds, (std::vector{subject, heading, paragraph, paragraph, fact, fact, line_kind::code, button, footer}));
  EXPECT_EQ(made->lines[2].text.size(), 3U) << "one, a blank, two";
  EXPECT_EQ(made->lines[4].label.at(0).text, "label");
  EXPECT_EQ(made->lines[5].label.at(0).text, "device");
  EXPECT_EQ(made->lines[7].name, "link");
}

TEST(mail_source_test, a_slip_of_the_pen_is_named_with_its_line) {
  struct slip {
    const char* text;
    int line;
    const char* says;
  };
  for (const auto& [text, line, says] : std::vector<slip>{
           {"subject: s\n{{cdoe}}\n", 2, "the mail has no 'cdoe'"},
           {"subject: s\n{{#nwe}}\n{{/nwe}}\n", 2, "the mail has no 'nwe'"},
           {"subject: s\n\n{{#new}}\nx\n", 4, "{{#new}} is not closed"},
           {"subject: s\n{{/new}}\n", 2, "closes nothing"},
           {"subject: s\n{{#new}}\n{{/device}}\n", 3, "closes nothing"},
           {"subject: s\n{{#new}} x {{/new}}\n", 2, "alone on its line"},
           {"subject: s\n{{#new}\n", 2, "alone on its line"},
           {"subject: s\nx {{code\n", 2, "{{ without }}"},
           {"subject: s\nx {{{code}}}\n", 2, "only the name of a value"},
           {"subject: s\nx {{> footer}}\n", 2, "only the name of a value"},
           {"subject: s\nx {{&code}}\n", 2, "only the name of a value"},
           {"subject: s\nx {{new}}\n", 2, "no 'new' to show"},
           {"subject: s\n[button] Go {{link}}\n", 2, "a button is"},
           {"subject: s\n[button] Go -> https://evil.example\n", 2, "a button leads to a link"},
           {"subject: s\n[button] Go -> https://evil.example/{{code}}\n", 2, "a button leads to a link"},
           {"subject: s\n[button] Go -> {{code}}\n", 2, "'code' is no link"},
           {"subject: s\n[button] Go -> {{lnk}}\n", 2, "the mail has no 'lnk'"},
           {"# head\n", 1, "there is no subject"},
           {"{{#new}}\nsubject: s\n{{/new}}\n", 3, "there is no subject"},
           {"", 1, "there is no subject"},
       }) {
    EXPECT_EQ(fault(text).line, line) << text;
    EXPECT_THAT(fault(text).what, HasSubstr(says)) << text;
  }
  EXPECT_THAT(fault("subject: s\n{{#trouble}}\n{{label}}\n{{/trouble}}\n", "all_well").what, HasSubstr("no 'label'"));
  EXPECT_THAT(fault("subject: s\n{{facts}}\n", "all_well").what, HasSubstr("no 'facts' to show"));
}

TEST(mail_source_test, a_theme_may_name_what_the_mail_lacks_but_never_lead_elsewhere) {
  EXPECT_EQ(fault("subject: s\n{{cdoe}}\n[button] x -> {{lnk}}\n{{#nwe}}\n{{/nwe}}\n", "sign_in", false).what, "none");
  EXPECT_THAT(fault("subject: s\n[button] Go -> https://evil.example\n", "sign_in", false).what,
              HasSubstr("leads to a link"));
}

RC_GTEST_PROP(mail_source_property, any_text_is_a_template_or_has_a_fault_in_one_of_its_lines, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
      "subject: ", "# ",       "- ",       "-- ",         "[button] ",   "[code] ", " -> ", "{{link}}", "{{code}}",
      "{{#new}}",  "{{^new}}", "{{/new}}", "{{#device}}", "{{/device}}", "{{",      "}}",   "{",        "}",
      "\n",        "\n",       "\r\n",     " ",           ": ",          "x",       "{{!",  "\xff"}));
  std::string text;
  for (const auto& part : parts)
    text += part;
  const auto made = mail::parse(text, kind_of("sign_in"), *rc::gen::arbitrary<bool>());
  if (!made) {
    RC_ASSERT(made.error().line >= 1 && made.error().line <= 1 + std::ranges::count(text, '\n'));
    return;
  }
  std::size_t deep = 0;
  for (std::size_t i = 0; i < made->lines.size(); ++i) {
    const auto& line = made->lines[i];
    if (line.what == line_kind::section || line.what == line_kind::section_without) {
      ++deep;
      RC_ASSERT(line.end > i && made->lines.at(line.end).what == line_kind::end &&
                made->lines[line.end].name == line.name);
    }
    deep -= line.what == line_kind::end ? 1 : 0;
    RC_ASSERT(line.what != line_kind::button || line.name == "link");
  }
  RC_ASSERT(deep == 0U);
}

class mail_theme_test : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lyceum-mail-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    fs::create_directories(folder / "mail");
  }
  void TearDown() override { fs::remove_all(folder); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream{folder / "mail" / name, std::ios::binary} << text;
  }
  std::string subject(std::string_view language) const {
    const auto look = load_theme(folder);
    if (!look)
      return look.error().detail;
    return render_mail(**look, samples::mail_school(), "account_deleted", language, R"({"at": "1795636740000000"})")
        ->subject;
  }

  fs::path folder;
};

TEST_F(mail_theme_test, a_template_of_the_folder_takes_the_place_of_ours_and_the_other_languages_stay) {
  write("account_deleted.en.mustache", "subject: Farewell from {{site}}\n# Farewell\n");
  EXPECT_EQ(subject("en"), "Farewell from A School That Heals");
  EXPECT_EQ(subject("de"), "Ihr Konto bei A School That Heals ist gelöscht");
}

TEST_F(mail_theme_test, a_language_that_we_do_not_have_is_welcome) {
  write("account_deleted.fr.mustache", "subject: Votre compte est supprimé\n# Adieu\n");
  EXPECT_EQ(subject("fr-ca"), "Votre compte est supprimé");
}

TEST_F(mail_theme_test, a_fault_is_named_with_file_and_line) {
  write("account_deleted.en.mustache", "subject: x\n{{#at}}\n");
  EXPECT_THAT(subject("en"), HasSubstr("mail/account_deleted.en.mustache:2: {{#at}} is not closed"));
}

TEST_F(mail_theme_test, a_mail_that_nothing_sends_is_a_slip_of_the_pen) {
  for (const char* name : {"acount_deleted.en.mustache", "account_deleted.mustache", "account_deleted.E N.mustache"}) {
    write(name, "subject: x\n");
    EXPECT_THAT(subject("en"), HasSubstr(std::string{name} + ":1: not the name of a mail and a language"));
    fs::remove(folder / "mail" / name);
  }
  write("account_deleted.en.txt", "subject: x\n");
  EXPECT_THAT(subject("en"), HasSubstr("not a kind of file"));
}

TEST_F(mail_theme_test, an_unknown_name_fails_in_a_test_and_is_blank_in_a_theme) {
  write("account_deleted.en.mustache", "subject: [{{nobody}}]\n");
  EXPECT_EQ(subject("en"), "[]");
  const auto strict = load_theme(folder, unknown_name::fails);
  ASSERT_FALSE(strict);
  EXPECT_THAT(strict.error().detail, HasSubstr(":1: the mail has no 'nobody'"));
}

double luminance(const std::string& hex) { // WCAG 2.2, "relative luminance"
  unsigned value = 0;
  if (hex.size() != 7 || std::sscanf(hex.c_str(), "#%6x", &value) != 1)
    return -1;
  const auto linear = [](unsigned octet) {
    const double c = octet / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(value >> 16U) + 0.7152 * linear((value >> 8U) & 0xFFU) + 0.0722 * linear(value & 0xFFU);
}

double contrast(const std::string& a, const std::string& b) {
  const auto [low, high] = std::minmax({luminance(a), luminance(b)});
  return low < 0 ? 0 : (high + 0.05) / (low + 0.05);
}

RC_GTEST_PROP(mail_accent_property, words_on_any_accent_can_be_read, ()) {
  std::array<char, 64> written{};
  if (*rc::gen::arbitrary<bool>())
    std::snprintf(written.data(), written.size(), "#%06x", *rc::gen::inRange(0U, 0x1000000U));
  else
    std::snprintf(written.data(), written.size(), "oklch(0.%03u 0.%03u %u)", *rc::gen::inRange(0U, 1000U),
                  *rc::gen::inRange(0U, 400U), *rc::gen::inRange(0U, 361U));
  const auto made = mail::accent_of(written.data());
  RC_ASSERT(contrast(made.light, "#fdfcfa") >= 4.5);
  RC_ASSERT(contrast(made.light, std::string{mail::light_paper}) >= 4.5);
  RC_ASSERT(contrast(made.dark, "#16181d") >= 4.5);
  RC_ASSERT(contrast(made.dark, std::string{mail::dark_paper}) >= 4.5);
}

TEST(mail_accent_test, a_colour_that_can_be_read_stays_and_one_that_is_none_is_ours) {
  EXPECT_EQ(mail::accent_of("#8a3a1c").light, "#8a3a1c");
  EXPECT_EQ(mail::accent_of("rgb(138, 58, 28)").light, "#8a3a1c");
  EXPECT_EQ(mail::accent_of("#0a4").light, mail::accent_of("#00aa44").light);
  EXPECT_NE(mail::accent_of("#ffffff").light, "#ffffff");
  const auto ours = mail::accent_of("oklch(0.5 0.135 42)");
  for (const char* other : {"", "teal", "hsl(10 20% 30%)", "red;}*{display:none", "oklch(none 0 0)", "#12"}) {
    EXPECT_EQ(mail::accent_of(other).light, ours.light) << other;
    EXPECT_EQ(mail::accent_of(other).dark, ours.dark) << other;
  }
}

} // namespace
} // namespace lyceum::views
