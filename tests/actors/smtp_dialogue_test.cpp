// SPDX-License-Identifier: Apache-2.0
#include "actors/smtp_dialogue.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace lyceum {
namespace {

using result = delivery::result;
using testing::HasSubstr;
using testing::Not;

/// ">" lines are ours, "<" lines the host's, "." is the end of the text.
smtp_dialogue after(std::initializer_list<std::string_view> lines) {
  smtp_dialogue told;
  for (const auto line : lines) {
    if (line.front() == '>')
      told.said(line.substr(1));
    else if (line.front() == '<')
      told.heard(line.substr(1));
    else
      told.text_ended();
  }
  return told;
}

delivery judge(const smtp_dialogue& told, smtp_end how = smtp_end::cut) {
  return judged(told, how, "mx.example:587", "ann@example.com");
}

TEST(smtp_dialogue, a_reply_to_the_recipient_decides_about_the_mail) {
  const auto at_rcpt = [](std::string_view reply) {
    return judge(
        after({"<220 hi", ">EHLO a", "<250 a", ">MAIL FROM:<b@c>", "<250 fine", ">RCPT TO:<ann@example.com>", reply}));
  };
  EXPECT_EQ(at_rcpt("<450 4.2.0 later").how, result::deferred);
  EXPECT_EQ(at_rcpt("<421 4.3.2 closing").how, result::deferred);
  EXPECT_EQ(at_rcpt("<550 5.7.1 no").how, result::refused);
  EXPECT_EQ(at_rcpt("<530 5.7.0 log in").how, result::misconfigured);
  EXPECT_EQ(at_rcpt("<550 5.1.1 no such mailbox").reason,
            "the mail host mx.example:587 refuses ann@example.com at the recipient: 550 5.1.1 no such mailbox");
}

TEST(smtp_dialogue, only_codes_that_speak_of_the_mailbox_make_an_address_dead) {
  const auto dead = [](std::string_view reply) {
    return judge(after({">MAIL x", "<250 a", ">RCPT x", reply})).address_is_dead;
  };
  for (const auto* reply :
       {"<550 5.1.1 x", "<550-5.1.1 x", "<553 5.1.3 x", "<556 5.1.10 x", "<550 5.2.1 x", "<550 5.1.1"})
    EXPECT_TRUE(dead(reply)) << reply;
  for (const auto* reply :
       {"<550 no such user", "<550 5.7.1 x", "<550 5.1.12 x", "<550 5.1.8 x", "<450 4.1.1 x", "<550 5.2.2 x"})
    EXPECT_FALSE(dead(reply)) << reply;
  EXPECT_FALSE(judge(after({">DATA", "<354 go", ".", "<550 5.1.1 x"})).address_is_dead);
}

TEST(smtp_dialogue, what_fails_before_the_mail_is_not_the_mails_fault) {
  EXPECT_EQ(judge(after({}), smtp_end::no_address).how, result::unreachable);
  EXPECT_EQ(judge(after({}), smtp_end::no_connection).how, result::unreachable);
  EXPECT_EQ(judge(after({"<554 5.3.2 go away"})).how, result::unreachable);
  EXPECT_EQ(judge(after({"<220 a", ">EHLO a"}), smtp_end::late).how, result::unreachable);
  EXPECT_EQ(judge(after({"<220 a", ">EHLO a", "<250 a"}), smtp_end::no_tls).how, result::misconfigured);
  EXPECT_EQ(judge(after({"<220 a", ">EHLO a", "<250 a", ">STARTTLS", "<220 a"}), smtp_end::bad_tls).how,
            result::misconfigured);
  EXPECT_EQ(judge(after({">EHLO a", "<250 a"}), smtp_end::bad_log_in).how, result::misconfigured);
  EXPECT_EQ(judge(after({">AUTH PLAIN", "<535 5.7.8 no"})).how, result::misconfigured);
  EXPECT_EQ(judge(after({">AUTH PLAIN", "<454 4.7.0 later"})).how, result::unreachable);
  EXPECT_EQ(judge(after({">MAIL FROM:<b@c>", "<553 5.7.1 not yours"})).how, result::misconfigured);
  EXPECT_EQ(judge(after({">MAIL FROM:<b@c>", "<552 5.3.4 too large"})).how, result::refused);
}

TEST(smtp_dialogue, only_a_whole_text_without_an_answer_is_uncertain) {
  const std::initializer_list<std::string_view> before = {">DATA"};
  const std::initializer_list<std::string_view> in = {">DATA", "<354 go"};
  const std::initializer_list<std::string_view> behind = {">DATA", "<354 go", "."};
  for (const auto how : {smtp_end::cut, smtp_end::late, smtp_end::broken}) {
    EXPECT_EQ(judge(after(before), how).how, result::deferred);
    EXPECT_EQ(judge(after(in), how).how, result::deferred);
    EXPECT_EQ(judge(after(behind), how).how, result::uncertain);
  }
  EXPECT_EQ(judge(after(in), smtp_end::interrupted).how, result::interrupted);
  EXPECT_EQ(judge(after(behind), smtp_end::interrupted).how, result::uncertain);
  EXPECT_EQ(judge(after({">DATA", "<354 go", ".", "<451 busy"})).how, result::deferred);
  EXPECT_EQ(judge(after({">DATA", "<354 go", ".", "<554 spam"})).how, result::refused);
}

TEST(smtp_dialogue, a_reply_of_several_lines_is_told_in_one) {
  EXPECT_THAT(judge(after({">MAIL x", "<250 a", ">RCPT x", "<550-5.7.1 first\r\n", "<550 5.7.1 second\r\n"})).reason,
              HasSubstr("550 5.7.1 first 5.7.1 second"));
}

TEST(smtp_dialogue, a_secret_that_looks_like_a_command_is_none) {
  auto told = after({"<220 a", ">EHLO a", "<250 a", ">AUTH LOGIN", "<334 VXNlcg==", ">DATA", "<334 UGFzcw==", ">QUIT"});
  EXPECT_EQ(told.step(), smtp_step::log_in);
  told.heard("535 no");
  EXPECT_EQ(judge(told).how, result::misconfigured);
}

TEST(smtp_dialogue, what_follows_quit_changes_nothing) {
  const auto told = judge(after({">MAIL x", "<250 a", ">RCPT x", "<550 5.1.1 gone", ">QUIT", "<221 bye"}));
  EXPECT_EQ(told.how, result::refused);
  EXPECT_TRUE(told.address_is_dead);
}

RC_GTEST_PROP(smtp_dialogue_property, whatever_a_host_says_its_words_can_be_kept, (std::vector<std::string> lines)) {
  smtp_dialogue told;
  told.said("RCPT TO:<ann@example.com>");
  for (const auto& line : lines)
    told.heard("550-" + line +
               *rc::gen::element<std::string>("", "\r\n", "\xff", "\xc3", std::string(200, 'x') + "ü", "\x1b[2J"));
  const auto judged = judge(told);
  RC_ASSERT(!storage::first_bad_utf8(judged.reason));
  RC_ASSERT(judged.reason.size() <= 500u);
  RC_ASSERT(std::none_of(judged.reason.begin(), judged.reason.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
}

} // namespace
} // namespace lyceum
