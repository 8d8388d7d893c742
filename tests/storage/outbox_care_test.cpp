// SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"

namespace lyceum::storage::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class outbox_care_test : public outbox_test {
protected:
  std::vector<std::string> listed(const out::mail_filter& wanted) {
    std::vector<std::string> names;
    for (const auto& one : out::list(*db_, wanted))
      names.push_back(one.what.recipient);
    return names;
  }
};
ON_BOTH_ENGINES(outbox_care_test);

TEST_P(outbox_care_test, mails_are_listed_newest_first_by_state_template_and_recipient_in_pages) {
  put_for("a@example.com");
  settle(claim_the_one(), delivery::result::sent);
  auto other = draft("b@example.com");
  other.template_name = "reminder";
  const id second = put(other);
  put_for("c@example.com");
  EXPECT_THAT(listed({}), ElementsAre("c@example.com", "b@example.com", "a@example.com"));
  EXPECT_THAT(listed({.state = mail_state::sent}), ElementsAre("a@example.com"));
  EXPECT_THAT(listed({.template_name = "reminder"}), ElementsAre("b@example.com"));
  EXPECT_THAT(listed({.recipient = "C@example.com"}), ElementsAre("c@example.com"));
  EXPECT_THAT(listed({.limit = 1}), ElementsAre("c@example.com"));
  EXPECT_THAT(listed({.before = second}), ElementsAre("a@example.com"));
  EXPECT_EQ(out::list(*db_, {}).front().what.details, "");
}

TEST_P(outbox_care_test, a_dead_letter_that_is_retried_begins_anew) {
  const id number = put_for("ann@example.com");
  const auto before = shown(number).message_id;
  settle(claim_the_one(), delivery::result::refused);
  now_ += 100h;
  EXPECT_TRUE(out::retry(*db_, number, now_).has_value());
  const auto held = claim_the_one();
  EXPECT_EQ(held.what.tries, 1);
  EXPECT_EQ(held.what.give_up_at, now_ + 72h);
  EXPECT_EQ(held.what.message_id, before);
  EXPECT_EQ(settle(held, delivery::result::deferred), mail_state::deferred);
}

TEST_P(outbox_care_test, what_waits_is_being_sent_or_was_sent_is_not_retried) {
  EXPECT_EQ(trouble(out::retry(*db_, 1, now_)), problem::kind::not_found);
  const id number = put_for("ann@example.com");
  EXPECT_EQ(trouble(out::retry(*db_, number, now_)), problem::kind::conflict);
  const auto held = claim_the_one();
  EXPECT_EQ(trouble(out::retry(*db_, number, now_)), problem::kind::conflict);
  settle(held, delivery::result::sent);
  EXPECT_EQ(trouble(out::retry(*db_, number, now_)), problem::kind::conflict);
  EXPECT_THAT(claim(10), IsEmpty());
}

TEST_P(outbox_care_test, all_dead_letters_of_a_template_are_retried_together) {
  for (int i = 0; i < 3; ++i) {
    auto what = draft("ann@example.com", "cause " + std::to_string(i));
    what.template_name = i == 0 ? "reminder" : "receipt";
    put(what);
  }
  for (const auto& held : claim(10))
    settle(held, delivery::result::refused);
  EXPECT_EQ(out::retry_failed(*db_, "receipt", now_), 2);
  EXPECT_EQ(out::retry_failed(*db_, "receipt", now_), 0);
  EXPECT_THAT(claim(10), SizeIs(2));
  EXPECT_EQ(out::retry_failed(*db_, "", now_), 1);
}

TEST_P(outbox_care_test, a_dropped_mail_is_gone_for_good) {
  const id number = put_for("ann@example.com");
  EXPECT_TRUE(out::drop(*db_, number, "eve", now_).has_value());
  EXPECT_THAT(claim(10), IsEmpty());
  EXPECT_EQ(shown(number).state, mail_state::failed);
  EXPECT_EQ(shown(number).reason, "dropped by eve");
  EXPECT_EQ(shown(number).what.details, "");
  EXPECT_EQ(trouble(out::retry(*db_, number, now_)), problem::kind::conflict);
  EXPECT_EQ(out::retry_failed(*db_, "", now_), 0);
  const auto again = db_->transaction([&] { return out::put(*db_, draft("ann@example.com"), "school.example", now_); });
  EXPECT_FALSE(again->fresh);
}

