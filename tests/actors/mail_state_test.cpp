// SPDX-License-Identifier: Apache-2.0
// When workers may ask the mail host, what is said about mail, and what a developer's mailbox keeps.
#include "actors/development_mailbox.hpp"
#include "actors/mail_state.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <thread>
#include <vector>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using result = delivery::result;
using steady = mail_patience::clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const steady::time_point begin{1000s};
const unix_time noon = from_micros(1'735'732'800'000'000); // 2025-01-01T12:00:00Z

mail_patience patient(double jitter = 0.5) {
  return mail_patience([jitter] { return jitter; });
}

TEST(mail_patience_test, everybody_may_claim_while_the_host_answers) {
  auto some = patient();
  for (const auto how : {result::sent, result::deferred, result::refused, result::uncertain, result::interrupted}) {
    some.ended(0, how, begin);
    EXPECT_TRUE(some.may_claim(0, begin));
    EXPECT_TRUE(some.may_claim(1, begin));
  }
}

TEST(mail_patience_test, one_at_a_time_tries_a_host_that_was_away) {
  auto some = patient();
  some.ended(0, result::unreachable, begin);
  EXPECT_FALSE(some.may_claim(0, begin + 999ms));
  EXPECT_TRUE(some.may_claim(1, begin + 1s));
  EXPECT_FALSE(some.may_claim(0, begin + 1s));
  EXPECT_TRUE(some.may_claim(1, begin + 1s)) << "it is the one that tries";
  some.ended(1, result::sent, begin + 2s);
  EXPECT_TRUE(some.may_claim(0, begin + 2s));
}

TEST(mail_patience_test, pauses_double_up_to_a_minute) {
  auto some = patient();
  auto now = begin;
  std::vector<std::chrono::seconds> pauses;
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(some.may_claim(0, now));
    some.ended(0, i % 2 == 0 ? result::unreachable : result::misconfigured, now);
    pauses.push_back(std::chrono::duration_cast<std::chrono::seconds>(some.next_try() - now));
    now = some.next_try();
  }
  EXPECT_THAT(pauses, ElementsAre(1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s));
}

TEST(mail_patience_test, workers_that_find_the_same_outage_double_nothing) {
  auto some = patient();
  some.ended(0, result::unreachable, begin);
  const auto next = some.next_try();
  some.ended(1, result::unreachable, begin + 100ms);
  EXPECT_EQ(some.next_try(), next);
}

TEST(mail_patience_test, a_worker_that_died_while_it_tried_holds_up_nobody) {
  auto some = patient();
  some.ended(0, result::unreachable, begin);
  ASSERT_TRUE(some.may_claim(0, begin + 1s));
  some.leave(0);
  EXPECT_TRUE(some.may_claim(1, begin + 1s));
  EXPECT_FALSE(some.may_claim(0, begin + 2s));
  EXPECT_TRUE(some.may_claim(0, begin + 1s + mail_patience::probe_max)) << "worker 1 was never heard of again";
}

RC_GTEST_PROP(mail_patience_test, one_tries_at_most_and_no_pause_is_out_of_bounds, ()) {
  const auto jitter = *rc::gen::map(rc::gen::inRange(0, 1000), [](int n) { return n / 1000.0; });
  auto some = patient(jitter);
  auto now = begin;
  constexpr std::size_t nobody = 99;
  std::size_t trying = nobody;
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1'000'000));
  for (const int step : steps) {
    const auto worker = static_cast<std::size_t>(step % 3);
    now += std::chrono::milliseconds(step / 10 % 3000);
    if (step / 3 % 2 == 0) {
      const bool trouble = some.in_trouble();
      const bool may = some.may_claim(worker, now);
      if (!trouble)
        RC_ASSERT(may);
      else if (may) {
        RC_ASSERT(now >= some.next_try());
        RC_ASSERT((trying == nobody || trying == worker));
        trying = worker;
      }
    } else {
      const auto how = static_cast<result>(step / 6 % 7);
      const bool counts = how == result::unreachable || how == result::misconfigured;
      const bool news = counts && (!some.in_trouble() || trying == worker);
      some.ended(worker, how, now);
      if (trying == worker || (!counts && how != result::interrupted))
        trying = nobody;
      RC_ASSERT((some.in_trouble() || !counts));
      if (news) {
        RC_ASSERT(some.next_try() - now >= 800ms);
        RC_ASSERT(some.next_try() - now <= 72s);
      }
    }
  }
}

mail_facts facts(mail_road::kind road = mail_road::kind::host) {
  mail_facts now;
  now.road = {road, "smtp.example:587"};
  return now;
}

