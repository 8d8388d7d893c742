// SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

namespace lyceum::storage::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ON_BOTH_ENGINES(outbox_test);

TEST_P(outbox_test, a_mail_is_put_once_for_its_recipient_template_and_cause) {
  const id first = put_for("ann@example.com");
  const auto again =
      db_->transaction([&] { return out::put(*db_, draft("Ann@Example.com"), "school.example", now_ + 1h); });
  EXPECT_EQ(again->number, first);
  EXPECT_FALSE(again->fresh);
  put(draft("ann@example.com", "payment:2"));
  put(draft("bob@example.com"));
  EXPECT_THAT(claim(10), SizeIs(3));
}

TEST_P(outbox_test, what_was_put_comes_back_as_it_went_in) {
  auto what = draft("Ann.Ang@example.com");
  what.list_unsubscribe = "https://school.example/unsubscribe/x";
  what.urgency = mail_urgency::bulk;
  const id number = put(what);
  const mail held = claim_the_one().what;
  EXPECT_EQ(held.number, number);
  EXPECT_EQ(held.what.recipient, "Ann.Ang@example.com");
  EXPECT_EQ(held.what.recipient_name, "Ann Ång");
  EXPECT_EQ(held.what.template_name, "receipt");
  EXPECT_EQ(held.what.cause, "payment:1");
  EXPECT_EQ(held.what.language, "en");
  EXPECT_EQ(held.what.details, R"({"total":"12 €"})");
  EXPECT_EQ(held.what.list_unsubscribe, what.list_unsubscribe);
  EXPECT_EQ(held.what.urgency, mail_urgency::bulk);
  EXPECT_EQ(held.state, mail_state::sending);
  EXPECT_EQ(held.tries, 1);
  EXPECT_EQ(held.leased_until, now_ + 60s);
  EXPECT_EQ(held.holder, "node 0 smtp-1");
  EXPECT_THAT(held.message_id, ::testing::MatchesRegex("<[0-9a-z]+@school.example>"));
}

TEST_P(outbox_test, there_is_no_mail_without_its_cause) {
  EXPECT_THROW(db_->transaction([&] {
    EXPECT_TRUE(out::put(*db_, draft("ann@example.com"), "school.example", now_).has_value());
    throw std::runtime_error("the payment failed");
  }),
               std::runtime_error);
  EXPECT_THAT(claim(10), IsEmpty());
  EXPECT_THROW(std::ignore = out::put(*db_, draft("ann@example.com"), "school.example", now_), std::logic_error);
}

TEST_P(outbox_test, what_could_not_stand_in_a_header_is_refused_and_nothing_is_written) {
  const auto refused = [&](auto change) {
    auto what = draft("ann@example.com");
    change(what);
    const auto made = db_->transaction([&] { return out::put(*db_, what, "school.example", now_); });
    EXPECT_EQ(trouble(made), problem::kind::invalid) << what.recipient << what.recipient_name << what.cause;
  };
  for (const std::string bad : {"a\r\nBcc: b@example.com", "a\nb", "a\rb", "a\tb"}) {
    refused([&](mail_draft& what) { what.recipient_name = bad; });
    refused([&](mail_draft& what) { what.cause = bad; });
    refused([&](mail_draft& what) { what.recipient = bad + "@example.com"; });
    refused([&](mail_draft& what) { what.list_unsubscribe = "https://school.example/" + bad; });
    refused([&](mail_draft& what) { what.template_name = bad; });
    refused([&](mail_draft& what) { what.language = bad; });
  }
  refused([](mail_draft& what) { what.recipient_name = std::string("a\0b", 3); });
  refused([](mail_draft& what) { what.recipient_name = "a\xff"; });
  refused([](mail_draft& what) { what.details = "\xff"; });
  refused([](mail_draft& what) { what.details = std::string(mail_details_bytes_max + 1, ' '); });
  refused([](mail_draft& what) { what.list_unsubscribe = "http://school.example/x"; });
  refused([](mail_draft& what) { what.recipient = "ann"; });
  const auto bad_host = db_->transaction([&] { return out::put(*db_, draft("a@b.c"), "school>.example", now_); });
  EXPECT_EQ(trouble(bad_host), problem::kind::invalid);
  EXPECT_THAT(out::list(*db_, {}), IsEmpty());
}

TEST_P(outbox_test, sign_in_mails_go_first_and_bulk_mails_last_then_the_oldest) {
  auto bulk = draft("bulk@example.com");
  bulk.urgency = mail_urgency::bulk;
  put(bulk);
  now_ += 1s;
  put_for("first@example.com");
  now_ += 1s;
  put_for("second@example.com");
  now_ += 1s;
  auto sign_in = draft("in@example.com");
  sign_in.urgency = mail_urgency::sign_in;
  put(sign_in);
  EXPECT_THAT(recipients(claim(3)), ElementsAre("in@example.com", "first@example.com", "second@example.com"));
  EXPECT_THAT(recipients(claim(3)), ElementsAre("bulk@example.com"));
}