TEST_P(outbox_care_test, what_is_being_sent_or_was_sent_is_not_dropped) {
  EXPECT_EQ(trouble(out::drop(*db_, 1, "eve", now_)), problem::kind::not_found);
  const id number = put_for("ann@example.com");
  const auto held = claim_the_one();
  EXPECT_EQ(trouble(out::drop(*db_, number, "eve", now_)), problem::kind::conflict);
  EXPECT_EQ(settle(held, delivery::result::sent), mail_state::sent);
  EXPECT_EQ(trouble(out::drop(*db_, number, "eve", now_)), problem::kind::conflict);
}

TEST_P(outbox_care_test, what_a_recipients_host_puts_off_waits_for_us_only_from_its_next_try_on) {
  const id number = put_for("full@example.com");
  EXPECT_EQ(settle(claim_the_one(), delivery::result::deferred), mail_state::deferred);
  const auto next = out::find(*db_, number)->next_at;
  ASSERT_TRUE(next);
  EXPECT_EQ(out::oldest_waiting(*db_, now_), std::nullopt);
  EXPECT_EQ(out::oldest_waiting(*db_, *next - 1us), std::nullopt);
  EXPECT_EQ(out::oldest_waiting(*db_, *next + 20min), next);
  ASSERT_TRUE(out::retry(*db_, number, now_ + 1s));
  EXPECT_EQ(out::oldest_waiting(*db_, now_ + 2s), now_ + 1s) << "an operator says that it could go now";
}

TEST_P(outbox_care_test, what_our_own_settings_hold_up_waits_since_it_was_made) {
  put_for("ann@example.com");
  now_ += 1min;
  EXPECT_EQ(settle(claim_the_one(), delivery::result::misconfigured), mail_state::deferred);
  EXPECT_EQ(out::oldest_waiting(*db_, now_), new_year) << "its tries do not count, and begin again and again";
  put_for("bounced@example.com");
  EXPECT_EQ(out::oldest_waiting(*db_, now_), new_year);
}

TEST_P(outbox_care_test, what_may_have_arrived_waits_for_nobody) {
  put_for("ann@example.com");
  EXPECT_EQ(settle(claim_the_one(), delivery::result::uncertain), mail_state::uncertain);
  EXPECT_EQ(out::oldest_waiting(*db_, now_ + 24h), std::nullopt);
}

TEST_P(outbox_care_test, lists_hold_what_their_filter_says) {
  for (const auto* who : {"a@example.com", "b@example.com", "c@example.com"})
    put_for(who);
  EXPECT_EQ(settle(claim(1).front(), delivery::result::refused), mail_state::failed);
  const auto count = [&](const out::mail_filter& wanted) { return out::list(*db_, wanted).size(); };
  const auto kind = out::list(*db_, {})[0].what.template_name;
  EXPECT_EQ(count({}), 3u);
  EXPECT_EQ(count({.state = mail_state::failed}), 1u);
  EXPECT_EQ(count({.state = mail_state::sent}), 0u);
  EXPECT_EQ(count({.template_name = kind}), 3u);
  EXPECT_EQ(count({.template_name = "other"}), 0u);
  EXPECT_EQ(count({.state = mail_state::queued, .template_name = kind}), 2u);
  EXPECT_EQ(count({.recipient = "A@example.com"}), 1u);
  EXPECT_EQ(count({.state = mail_state::queued, .template_name = kind, .recipient = "a@example.com"}), 0u);
  const auto newest = out::list(*db_, {.limit = 1})[0];
  EXPECT_EQ(count({.before = newest.number}), 2u);
  EXPECT_EQ(newest.what.details, "");
}

