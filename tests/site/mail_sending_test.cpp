// SPDX-License-Identifier: Apache-2.0
// Mail by the real program, to a real mail host, while things go wrong.
#include "tests/site/mail_school.hpp"
#include "tests/site/own_postgres.hpp"
#include "tests/site/visitors.hpp"

#include "storage/mail_details.hpp"

#include <algorithm>
#include <array>
#include <thread>

namespace lyceum::testing {
namespace {

using mail_sending = mail_school;
WITH_MAIL_ON_BOTH_ENGINES(mail_sending);

TEST_P(mail_sending, what_is_put_arrives_once_and_one_that_cannot_be_made_harms_no_other) {
  start_host();
  start_school(host->port());
  const auto bad = put("throws", "throws");
  const auto refused = put("refused", "refused");
  const auto good = put("ann");
  EXPECT_TRUE(becomes(good, mail_state::sent)) << shown(good).reason << school->log();
  EXPECT_TRUE(becomes(bad, mail_state::failed));
  EXPECT_TRUE(becomes(refused, mail_state::failed));
  EXPECT_EQ(shown(bad).reason, "cannot be made: thrown on purpose, in a mail");
  EXPECT_EQ(shown(refused).reason, "cannot be made: refused on purpose");
  const auto all = taken();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].from, "school@school.example");
  EXPECT_EQ(message_id_of(all[0].text), shown(good).message_id);
  EXPECT_THAT(all[0].text, HasSubstr("From: \"School\" <school@school.example>\r\n"));
  const auto tree = school->ctl({"tree", "mail"}).out;
  for (const auto* part : {"outbox", "smtp-1", "smtp-2"})
    EXPECT_THAT(tree, HasSubstr(part));
  EXPECT_TRUE(eventually([&] { return school->log().find("t…@example.com") != std::string::npos; })) << school->log();
  EXPECT_THAT(school->log(), Not(HasSubstr("throws@example.com"))) << "logs hold no whole address";
  EXPECT_TRUE(eventually([&] { return school->ctl({"health"}).status == 0; })) << health();
}

TEST_P(mail_sending, what_another_server_sealed_with_keys_of_its_own_waits_and_says_what_to_do) {
  start_host();
  start_school(host->port());
  const auto strange = storage::key_ring::parse("lyceum keys 1\n77 1700000000 " + std::string(64, 'b') + "\n");
  mail_draft what{.recipient = "ann@example.com", .template_name = "receipt", .cause = "payment:1", .language = "en"};
  ASSERT_TRUE(storage::seal_details(what, R"({"for":"ann"})", *strange));
  const auto number = db->transaction([&] { return out::put(*db, what, "school.example", now_utc()); }).value().number;
  EXPECT_TRUE(becomes(number, mail_state::deferred));
  EXPECT_THAT(shown(number).reason, HasSubstr("one and the same file \"keys\""));
  EXPECT_TRUE(becomes(put("bea"), mail_state::sent)) << "the others go on";
}

TEST_P(mail_sending, what_hosts_say_is_kept_as_the_mails_own_state) {
  start_host();
  start_school(host->port());
  const auto unknown = put("unknown");
  const auto grey = put("grey");
  EXPECT_TRUE(becomes(unknown, mail_state::failed));
  EXPECT_TRUE(becomes(grey, mail_state::deferred));
  EXPECT_TRUE(out::find_suppression(*db, "unknown@example.com"));
  EXPECT_THAT(school->log(), Not(HasSubstr("unknown@example.com"))) << "hosts repeat addresses";
}

TEST_P(mail_sending, nothing_is_lost_and_little_is_doubled_while_workers_are_killed_all_the_time) {
  start_host();
  start_school(host->port());
  constexpr int mails = 400;
  auto cause = put_many(mails, 5ms);
  int kills = 0;
  const auto done = [&] { return count(mail_state::sent) == mails; };
  for (int i = 0; i < 25 && !done(); ++i) {
    const auto* path =
        std::array{"mail/smtp-1", "mail/smtp-2", "mail/outbox", "mail"}.at(static_cast<std::size_t>(i % 4));
    const auto got = school->ctl({"kill", path});
    EXPECT_EQ(got.status, 0) << got.err;
    ++kills;
    std::this_thread::sleep_for(200ms);
  }
  cause.join();
  EXPECT_TRUE(eventually(done, 90s)) << count(mail_state::queued) << " queued, " << count(mail_state::sending)
                                     << " being sent\n"
                                     << school->log();
  EXPECT_GT(kills, 4);
  const auto seen = arrivals();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(mails));
  EXPECT_LE(taken().size(), static_cast<std::size_t>(mails + 2 * kills));
  RecordProperty("doubled", static_cast<int>(taken().size()) - mails);
  EXPECT_EQ(school->get("/").status, 200);
}

