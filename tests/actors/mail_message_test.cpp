// SPDX-License-Identifier: Apache-2.0
#include "actors/mail_message.hpp"
#include "storage/words.hpp"
#include "tests/actors/companion.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sstream>

namespace lyceum {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr unix_time new_year{std::chrono::microseconds{1735689600000000}};

mail_message plain_message() {
  return {.from = {"Lyceum School", "school@school.example"},
          .to = {"Ann", "ann@example.com"},
          .subject = "Your receipt",
          .text = "Thank you.\n",
          .message_id = "<1@school.example>",
          .date = new_year};
}

/// Python's email package, which knows nothing of us. One process for the whole program.
std::multimap<std::string, std::string> parsed(const std::string& message) {
  static companion python({"python3", peer("parse_mail.py")});
  python.say(std::to_string(message.size()) + "\n" + message);
  std::istringstream words(python.line().value());
  std::multimap<std::string, std::string> fields;
  const auto text = [](const std::string& hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return out;
  };
  for (std::string name, value; words >> name >> value;)
    fields.emplace(text(name), text(value));
  return fields;
}

std::string only(const std::multimap<std::string, std::string>& fields, const std::string& name) {
  return fields.count(name) == 1 ? fields.find(name)->second
                                 : "(" + name + " is there " + std::to_string(fields.count(name)) + " times)";
}

std::string with_line_feeds(std::string text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n')
      continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

const std::vector<std::string> pieces = {
    "a", "Ab",     " ",     "  ", "ü",          "数",  "\U0001f600", "é", "=?", "?=", "\"", "\\",
    ",", "<x@y>",  "=",     "_",  "=?UTF-8?B?", "(c)", ":",          ";", "@",  "ß",  "'",  "long words here",
    ".", "\u00a0", "\u202e"};

rc::Gen<std::string> header_text(std::size_t bytes_max) {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces)),
                      [bytes_max](const std::vector<std::string>& some) {
                        std::string text;
                        for (const auto& one : some)
                          if (text.size() + one.size() <= bytes_max)
                            text += one;
                        return text;
                      });
}

rc::Gen<std::string> body_text() {
  static const std::vector<std::string> lines = {"From here",
                                                 ".",
                                                 "..",
                                                 "\n",
                                                 "\r\n",
                                                 "\r",
                                                 " ",
                                                 "\t",
                                                 "=",
                                                 "=3D",
                                                 "ü数\U0001f600",
                                                 "word ",
                                                 "--=_lyceum_part",
                                                 "--=_lyceum_part--",
                                                 "12345678901234567890123456789012345678901234567890",
                                                 "From ",
                                                 "\x01",
                                                 "<p>"};
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(lines)), [](const auto& some) {
    std::string text = "x";
    for (const auto& one : some)
      text += one;
    return text;
  });
}

void expect_lines_fit(const std::string& message, std::size_t longest) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < message.size(); ++i) {
    RC_ASSERT(static_cast<unsigned char>(message[i]) < 0x80);
    if (message[i] == '\n') {
      RC_ASSERT(i > 0 && message[i - 1] == '\r');
      RC_ASSERT(column - 1 <= longest);
      column = 0;
    } else {
      RC_ASSERT(message[i] != '\r' || (i + 1 < message.size() && message[i + 1] == '\n'));
      ++column;
    }
  }
}

std::string from_base64(std::string_view text) {
  static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<unsigned>(digits.find(c));
    if ((count += 6) >= 8)
      out += static_cast<char>(bits >> (count -= 8) & 0xff);
  }
  return out;
}

TEST(mail_message, a_plain_mail_is_written_as_one_would_by_hand) {
  EXPECT_EQ(compose(plain_message()).value(), "Date: Wed, 01 Jan 2025 00:00:00 +0000\r\n"
                                              "From: \"Lyceum School\" <school@school.example>\r\n"
                                              "To: \"Ann\" <ann@example.com>\r\n"
                                              "Subject: Your receipt\r\n"
                                              "Message-ID: <1@school.example>\r\n"
                                              "Auto-Submitted: auto-generated\r\n"
                                              "MIME-Version: 1.0\r\n"
                                              "Content-Type: text/plain; charset=utf-8\r\n"
                                              "Content-Transfer-Encoding: quoted-printable\r\n"
                                              "\r\n"
                                              "Thank you.\r\n\r\n");
}

TEST(mail_message, everything_that_it_can_hold_is_understood_by_another_program) {
  auto m = plain_message();
  m.from.name = "Schule für \"alle\"";
  m.reply_to = {"Büro", "office@school.example"};
  m.subject = "Grüße aus der Schule — eine längere Zeile, damit sie gefaltet werden muss, zweimal 数数数";
  m.html = "<!DOCTYPE html><p>Danke — 12&nbsp;€</p>";
  m.language = "de";
  m.list_unsubscribe = "https://school.example/unsubscribe/abc";
  m.list_unsubscribe_mailto = "unsubscribe@school.example";
  const auto seen = parsed(compose(m).value());
  EXPECT_EQ(only(seen, "defects"), "");
  EXPECT_EQ(only(seen, "from name"), m.from.name);
  EXPECT_EQ(only(seen, "from address"), m.from.address);
  EXPECT_EQ(only(seen, "reply-to name"), m.reply_to.name);
  EXPECT_EQ(only(seen, "subject"), m.subject);
  EXPECT_EQ(only(seen, "plain"), "Thank you.\n");
  EXPECT_EQ(only(seen, "html"), m.html);
  EXPECT_EQ(only(seen, "content-language"), "de");
  EXPECT_EQ(only(seen, "message-id"), "<1@school.example>");
  EXPECT_EQ(only(seen, "auto-submitted"), "auto-generated");
  EXPECT_EQ(only(seen, "list-unsubscribe"),
            "<https://school.example/unsubscribe/abc>, <mailto:unsubscribe@school.example>");
  EXPECT_EQ(only(seen, "list-unsubscribe-post"), "List-Unsubscribe=One-Click");
}