TEST_P(outbox_test, two_connections_never_hold_the_same_mail) {
  constexpr int mails = 60;
  for (int i = 0; i < mails; ++i)
    put(draft("ann@example.com", "cause " + std::to_string(i)));
  std::atomic<int> taken = 0;
  std::array<std::set<id>, 2> held;
  const auto work = [&](std::set<id>& mine) {
    const auto on = connect();
    while (taken < mails)
      for (const auto& one : out::claim(*on, {.holder = "w", .count = 3}, now_)) {
        mine.insert(one.what.number);
        ++taken;
      }
  };
  std::thread other(work, std::ref(held[1]));
  work(held[0]);
  other.join();
  EXPECT_EQ(taken, mails);
  std::set<id> both = held[0];
  both.insert(held[1].begin(), held[1].end());
  EXPECT_THAT(both, SizeIs(mails));
}

TEST_P(outbox_test, a_claim_passes_by_what_another_transaction_holds) {
  if (GetParam() == engine::sqlite)
    GTEST_SKIP() << "SQLite has one writer at a time";
  put_for("held@example.com");
  now_ += 1s;
  put_for("free@example.com");
  const auto other = connect();
  db_->transaction([&] {
    EXPECT_THAT(recipients(claim(1)), ElementsAre("held@example.com"));
    const auto theirs = out::claim(*other, {.holder = "other", .count = 2}, now_);
    EXPECT_THAT(recipients(theirs), ElementsAre("free@example.com"));
  });
}

TEST_P(outbox_test, a_mail_that_was_sent_is_not_sent_again_and_forgets_what_it_said) {
  const id number = put_for("ann@example.com");
  EXPECT_EQ(settle(claim_the_one(), delivery::result::sent, "250 queued as 1"), mail_state::sent);
  now_ += 48h;
  EXPECT_THAT(claim(10), IsEmpty());
  const mail sent = shown(number);
  EXPECT_EQ(sent.state, mail_state::sent);
  EXPECT_EQ(sent.sent_at, new_year);
  EXPECT_EQ(sent.what.details, "");
  EXPECT_EQ(sent.leased_until, std::nullopt);
}

TEST_P(outbox_test, an_orphan_is_taken_over_when_its_lease_ends_and_its_old_holder_is_fenced_off) {
  const id number = put_for("ann@example.com");
  const auto first = claim_the_one();
  now_ += 59s;
  EXPECT_THAT(claim(10), IsEmpty());
  now_ += 1s;
  const auto second = claim_the_one();
  EXPECT_EQ(second.what.number, number);
  EXPECT_EQ(second.what.message_id, first.what.message_id);
  EXPECT_EQ(second.what.tries, 2);
  EXPECT_EQ(trouble(out::heartbeat(*db_, first, now_)), problem::kind::conflict);
  EXPECT_EQ(trouble(out::begin_data(*db_, first, now_)), problem::kind::conflict);
  EXPECT_EQ(settle(first, delivery::result::refused), std::nullopt);
  EXPECT_EQ(shown(number).state, mail_state::sending);
  EXPECT_EQ(settle(second, delivery::result::sent), mail_state::sent);
}

TEST_P(outbox_test, a_heartbeat_keeps_a_lease) {
  put_for("ann@example.com");
  const auto held = claim_the_one();
  for (int i = 0; i < 5; ++i) {
    now_ += 40s;
    EXPECT_TRUE(out::heartbeat(*db_, held, now_).has_value());
    EXPECT_THAT(claim(10), IsEmpty());
  }
  EXPECT_EQ(settle(held, delivery::result::sent), mail_state::sent);
}

TEST_P(outbox_test, a_lease_from_a_clock_that_went_back_since_counts_as_ended) {
  put_for("ann@example.com");
  claim_the_one();
  now_ -= 24h;
  EXPECT_EQ(out::next_due(*db_, now_), now_);
  EXPECT_THAT(claim(10), SizeIs(1));
}

TEST_P(outbox_test, an_orphan_whose_text_had_begun_is_uncertain_and_a_bulk_one_waits_for_a_human) {
  const id ordinary = put_for("ann@example.com");
  ASSERT_TRUE(out::begin_data(*db_, claim_the_one(), now_).has_value());
  auto bulk = draft("bulk@example.com");
  bulk.urgency = mail_urgency::bulk;
  const id many = put(bulk);
  const auto of_many = claim_the_one();
  ASSERT_TRUE(out::begin_data(*db_, of_many, now_).has_value());
  now_ += 61s;
  const auto again = claim_the_one();
  EXPECT_EQ(again.what.number, ordinary);
  EXPECT_EQ(again.what.message_id, shown(ordinary).message_id);
  EXPECT_EQ(shown(many).state, mail_state::uncertain);
  EXPECT_EQ(shown(many).next_at, std::nullopt);
  EXPECT_THAT(shown(many).reason, HasSubstr("may have arrived"));
  EXPECT_EQ(settle(again, delivery::result::sent), mail_state::sent);
  EXPECT_TRUE(out::retry(*db_, many, now_).has_value());
  EXPECT_EQ(claim_the_one().what.number, many);
}

