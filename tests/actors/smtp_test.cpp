// SPDX-License-Identifier: Apache-2.0
// Mail to two real hosts of different makers, which play what tests/peers/smtp.sh says.
#include "actors/mail_message.hpp"
#include "actors/smtp.hpp"
#include "tests/actors/mail_host.hpp"

#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <thread>

namespace lyceum {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using result = delivery::result;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A folder with certificates, made once for the program.
const fs::path& certificates() {
  static const struct made {
    fs::path folder = fs::temp_directory_path() / ("lyceum_smtp_" + std::to_string(::getpid()));
    made() {
      for (const auto* one : {"host", "other"})
        companion({peer("smtp.sh"), "certificate", (folder / one).string()}).line();
    }
    ~made() { fs::remove_all(folder); }
  } all;
  return all.folder;
}

class smtp_test : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    for (const auto* file : {"cert.pem", "key.pem"})
      fs::copy_file(certificates() / "host" / file, folder_ / file);
    static std::map<std::string, bool> missing; // whether its program is; asked once for each
    if (!missing.contains(GetParam()))
      missing[GetParam()] = mail_host(GetParam(), folder_, {}).is_missing();
    if (missing[GetParam()])
      GTEST_SKIP() << GetParam() << " IS NOT INSTALLED: MAIL TO IT IS NOT TESTED";
  }
  void TearDown() override {
    host_.reset();
    fs::remove_all(folder_);
  }

  /// Starts a host.
  void start(std::vector<std::string> options = {}) {
    host_ = std::make_unique<mail_host>(GetParam(), folder_, std::move(options));
    ASSERT_NE(host_->port(), 0) << GetParam() << " did not start";
    relay_.port = host_->port();
  }

  std::unique_ptr<smtp> connection() { return smtp::make(relay_, waits_).value(); }
  delivery deliver(smtp& over, const std::string& to, const smtp_watch& watch = {}) {
    return over.deliver({"school@school.example", to, text_}, watch);
  }
  delivery deliver(const std::string& to, const smtp_watch& watch = {}) { return deliver(*connection(), to, watch); }

  std::vector<taken_mail> taken() { return mails_taken(folder_); }
  /// The same once what is under way had time to arrive.
  std::vector<taken_mail> taken_in_the_end() {
    std::this_thread::sleep_for(300ms);
    return taken();
  }
  void make_text_long(std::size_t octets) {
    while (text_.size() < octets)
      text_ += "A line that is there so that the text is longer than what sockets hold.\r\n";
  }

  fs::path folder_ = fs::temp_directory_path() / ("lyceum_smtp_host_" + std::to_string(::getpid()));
  std::unique_ptr<mail_host> host_;
  smtp_relay relay_{.host = "localhost", .ca_file = (folder_ / "cert.pem").string(), .hello_name = "school.example"};
  smtp_waits waits_{.connect = 5s, .greeting = 5s, .step = 5s, .last = 5s, .all = 20s};
  std::string text_ = "Subject: x\r\n\r\n.a line with a dot\r\n..\r\n.\r\nthe end\r\n";
};
INSTANTIATE_TEST_SUITE_P(at, smtp_test, testing::Values("aiosmtpd", "smtp-server"), [](const auto& one) {
  return one.param == "aiosmtpd" ? std::string("aiosmtpd") : std::string("smtp_server");
});

TEST_P(smtp_test, a_mail_arrives_octet_for_octet_over_starttls_with_a_login) {
  start({"--login"});
  for (const auto log_in : {smtp_log_in::plain, smtp_log_in::login}) {
    relay_.user = "ann";
    relay_.password = "sesame";
    relay_.log_in = log_in;
    const auto told = deliver("ann@example.com");
    EXPECT_EQ(told.how, result::sent) << told.reason;
    EXPECT_THAT(told.reason, HasSubstr("taken as"));
    ASSERT_THAT(taken(), Not(IsEmpty()));
    const auto mail = taken().back();
    EXPECT_EQ(mail.text, text_);
    EXPECT_EQ(mail.from, "school@school.example");
    EXPECT_EQ(mail.to, "ann@example.com");
    EXPECT_EQ(mail.user, "ann");
    EXPECT_EQ(mail.tls, "TLS");
  }
  EXPECT_EQ(taken().size(), 2u);
}