TEST_P(mail_sending, a_host_that_is_away_costs_few_tries_and_comes_back_by_itself) {
  start_host();
  const int port = host->port();
  host.reset();
  start_school(port);
  std::vector<id> all;
  for (int i = 0; i < 40; ++i)
    all.push_back(put("ann" + std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return health().find("cannot be connected to") != std::string::npos; })) << health();
  ASSERT_TRUE(
      eventually([&] { return health().find("mails wait, sign-in by password goes on") != std::string::npos; }, 10s))
      << health();
  EXPECT_THAT(health(), HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(school->ctl({"inspect", "mail/smtp-1"}).out, HasSubstr("waits for the mail host"));
  std::this_thread::sleep_for(2s);
  int tries = 0;
  for (const auto one : all)
    tries += shown(one).tries;
  EXPECT_LE(tries, 8) << "not each of them waits for a dead host";
  EXPECT_EQ(school->get("/courses").status, 200);
  start_host({"--port", std::to_string(port)});
  // Those that were tried wait for a minute; the others go as soon as one has found the host.
  EXPECT_TRUE(eventually([&] { return count(mail_state::sent) >= 40 - tries; }, 40s)) << health();
  EXPECT_TRUE(eventually([&] { return health().find("cannot be connected to") == std::string::npos; })) << health();
  EXPECT_THAT(school->log(), HasSubstr("mail goes again"));
  EXPECT_EQ(school->ctl({"tree"}).out.find("degraded"), std::string::npos) << "an outage is no crash";
}

TEST_P(mail_sending, a_host_that_says_nothing_slows_no_page_and_no_restart) {
  start_host({"--greeting-after", "3600"});
  start_school(host->port());
  for (int i = 0; i < 10; ++i)
    put("ann" + std::to_string(i));
  ASSERT_TRUE(eventually([&] { return count(mail_state::sending) == 2; }));
  visitors people({.port = school->port(), .paths = {"/", "/courses"}, .rate = 100});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(school->ctl({"kill", "mail/smtp-1"}).status, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  EXPECT_TRUE(eventually([&] { return count(mail_state::sending) <= 2; }));
  std::this_thread::sleep_for(1s);
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  EXPECT_GT(seen.good, 50u);
  const auto stopped_at = std::chrono::steady_clock::now();
  EXPECT_EQ(school->stop(), 0) << school->log();
  EXPECT_LT(std::chrono::steady_clock::now() - stopped_at, 8s);
  EXPECT_EQ(count(mail_state::sending), 0) << "what was under way went back into the outbox";
  EXPECT_TRUE(taken().empty());
}

TEST_P(mail_sending, a_database_that_is_away_while_the_host_answers_makes_no_mail_arrive_twice) {
  if (!GetParam())
    GTEST_SKIP() << "SQLite is never away";
  own_postgres own;
  database = own.url;
  start_host();
  start_school(host->port());
  const auto one = put("slow");
  ASSERT_TRUE(eventually([&] { return taken().size() == 1; }))
      << school->log(); // the host has the text, and does not say so yet
  db.reset();
  own.down();
  std::this_thread::sleep_for(4s); // meanwhile it does
  own.up();
  ASSERT_TRUE(eventually(
      [&] {
        try {
          db = storage::open(database, storage::mode::writes);
          return true;
        } catch (const storage::error&) {
          return false;
        }
      },
      10s));
  EXPECT_TRUE(becomes(one, mail_state::sent, 20s)) << to_string(shown(one).state) << ": " << shown(one).reason;
  EXPECT_EQ(shown(one).orphaned, 0) << "the worker itself has written it down, within its lease";
  const auto next = put("ann");
  EXPECT_TRUE(becomes(next, mail_state::sent));
  EXPECT_EQ(taken().size(), 2u);
  EXPECT_EQ(school->ctl({"tree", "mail"}).out.find("degraded"), std::string::npos) << "an outage is no crash";
}

TEST_P(mail_sending, an_upgrade_doubles_no_mail_and_loses_none) {
  start_host();
  start_school(host->port());
  constexpr int mails = 120;
  auto cause = put_many(mails, 20ms);
  std::error_code failed;
  const auto program = fs::read_symlink("/proc/" + std::to_string(school->process()) + "/exe", failed);
  for (int i = 0; i < 2; ++i) {
    const auto done = school->ctl({"upgrade", program.string()});
    EXPECT_EQ(done.status, 0) << done.err << school->log();
  }
  cause.join();
  EXPECT_TRUE(eventually([&] { return count(mail_state::sent) == mails; }, 90s)) << school->log();
  const auto seen = arrivals();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(mails));
  EXPECT_EQ(taken().size(), static_cast<std::size_t>(mails)) << "a hand-over fences what is under way";
}

TEST_P(mail_sending, without_a_host_a_public_site_holds_its_mail_and_says_so) {
  start_school(0, {"--base-url", "https://school.example"});
  const auto one = put("ann");
  ASSERT_TRUE(becomes(one, mail_state::deferred)) << school->log();
  EXPECT_THAT(shown(one).reason, HasSubstr("smtp_url"));
  EXPECT_EQ(shown(one).tries, 0) << "a setting is not the mail's fault";
  EXPECT_TRUE(eventually([&] { return health().find("no mail host is set") != std::string::npos; })) << health();
}

TEST_P(mail_sending, without_a_host_on_this_machine_it_is_kept_to_be_looked_at) {
  start_school(0);
  const auto one = put("ann");
  ASSERT_TRUE(becomes(one, mail_state::sent)) << school->log();
  EXPECT_EQ(shown(one).reason, "kept in the development mailbox");
  EXPECT_THAT(school->log(), HasSubstr("no mail leaves this machine"));
}

} // namespace
} // namespace lyceum::testing