TEST_P(outbox_test, a_mail_that_ends_its_workers_is_buried_and_does_not_hold_up_others) {
  const id poison = put_for("ann@example.com");
  for (int i = 0; i < mail_orphaned_max; ++i) {
    EXPECT_EQ(claim_the_one().what.number, poison);
    now_ += 61s;
  }
  put_for("bob@example.com");
  EXPECT_THAT(recipients(claim(10)), ElementsAre("bob@example.com"));
  EXPECT_EQ(shown(poison).state, mail_state::failed);
  EXPECT_THAT(shown(poison).reason, HasSubstr("its workers ended"));
}

TEST_P(outbox_test, a_deferred_mail_is_tried_twelve_times_with_doubling_waits_and_then_is_a_dead_letter) {
  const id number = put_for("ann@example.com");
  std::vector<std::chrono::minutes> waits;
  for (int tries = 1; tries < 12; ++tries) {
    ASSERT_EQ(settle(claim_the_one(), delivery::result::deferred, "451 greylisted"), mail_state::deferred) << tries;
    const auto next = shown(number).next_at.value();
    waits.push_back(std::chrono::round<std::chrono::minutes>(next - now_));
    EXPECT_EQ(out::next_due(*db_, now_), next);
    now_ = next - 1us;
    EXPECT_THAT(claim(10), IsEmpty());
    now_ = next;
  }
  EXPECT_THAT(waits, ElementsAre(1min, 2min, 4min, 8min, 16min, 32min, 64min, 128min, 256min, 512min, 1024min));
  EXPECT_EQ(settle(claim_the_one(), delivery::result::unreachable, "no route"), mail_state::failed);
  EXPECT_EQ(shown(number).reason, "given up after 12 tries: no route");
  now_ += 240h;
  EXPECT_THAT(claim(10), IsEmpty());
}

TEST_P(outbox_test, a_refused_mail_is_a_dead_letter_at_once_and_a_dead_address_gets_no_more_mail) {
  const id policy = put_for("ann@example.com");
  EXPECT_EQ(settle(claim_the_one(), delivery::result::refused, "554 looks like spam"), mail_state::failed);
  EXPECT_EQ(shown(policy).reason, "554 looks like spam");
  EXPECT_EQ(out::find_suppression(*db_, "ann@example.com"), std::nullopt);

  put_for("gone@example.com");
  const delivery dead{delivery::result::refused, "550 5.1.1 no such user", true};
  EXPECT_EQ(out::settle(*db_, claim_the_one(), dead, now_, 0.5), mail_state::failed);
  const id later = put(draft("Gone@Example.com", "payment:2"));
  EXPECT_EQ(shown(later).state, mail_state::suppressed);
  EXPECT_THAT(shown(later).reason, HasSubstr("550 5.1.1"));
  EXPECT_THAT(claim(10), IsEmpty());
}

TEST_P(outbox_test, one_that_was_suppressed_after_it_was_queued_is_not_sent_and_makes_room) {
  const id first = put_for("ann@example.com");
  now_ += 1s;
  put_for("bob@example.com");
  ASSERT_TRUE(
      out::suppress(*db_, "ANN@example.com", suppression_kind::complaint, "by the host's webhook", now_).has_value());
  EXPECT_THAT(recipients(claim(1)), ElementsAre("bob@example.com"));
  EXPECT_EQ(shown(first).state, mail_state::suppressed);
  EXPECT_EQ(shown(first).reason, "complaint: by the host's webhook");
}

TEST_P(outbox_test, wrong_settings_and_interruptions_cost_a_mail_no_try) {
  const id number = put_for("ann@example.com");
  EXPECT_EQ(settle(claim_the_one(), delivery::result::interrupted), mail_state::queued);
  EXPECT_EQ(settle(claim_the_one(), delivery::result::misconfigured, "535"), mail_state::deferred);
  EXPECT_EQ(shown(number).tries, 0);
  EXPECT_EQ(shown(number).next_at, now_ + 5min);
  now_ += 72h;
  EXPECT_EQ(settle(claim_the_one(), delivery::result::misconfigured, "535"), mail_state::failed);
  EXPECT_THAT(shown(number).reason, HasSubstr("535"));
}