TEST(mail_words_test, there_is_nothing_to_say_while_mail_goes) {
  for (const auto road : {mail_road::kind::host, mail_road::kind::mailbox}) {
    auto now = facts(road);
    now.waiting = 3;
    now.oldest = noon - 9min;
    EXPECT_TRUE(is_delivering(now));
    EXPECT_EQ(why_not_delivering(now), "");
    EXPECT_TRUE(troubles_of(now, noon).empty());
  }
}

TEST(mail_words_test, a_host_that_is_away_is_said_with_since_when_and_how_many_wait) {
  auto now = facts();
  now.host_away_since = noon + 1min;
  now.host_reason = "the mail host smtp.example:587 cannot be connected to";
  now.waiting = 14;
  const auto said = troubles_of(now, noon + 5min);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].part, "mail");
  EXPECT_EQ(said[0].state, "away");
  EXPECT_EQ(said[0].detail, "the mail host smtp.example:587 cannot be connected to, since 12:01 UTC; 14 mails wait, "
                            "sign-in by password goes on");
  EXPECT_THAT(troubles_of(now, noon + 24h)[0].detail, HasSubstr("since 2025-01-01 12:01 UTC"));
  EXPECT_FALSE(is_delivering(now));
  EXPECT_THAT(why_not_delivering(now), Not(HasSubstr("smtp.example"))) << "visitors are told no names";
}

TEST(mail_words_test, a_public_site_without_a_host_holds_its_mail_and_says_so) {
  auto now = facts(mail_road::kind::held);
  now.road.host = "no mail host is set";
  now.waiting = 1;
  ASSERT_EQ(troubles_of(now, noon).size(), 1u);
  EXPECT_EQ(troubles_of(now, noon)[0].state, "held");
  EXPECT_EQ(troubles_of(now, noon)[0].detail, "no mail host is set; 1 mail waits, sign-in by password goes on");
  EXPECT_FALSE(is_delivering(now));
}

TEST(mail_words_test, a_mail_is_late_after_its_time_and_not_before) {
  auto now = facts();
  now.oldest = noon;
  now.waiting = 2;
  EXPECT_FALSE(is_late(now, noon + 10min));
  EXPECT_TRUE(is_late(now, noon + 10min + 1us));
  now.paused = {"receipt"};
  const auto said = troubles_of(now, noon + 21min);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].state, "late");
  EXPECT_EQ(said[0].detail, "the oldest mail waits since 12:00 UTC (21 min); 2 mails wait; paused: receipt");
  EXPECT_TRUE(is_delivering(now)) << "other templates go on";
  now.oldest.reset();
  EXPECT_FALSE(is_late(now, noon + 24h));
}

TEST(mail_words_test, a_host_that_is_away_for_long_makes_what_waits_late) {
  auto now = facts();
  now.host_away_since = noon;
  now.host_reason = "the mail host says nothing";
  now.waiting = 1;
  EXPECT_FALSE(is_late(now, noon + 10min));
  EXPECT_TRUE(is_late(now, noon + 11min));
  ASSERT_EQ(troubles_of(now, noon + 11min).size(), 1u);
  EXPECT_EQ(troubles_of(now, noon + 11min)[0].state, "away");
  now.waiting = 0;
  EXPECT_FALSE(is_late(now, noon + 11min)) << "nobody waits for anything";
}

TEST(mail_words_test, a_host_that_puts_off_one_after_the_other_and_takes_none_makes_them_late) {
  auto now = facts();
  now.put_off_since = noon;
  now.waiting = now.deferred = 2;
  EXPECT_FALSE(is_late(now, noon + 24h)) << "two full mailboxes are no fault of the host";
  now.waiting = now.deferred = 3;
  EXPECT_FALSE(is_late(now, noon + 10min));
  EXPECT_TRUE(is_late(now, noon + 11min));
  ASSERT_EQ(troubles_of(now, noon + 11min).size(), 1u);
  EXPECT_THAT(troubles_of(now, noon + 11min)[0].detail,
              HasSubstr("has put off every mail since 12:00 UTC; 3 mails wait"));
  EXPECT_TRUE(troubles_of(now, noon + 9min).empty());
}