TEST_P(smtp_test, a_mail_arrives_over_implicit_tls_and_on_this_machine_without_any) {
  start({"--tls", "implicit"});
  relay_.tls = smtp_tls::implicit;
  auto told = deliver("ann@example.com");
  EXPECT_EQ(told.how, result::sent) << told.reason;
  start({"--tls", "none"});
  relay_.tls = smtp_tls::none;
  told = deliver("bob@example.com");
  EXPECT_EQ(told.how, result::sent) << told.reason;
  std::vector<std::string> how;
  for (const auto& one : taken())
    how.push_back(one.to + " " + one.tls);
  EXPECT_THAT(how, ElementsAre("ann@example.com TLS", "bob@example.com plain"));
}

TEST_P(smtp_test, what_compose_makes_arrives_unchanged) {
  start();
  mail_message message{.from = {"Schule", "school@school.example"},
                       .to = {"Ann Ång", "ann@example.com"},
                       .subject = "Grüße",
                       .text = ".\n..\nFrom here\n" + std::string(5000, '.') + "\n.\n",
                       .html = "<p>.</p>",
                       .message_id = "<1@school.example>"};
  text_ = compose(message).value();
  EXPECT_EQ(deliver("ann@example.com").how, result::sent);
  EXPECT_EQ(taken().back().text, text_);
}

TEST_P(smtp_test, long_texts_full_of_dots_arrive_whole) {
  start();
  while (text_.size() < 1'000'000)
    text_ += "...\r\n.\r\n";
  EXPECT_EQ(deliver("ann@example.com").how, result::sent);
  EXPECT_TRUE(taken().back().text == text_);
}