TEST(mail_message, one_click_is_not_promised_where_only_a_mail_unsubscribes) {
  auto m = plain_message();
  EXPECT_THAT(compose(m).value(), Not(HasSubstr("List-Unsubscribe")));
  m.list_unsubscribe_mailto = "unsubscribe@school.example";
  EXPECT_THAT(compose(m).value(), HasSubstr("List-Unsubscribe: <mailto:unsubscribe@school.example>\r\n"));
  EXPECT_THAT(compose(m).value(), Not(HasSubstr("One-Click")));
}

RC_GTEST_PROP(mail_message_property, any_subject_and_name_come_out_of_another_program_as_they_went_in, ()) {
  auto m = plain_message();
  m.subject = *header_text(300);
  m.from.name = *header_text(100);
  m.to.name = *header_text(100);
  m.html = *rc::gen::element<std::string>("", "<p>x</p>");
  const auto message = compose(m).value();
  expect_lines_fit(message, 78);
  const auto seen = parsed(message);
  RC_ASSERT(only(seen, "defects") == "");
  RC_ASSERT(seen.count("defect of subject") == 0u);
  RC_ASSERT(only(seen, "subject") == m.subject);
  RC_ASSERT(only(seen, "from name") == m.from.name);
  RC_ASSERT(only(seen, "to name") == m.to.name);
  RC_ASSERT(only(seen, "to address") == m.to.address);
}

// Python forgives a character that is cut in two; RFC 2047, 5, does not.
RC_GTEST_PROP(mail_message_property, each_encoded_word_is_short_and_holds_whole_characters, ()) {
  const auto value = *header_text(300);
  const auto written = encoded_header(value);
  if (written == value)
    return;
  std::string together;
  std::istringstream words(written);
  for (std::string word; words >> word;) {
    RC_ASSERT(word.size() <= 75u);
    RC_ASSERT(word.starts_with("=?UTF-8?B?") && word.ends_with("?="));
    const auto piece = from_base64(std::string_view(word).substr(10, word.size() - 12));
    RC_ASSERT(!storage::first_bad_utf8(piece));
    together += piece;
  }
  RC_ASSERT(together == value);
}

RC_GTEST_PROP(mail_message_property, any_text_comes_out_of_another_program_as_it_went_in, ()) {
  auto m = plain_message();
  m.text = *body_text();
  m.html = *body_text();
  const auto message = compose(m).value();
  expect_lines_fit(message, 78);
  RC_ASSERT(message.find("\r\nFrom ") == std::string::npos);
  RC_ASSERT(message.find(" \r\n") == std::string::npos);
  const auto seen = parsed(message);
  RC_ASSERT(only(seen, "defects") == "");
  RC_ASSERT(only(seen, "plain") == with_line_feeds(m.text));
  RC_ASSERT(only(seen, "html") == with_line_feeds(m.html));
}

RC_GTEST_PROP(mail_message_property, a_line_break_or_control_character_in_any_header_is_refused, ()) {
  const auto hostile = *header_text(50) +
                       *rc::gen::element<std::string>("\r\n", "\n", "\r", "\r\n ", "\n\t", std::string(1, '\0'), "\x7f",
                                                      "\x1b", "\t", "\u0085", "\u2028") +
                       "Bcc: eve@example.com" + *header_text(50);
  auto m = plain_message();
  const int field = *rc::gen::inRange(0, 10);
  std::string* const fields[] = {&m.from.name,        &m.from.address,     &m.to.name,
                                 &m.to.address,       &m.subject,          &m.message_id,
                                 &m.reply_to.address, &m.list_unsubscribe, &m.list_unsubscribe_mailto,
                                 &m.language};
  *fields[field] = hostile;
  const auto made = compose(m);
  RC_ASSERT(!made.has_value());
  RC_ASSERT(made.error().what == problem::kind::invalid);
  auto reply = plain_message();
  reply.reply_to = {hostile, "office@school.example"};
  RC_ASSERT(!compose(reply).has_value());
}

TEST(mail_message, what_is_not_utf_8_is_refused_wherever_it_stands) {
  for (auto field : {&mail_message::subject, &mail_message::text, &mail_message::html}) {
    auto m = plain_message();
    m.*field = "a\xff";
    EXPECT_EQ(compose(m).error().what, problem::kind::invalid);
  }
  auto m = plain_message();
  m.to.name = "\xc3";
  EXPECT_FALSE(compose(m).has_value());
  m = plain_message();
  m.text = "";
  EXPECT_FALSE(compose(m).has_value());
}

TEST(mail_message, one_that_is_too_long_is_refused) {
  auto m = plain_message();
  m.text = std::string(mail_message_bytes_max / 2, '\xfe');
  m.text.assign(mail_message_bytes_max / 2, '='); // three octets each as sent
  EXPECT_EQ(compose(m).error().what, problem::kind::too_large);
  m.text.assign(mail_message_bytes_max + 1, 'a');
  EXPECT_EQ(compose(m).error().what, problem::kind::too_large);
}

TEST(mail_message, dates_are_those_of_the_calendar) {
  EXPECT_EQ(mail_date(unix_time{}), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(mail_date(unix_time{std::chrono::seconds{951827696}}), "Tue, 29 Feb 2000 12:34:56 +0000");
}

} // namespace
} // namespace lyceum