TEST_P(outbox_test, an_uncertain_mail_is_sent_again_later_unless_it_is_one_of_many) {
  const id number = put_for("ann@example.com");
  EXPECT_EQ(settle(claim_the_one(), delivery::result::uncertain), mail_state::uncertain);
  EXPECT_EQ(shown(number).next_at, now_ + 1min);
  EXPECT_THAT(claim(10), IsEmpty());
  now_ += 1min;
  EXPECT_EQ(settle(claim_the_one(), delivery::result::sent), mail_state::sent);
  auto bulk = draft("bulk@example.com");
  bulk.urgency = mail_urgency::bulk;
  const id many = put(bulk);
  EXPECT_EQ(settle(claim_the_one(), delivery::result::uncertain), mail_state::uncertain);
  EXPECT_EQ(shown(many).next_at, std::nullopt);
  now_ += 240h;
  EXPECT_THAT(claim(10), IsEmpty());
}

TEST_P(outbox_test, a_sign_in_mail_that_comes_too_late_is_not_sent) {
  auto what = draft("ann@example.com");
  what.urgency = mail_urgency::sign_in;
  const id number = put(what);
  EXPECT_EQ(settle(claim_the_one(), delivery::result::deferred), mail_state::deferred);
  EXPECT_EQ(shown(number).next_at, now_ + 10s);
  now_ += 10min;
  EXPECT_THAT(claim(10), IsEmpty());
  EXPECT_EQ(shown(number).state, mail_state::failed);
  EXPECT_EQ(shown(number).what.details, "");
}

TEST_P(outbox_test, a_rate_is_shared_by_all_connections) {
  for (int i = 0; i < 20; ++i)
    put(draft("ann@example.com", "cause " + std::to_string(i)));
  const mail_rate rate{.per_second = 4, .per_day = 10};
  const auto other = connect();
  EXPECT_THAT(claim(3, rate), SizeIs(3));
  EXPECT_THAT(out::claim(*other, {.holder = "other", .count = 3, .rate = rate}, now_), SizeIs(1));
  EXPECT_THAT(claim(3, rate), IsEmpty());
  now_ += 500ms;
  EXPECT_THAT(claim(9, rate), SizeIs(2));
  now_ += 1h;
  EXPECT_THAT(claim(9, rate), SizeIs(4));
  now_ += 1h;
  EXPECT_THAT(claim(9, rate), IsEmpty()); // the day has had its ten
  now_ += 24h;
  EXPECT_THAT(claim(9, rate), SizeIs(4));
}

TEST_P(outbox_test, a_newsletter_leaves_a_fifth_of_the_day_to_others) {
  for (int i = 0; i < 10; ++i) {
    auto bulk = draft("many@example.com", "cause " + std::to_string(i));
    bulk.urgency = mail_urgency::bulk;
    put(bulk);
  }
  const mail_rate rate{.per_day = 5};
  EXPECT_THAT(claim(4, rate), SizeIs(4));
  EXPECT_THAT(claim(4, rate), IsEmpty());
  put_for("ann@example.com");
  EXPECT_THAT(recipients(claim(4, rate)), ElementsAre("ann@example.com"));
}

TEST_P(outbox_test, what_is_paused_waits_for_every_connection_and_goes_on_afterwards) {
  put_for("ann@example.com");
  auto sign_in = draft("in@example.com");
  sign_in.template_name = "sign_in";
  put(sign_in);
  const auto other = connect();
  ASSERT_TRUE(out::pause(*other, "receipt", "eve", now_).has_value());
  EXPECT_THAT(recipients(claim(10)), ElementsAre("in@example.com"));
  EXPECT_EQ(out::next_due(*db_, now_), now_ + 60s); // the lease of the other one
  EXPECT_TRUE(out::resume(*other, "receipt"));
  EXPECT_FALSE(out::resume(*other, "receipt"));
  ASSERT_TRUE(out::pause(*db_, "", "eve", now_).has_value());
  EXPECT_THAT(claim(10), IsEmpty());
  EXPECT_TRUE(out::resume(*db_, ""));
  EXPECT_THAT(recipients(claim(10)), ElementsAre("ann@example.com"));
}

TEST_P(outbox_test, listeners_hear_of_a_new_mail_after_its_commit) {
  if (GetParam() == engine::sqlite)
    GTEST_SKIP() << "SQLite notifies nobody";
  const auto listener = connect();
  listener->listen(out::mail_channel);
  db_->transaction([&] {
    EXPECT_TRUE(out::put(*db_, draft("ann@example.com"), "school.example", now_).has_value());
    EXPECT_EQ(listener->wait_notification(50ms), std::nullopt);
  });
  EXPECT_NE(listener->wait_notification(2s), std::nullopt);
}

} // namespace
} // namespace lyceum::storage::test