TEST_P(outbox_care_test, mails_are_counted_by_template_and_state_and_the_oldest_is_known) {
  EXPECT_EQ(out::oldest_waiting(*db_, now_), std::nullopt);
  EXPECT_EQ(out::next_due(*db_, now_), std::nullopt);
  put_for("a@example.com");
  now_ += 1h;
  put_for("b@example.com");
  put_for("c@example.com");
  EXPECT_EQ(out::oldest_waiting(*db_, now_), new_year);
  EXPECT_EQ(out::next_due(*db_, now_), now_);
  settle(claim(1).front(), delivery::result::sent);
  EXPECT_EQ(out::oldest_waiting(*db_, now_), new_year + 1h);
  std::vector<std::tuple<std::string, mail_state, std::int64_t>> all;
  for (const auto& one : out::counts(*db_))
    all.emplace_back(one.template_name, one.state, one.mails);
  EXPECT_THAT(all,
              ElementsAre(std::tuple("receipt", mail_state::queued, 2), std::tuple("receipt", mail_state::sent, 1)));
}

TEST_P(outbox_care_test, pauses_say_who_and_since_when) {
  EXPECT_EQ(trouble(out::pause(*db_, "no name", "eve", now_)), problem::kind::invalid);
  ASSERT_TRUE(out::pause(*db_, "receipt", "eve", now_).has_value());
  ASSERT_TRUE(out::pause(*db_, "receipt", "adam", now_ + 1h).has_value());
  const auto all = out::list_pauses(*db_);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].template_name, "receipt");
  EXPECT_EQ(all[0].paused_by, "eve");
  EXPECT_EQ(all[0].paused_at, now_);
}

TEST_P(outbox_care_test, only_what_ended_long_ago_is_forgotten) {
  put_for("sent@example.com");
  settle(claim_the_one(), delivery::result::sent);
  now_ += 24h;
  put_for("waits@example.com");
  put_for("late@example.com");
  settle(claim(1).front(), delivery::result::sent);
  EXPECT_EQ(out::forget(*db_, now_), 1);
  EXPECT_EQ(out::forget(*db_, now_ + 1us), 1);
  EXPECT_EQ(out::forget(*db_, now_ + 1us), 0);
  EXPECT_THAT(out::list(*db_, {}), SizeIs(1));
}

TEST_P(outbox_care_test, a_suppressed_address_gets_mail_again_when_somebody_lifts_it) {
  EXPECT_EQ(trouble(out::suppress(*db_, "nobody", suppression_kind::by_hand, "", now_)), problem::kind::invalid);
  ASSERT_TRUE(out::suppress(*db_, "Ann@example.com", suppression_kind::by_hand, "asked for it", now_).has_value());
  ASSERT_TRUE(out::suppress(*db_, "ann@example.com", suppression_kind::bounce, "later", now_ + 1h).has_value());
  const auto all = out::list_suppressions(*db_);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].recipient_key, "ann@example.com");
  EXPECT_EQ(all[0].kind, suppression_kind::by_hand);
  EXPECT_EQ(all[0].detail, "asked for it");
  const id number = put_for("ann@example.com");
  EXPECT_THAT(claim(10), IsEmpty());
  EXPECT_TRUE(out::unsuppress(*db_, "ANN@example.com"));
  EXPECT_FALSE(out::unsuppress(*db_, "ANN@example.com"));
  EXPECT_TRUE(out::retry(*db_, number, now_).has_value());
  EXPECT_EQ(claim_the_one().what.number, number);
}

class outbox_migration_test : public engine_test {};
ON_BOTH_ENGINES(outbox_migration_test);

TEST_P(outbox_migration_test, a_school_from_before_mail_keeps_what_it_has_and_gets_an_outbox) {
  const auto on = connect();
  auto before = migrations_for(GetParam());
  std::erase_if(before, [](const migration& m) { return m.version >= 3; });
  migrate(*on, before, new_year);
  on->script("test.fill", "INSERT INTO courses (id, slug, position) VALUES (1, 'first', 1)");
  const auto applied = migrate(*on, new_year);
  ASSERT_EQ(applied.size(), 2u);
  EXPECT_EQ(applied[0].name, "outbox");
  EXPECT_EQ(applied[1].name, "outbox_lists");
  constexpr query slugs{"test.slugs", "SELECT slug FROM courses"};
  EXPECT_THAT(on->all(slugs, [](const row& r) { return r.text(0); }), ElementsAre("first"));
  const mail_draft what{
      .recipient = "ann@example.com", .template_name = "receipt", .cause = "payment:1", .language = "en"};
  EXPECT_TRUE(on->transaction([&] { return out::put(*on, what, "school.example", new_year); }).has_value());
}

} // namespace
} // namespace lyceum::storage::test