TEST(mail_health_test, what_is_put_off_is_remembered_until_a_mail_is_taken) {
  mail_health health;
  health.ended(0, {result::deferred, "later"}, 1s, noon);
  health.ended(0, {result::deferred, "later"}, 1s, noon + 1min);
  EXPECT_EQ(health.facts().put_off_since, noon);
  health.ended(0, {result::refused, "never"}, 1s, noon + 2min);
  EXPECT_EQ(health.facts().put_off_since, noon);
  health.ended(0, {result::sent, ""}, 1s, noon + 3min);
  EXPECT_FALSE(health.facts().put_off_since);
  health.counted({{"a", mail_state::queued, 2}, {"a", mail_state::deferred, 3}, {"b", mail_state::deferred, 1}}, {},
                 {});
  EXPECT_EQ(health.facts().waiting, 6);
  EXPECT_EQ(health.facts().deferred, 4);
}

TEST(mail_words_test, what_is_paused_as_a_whole_is_not_delivered) {
  auto now = facts();
  now.paused = {""};
  EXPECT_FALSE(is_delivering(now));
  EXPECT_TRUE(troubles_of(now, noon).empty()) << "it was meant so, until a mail is late";
}

TEST(mail_health_test, an_outage_is_told_once_and_so_is_its_end) {
  mail_health health;
  health.set_road({mail_road::kind::host, "smtp.example:587"}, 10min);
  EXPECT_TRUE(health.delivering());
  EXPECT_EQ(health.ended(0, {result::unreachable, "nobody there"}, 1s, noon), "mail waits: nobody there");
  EXPECT_EQ(health.ended(1, {result::unreachable, "nobody there"}, 1s, noon + 1s), "");
  EXPECT_FALSE(health.delivering());
  EXPECT_THAT(health.why_not(), HasSubstr("late"));
  EXPECT_EQ(health.facts().host_away_since, noon);
  EXPECT_NE(health.ended(0, {result::refused, "no such mailbox"}, 1s, noon + 2s), "") << "it answers";
  EXPECT_TRUE(health.delivering());
  EXPECT_EQ(health.why_not(), "");
}

TEST(mail_health_test, figures_count_each_delivery_once) {
  mail_health health;
  health.ended(0, {result::sent, ""}, 40ms, noon);
  health.ended(0, {result::sent, ""}, 3s, noon);
  health.ended(0, {result::refused, ""}, 500s, noon);
  health.counted(
      {{"receipt", mail_state::queued, 4}, {"receipt", mail_state::sent, 9}, {"welcome", mail_state::deferred, 1}},
      noon - 30s, {});
  const auto seen = health.figures(noon);
  EXPECT_EQ(seen.ended.at(static_cast<std::size_t>(result::sent)), 2u);
  EXPECT_EQ(seen.ended.at(static_cast<std::size_t>(result::refused)), 1u);
  EXPECT_EQ(seen.took.front(), 1u);
  EXPECT_EQ(seen.took.at(3), 1u);
  EXPECT_EQ(seen.took.back(), 1u);
  EXPECT_DOUBLE_EQ(seen.took_sum_s, 503.04);
  EXPECT_DOUBLE_EQ(seen.oldest_waiting_s, 30);
  EXPECT_EQ(health.facts().waiting, 5);
}

kept_mail kept(id number, std::string text = "words") {
  kept_mail one;
  one.number = number;
  one.text = std::move(text);
  return one;
}

TEST(development_mailbox_test, the_newest_is_first_and_a_second_try_replaces_the_first) {
  development_mailbox box;
  box.put(kept(1));
  box.put(kept(2));
  box.put(kept(1, "again"));
  ASSERT_EQ(box.list().size(), 2u);
  EXPECT_EQ(box.list()[0]->text, "again");
  EXPECT_EQ(box.list()[1]->number, 2);
  EXPECT_EQ(box.find(3), nullptr);
  const auto held = box.find(2);
  box.clear();
  EXPECT_TRUE(box.list().empty());
  EXPECT_EQ(held->text, "words") << "who looks at it goes on looking";
}

TEST(development_mailbox_test, it_is_bounded_in_mails_and_in_bytes) {
  development_mailbox box;
  for (int i = 1; i <= 201; ++i)
    box.put(kept(i));
  EXPECT_EQ(box.list().size(), development_mailbox::mails_max);
  EXPECT_EQ(box.find(1), nullptr);
  EXPECT_NE(box.find(2), nullptr);
  const std::string large(development_mailbox::bytes_max / 2, 'x');
  box.put(kept(1001, large));
  box.put(kept(1002, large));
  EXPECT_EQ(box.list().size(), 2u);
  box.put(kept(1003, large + large + "x"));
  EXPECT_EQ(box.list().size(), 1u) << "the newest stays, whatever its size";
}

} // namespace
} // namespace lyceum