// libcurl 7.88 reads 65,536 octets at a time. Told the length of this text it took the first ones, with 21,846 dots stuffed, for
// all of it, and reported success.
TEST_P(smtp_test, a_text_as_long_as_its_beginning_with_stuffed_dots_arrives_whole) {
  start();
  text_.clear();
  while (text_.size() < 65'536)
    text_ += ".\r\n";
  constexpr std::size_t whole = 65'536 + 21'846;
  while (text_.size() < whole - 100)
    text_ += std::string(60, 'a') + "\r\n";
  text_ += std::string(whole - 2 - text_.size(), 'a') + "\r\n";
  EXPECT_EQ(deliver("ann@example.com").how, result::sent);
  EXPECT_TRUE(taken().back().text == text_);
}

TEST_P(smtp_test, one_connection_serves_many_mails_also_after_a_refusal_in_between) {
  start();
  const auto over = connection();
  for (const auto* to : {"a@example.com", "b@example.com", "c@example.com"})
    EXPECT_EQ(deliver(*over, to).how, result::sent);
  EXPECT_EQ(deliver(*over, "unknown@example.com").how, result::refused);
  EXPECT_EQ(deliver(*over, "d@example.com").how, result::sent);
  std::vector<std::string> connections;
  for (const auto& one : taken())
    connections.push_back(one.connection);
  EXPECT_THAT(connections, ElementsAre("1", "1", "1", "2"));
}

TEST_P(smtp_test, a_kept_connection_that_the_host_has_had_enough_of_is_replaced) {
  start({"--mails-max", "2"});
  const auto over = connection();
  for (const auto* to : {"a@example.com", "b@example.com", "c@example.com"}) {
    const auto told = deliver(*over, to);
    EXPECT_EQ(told.how, result::sent) << told.reason;
  }
  EXPECT_EQ(taken().back().connection, "2");
}

TEST_P(smtp_test, a_host_that_was_restarted_between_two_mails_gets_the_second_one) {
  start();
  const auto port = relay_.port;
  const auto over = connection();
  EXPECT_EQ(deliver(*over, "a@example.com").how, result::sent);
  host_.reset();
  const auto told = deliver(*over, "b@example.com");
  EXPECT_EQ(told.how, result::unreachable) << told.reason;
  EXPECT_THAT(told.reason, HasSubstr("localhost:" + std::to_string(port)));
}

TEST_P(smtp_test, a_wrong_password_is_a_matter_of_settings_and_is_not_told) {
  start({"--login"});
  relay_.user = "ann";
  relay_.password = "open-barley";
  const auto told = deliver("ann@example.com");
  EXPECT_EQ(told.how, result::misconfigured);
  EXPECT_THAT(told.reason, AllOf(HasSubstr("user or the password: 535"), Not(HasSubstr("barley"))));
  relay_.user.clear();
  const auto without = deliver("ann@example.com");
  EXPECT_EQ(without.how, result::misconfigured);
  EXPECT_THAT(without.reason, HasSubstr("wants a login first"));
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_P(smtp_test, no_mail_and_no_password_go_to_a_host_whose_certificate_is_not_trusted) {
  start({"--login"});
  relay_.user = "ann";
  relay_.password = "sesame";
  relay_.host = "127.0.0.1"; // the certificate is for localhost
  auto told = deliver("ann@example.com");
  EXPECT_EQ(told.how, result::misconfigured);
  EXPECT_THAT(told.reason, HasSubstr("certificate"));
  relay_.host = "localhost";
  relay_.ca_file = (certificates() / "other/cert.pem").string();
  told = deliver("ann@example.com");
  EXPECT_EQ(told.how, result::misconfigured);
  EXPECT_THAT(told.reason, HasSubstr("certificate"));
  relay_.ca_file.clear();
  EXPECT_EQ(deliver("ann@example.com").how, result::misconfigured);
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_P(smtp_test, no_mail_goes_to_a_host_without_tls_where_tls_is_demanded) {
  start({"--tls", "none"});
  auto told = deliver("ann@example.com");
  EXPECT_EQ(told.how, result::misconfigured);
  EXPECT_THAT(told.reason, HasSubstr("offers no STARTTLS"));
  relay_.tls = smtp_tls::implicit;
  told = deliver("ann@example.com");
  EXPECT_EQ(told.how, result::misconfigured);
  EXPECT_THAT(told.reason, HasSubstr("speaks no TLS there"));
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_P(smtp_test, a_greylisted_mail_is_deferred_and_then_sent) {
  start();
  const auto over = connection();
  const auto told = deliver(*over, "grey@example.com");
  EXPECT_EQ(told.how, result::deferred);
  EXPECT_THAT(told.reason, HasSubstr("451 4.7.1 greylisted"));
  EXPECT_EQ(deliver(*over, "grey@example.com").how, result::sent);
}

TEST_P(smtp_test, a_refusal_is_told_with_the_hosts_words_and_by_what_it_refused) {
  start();
  const auto expect = [&](const std::string& to, result how, const std::string& words, bool dead = false) {
    const auto told = deliver(to);
    EXPECT_EQ(told.how, how) << to << ": " << told.reason;
    EXPECT_THAT(told.reason, HasSubstr(words));
    EXPECT_EQ(told.address_is_dead, dead) << to;
  };
  expect("unknown@example.com", result::refused,
         "refuses unknown@example.com at the recipient: 550 5.1.1 no such mailbox", true);
  expect("policy@example.com", result::refused, "550 5.7.1 not from you");
  expect("full@example.com", result::deferred, "452 4.2.2 mailbox full");
  expect("busy@example.com", result::deferred, "at the text: 451 4.3.0 too busy");
  expect("spam@example.com", result::refused, "at the text: 554 5.7.1 looks like spam");
  const auto sender = connection()->deliver({"nobody@school.example", "ann@example.com", text_});
  EXPECT_EQ(sender.how, result::misconfigured);
  EXPECT_THAT(sender.reason, HasSubstr("does not accept the sender: 553"));
  const auto throttled = connection()->deliver({"throttled@school.example", "ann@example.com", text_});
  EXPECT_EQ(throttled.how, result::unreachable) << "no recipient is to blame";
  EXPECT_THAT(throttled.reason, HasSubstr("takes no mail now: 454 4.7.0"));
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_P(smtp_test, a_slow_greeting_is_waited_for_but_not_for_ever) {
  start({"--greeting-after", "4"});
  waits_.greeting = 15s;
  EXPECT_EQ(deliver("ann@example.com").how, result::sent);
  waits_.greeting = 300ms;
  const auto begun = std::chrono::steady_clock::now();
  const auto told = deliver("bob@example.com");
  EXPECT_EQ(told.how, result::unreachable);
  EXPECT_THAT(told.reason, HasSubstr("did not answer in time before its greeting"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
}

TEST_P(smtp_test, a_connection_cut_before_or_in_the_text_defers_the_mail) {
  start();
  auto told = deliver("cut-before@example.com");
  EXPECT_EQ(told.how, result::deferred) << told.reason;
  EXPECT_THAT(told.reason, HasSubstr("was cut off at the recipient"));
  make_text_long(8'000'000);
  told = deliver("cut-in@example.com");
  EXPECT_EQ(told.how, result::deferred) << told.reason;
  EXPECT_THAT(told.reason, HasSubstr("was cut off at the text"));
  EXPECT_THAT(taken_in_the_end(), IsEmpty());
}

TEST_P(smtp_test, a_connection_lost_after_the_text_leaves_it_uncertain) {
  start();
  const auto told = deliver("cut-after@example.com");
  EXPECT_EQ(told.how, result::uncertain) << told.reason;
  EXPECT_THAT(told.reason, HasSubstr("was cut off after the whole text: it may have arrived"));
  EXPECT_EQ(taken().size(), 1u); // as it did here
}

TEST_P(smtp_test, a_host_that_falls_silent_after_the_text_leaves_it_uncertain) {
  start();
  waits_.last = 300ms;
  const auto told = deliver("silent@example.com");
  EXPECT_EQ(told.how, result::uncertain) << told.reason;
  EXPECT_THAT(told.reason, HasSubstr("did not answer in time after the whole text"));
}

TEST_P(smtp_test, a_host_that_stops_reading_gets_no_half_mail) {
  start();
  waits_.step = 3s;
  make_text_long(16'000'000);
  const auto told = deliver("stuck@example.com");
  EXPECT_EQ(told.how, result::deferred) << told.reason;
  EXPECT_THAT(told.reason, HasSubstr("did not answer in time at the text"));
  EXPECT_THAT(taken_in_the_end(), IsEmpty());
}

TEST_P(smtp_test, an_interrupted_delivery_sends_no_half_mail_and_the_next_one_does_not_begin) {
  start();
  make_text_long(16'000'000);
  const auto over = connection();
  std::promise<void> at_the_text;
  std::thread other([&] {
    at_the_text.get_future().wait_for(10s);
    over->interrupt();
  });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(deliver(*over, "stuck@example.com",
                    {.before_text =
                         [&] {
                           at_the_text.set_value();
                           return true;
                         }})
                .how,
            result::interrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 4500ms); // 5 s is the wait for a step
  other.join();
  EXPECT_EQ(deliver(*over, "ann@example.com").how, result::interrupted);
  EXPECT_THAT(taken_in_the_end(), IsEmpty());
}

TEST_P(smtp_test, an_interruption_while_the_last_answer_is_due_leaves_it_uncertain) {
  start();
  const auto over = connection();
  std::thread other([&] {
    for (int i = 0; i < 2000 && taken().empty(); ++i) // the host has it, and keeps silent
      std::this_thread::sleep_for(5ms);
    over->interrupt();
  });
  EXPECT_EQ(deliver(*over, "silent@example.com").how, result::uncertain);
  other.join();
}

TEST_P(smtp_test, a_mail_that_is_not_ours_any_more_is_not_sent) {
  start();
  int asked = 0;
  const auto told = deliver("ann@example.com", {.before_text = [&] {
                              ++asked;
                              return false;
                            }});
  EXPECT_EQ(told.how, result::interrupted);
  EXPECT_EQ(asked, 1);
  EXPECT_THROW(
      deliver("ann@example.com", {.before_text = []() -> bool { throw std::runtime_error("the database is away"); }}),
      std::runtime_error);
  EXPECT_THAT(taken_in_the_end(), IsEmpty());
  EXPECT_EQ(deliver("ann@example.com", {.before_text = [] { return true; }}).how, result::sent);
}

TEST_P(smtp_test, the_lease_can_be_kept_while_a_host_takes_its_time) {
  start();
  waits_.last = 8s;
  int ticks = 0;
  EXPECT_EQ(deliver("silent@example.com", {.tick = [&] { return ++ticks < 2; }}).how, result::uncertain);
  EXPECT_GE(ticks, 3); // a false one does not end the wait for an answer to a whole text
  make_text_long(16'000'000);
  EXPECT_EQ(deliver("stuck@example.com", {.tick = [] { return false; }}).how, result::interrupted);
}

} // namespace
} // namespace lyceum
