// SPDX-License-Identifier: Apache-2.0
#include "people.hpp"

#include "storage/second_factor.hpp"

#include <gmock/gmock.h>

namespace lyceum::storage::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class sessions_test : public people_test {
protected:
  account reread(const account& who) { return accounts::find(*db_, who.account_id).value(); }
};
ON_BOTH_ENGINES(sessions_test);

TEST_P(sessions_test, a_session_is_found_by_its_token_with_its_account) {
  const auto who = make("a@x");
  const auto opened = open_session(who, "token");
  const auto found = sessions::find(*db_, hash("token"), new_year);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->what.session_id, opened.session_id);
  EXPECT_EQ(found->what.device, "Firefox");
  EXPECT_EQ(found->who.address, "a@x");
  EXPECT_FALSE(is_signed_in("another"));
  EXPECT_FALSE(sessions::find(*db_, "token", new_year)) << "the token itself is stored nowhere";
}

TEST_P(sessions_test, it_ends_fourteen_days_after_the_last_visit) {
  open_session(make("a@x"), "token");
  EXPECT_TRUE(is_signed_in("token", new_year + 14 * 24h - 1us));
  EXPECT_FALSE(is_signed_in("token", new_year + 14 * 24h));
  EXPECT_TRUE(sessions::touch(*db_, hash("token"), new_year + 10 * 24h));
  EXPECT_TRUE(is_signed_in("token", new_year + 24 * 24h - 1us));
  EXPECT_FALSE(is_signed_in("token", new_year + 24 * 24h));
}

TEST_P(sessions_test, it_ends_after_184_days_however_often_somebody_comes) {
  open_session(make("a@x"), "token");
  auto now = new_year;
  for (; now < new_year + 184 * 24h; now += 10 * 24h) {
    EXPECT_TRUE(is_signed_in("token", now));
    sessions::touch(*db_, hash("token"), now);
  }
  EXPECT_TRUE(is_signed_in("token", new_year + 184 * 24h - 1us));
  EXPECT_FALSE(is_signed_in("token", new_year + 184 * 24h));
}

TEST_P(sessions_test, a_visit_is_written_at_most_once_a_minute) {
  open_session(make("a@x"), "token");
  EXPECT_FALSE(sessions::touch(*db_, hash("token"), new_year + 1min - 1us));
  EXPECT_TRUE(sessions::touch(*db_, hash("token"), new_year + 1min));
  EXPECT_FALSE(sessions::touch(*db_, hash("token"), new_year + 1min + 30s));
  EXPECT_FALSE(sessions::touch(*db_, hash("another"), new_year + 5min));
}

TEST_P(sessions_test, a_visit_wakes_no_session_that_has_ended) {
  open_session(make("a@x"), "token");
  EXPECT_FALSE(sessions::touch(*db_, hash("token"), new_year + 14 * 24h));
  EXPECT_FALSE(is_signed_in("token", new_year + 14 * 24h));
}

TEST_P(sessions_test, a_clock_that_goes_back_a_day_ends_none) {
  open_session(make("a@x"), "token");
  EXPECT_TRUE(is_signed_in("token", new_year - 24h));
  EXPECT_FALSE(sessions::touch(*db_, hash("token"), new_year - 24h));
  EXPECT_TRUE(is_signed_in("token", new_year + 13 * 24h));
}

TEST_P(sessions_test, signing_out_ends_one_and_is_told) {
  const auto who = make("a@x");
  open_session(who, "one");
  open_session(who, "two");
  EXPECT_TRUE(tells_of(who.account_id, [&] { EXPECT_TRUE(sessions::sign_out(*db_, hash("one"), new_year)); }));
  EXPECT_FALSE(is_signed_in("one"));
  EXPECT_TRUE(is_signed_in("two"));
  EXPECT_EQ(refusal(sessions::sign_out(*db_, hash("one"), new_year)), problem::kind::not_found);
}

TEST_P(sessions_test, only_ones_own_session_is_revoked) {
  const auto mine = make("a@x");
  const auto other = make("b@x");
  const auto target = open_session(mine, "mine");
  EXPECT_EQ(refusal(sessions::revoke(*db_, other.account_id, target.session_id, "test", new_year)),
            problem::kind::not_found);
  EXPECT_TRUE(is_signed_in("mine"));
  EXPECT_TRUE(tells_of(mine.account_id, [&] {
    EXPECT_TRUE(sessions::revoke(*db_, mine.account_id, target.session_id, "test", new_year));
  }));
  EXPECT_FALSE(is_signed_in("mine"));
}

TEST_P(sessions_test, they_are_listed_the_last_seen_first_without_those_that_ended) {
  const auto who = make("a@x");
  const auto gone = open_session(who, "gone", new_year - 20 * 24h);
  const auto first = open_session(who, "first", new_year);
  const auto second = open_session(who, "second", new_year + 1h);
  open_session(make("b@x"), "other");
  sessions::touch(*db_, hash("first"), new_year + 2h);
  std::vector<id> ids;
  for (const auto& s : sessions::list(*db_, who.account_id, new_year + 2h))
    ids.push_back(s.session_id);
  EXPECT_THAT(ids, ElementsAre(first.session_id, second.session_id));
}

TEST_P(sessions_test, revoking_all_spares_the_one_that_asks_and_nobody_elses) {
  const auto who = make("a@x");
  open_session(who, "here");
  open_session(who, "there");
  open_session(make("b@x"), "other");
  EXPECT_TRUE(tells_of(who.account_id, [&] {
    EXPECT_TRUE(sessions::revoke_all(*db_, who.account_id, hash("here"), "test", new_year));
  }));
  EXPECT_TRUE(is_signed_in("here"));
  EXPECT_FALSE(is_signed_in("there"));
  EXPECT_TRUE(is_signed_in("other"));
}

TEST_P(sessions_test, a_new_password_ends_the_others_and_sign_ins_under_way) {
  const auto who = make("a@x");
  open_session(who, "here");
  open_session(who, "there");
  EXPECT_TRUE(tells_of(who.account_id, [&] {
    EXPECT_TRUE(accounts::set_password_hash(*db_, who.account_id, "opaque", hash("here"), "test", new_year));
  }));
  EXPECT_TRUE(is_signed_in("here"));
  EXPECT_FALSE(is_signed_in("there"));
  // `who` was read before: the old password was judged then.
  EXPECT_EQ(refusal(try_open(who, "late")), problem::kind::conflict);
  EXPECT_FALSE(is_signed_in("late"));
  EXPECT_TRUE(try_open(reread(who), "new"));
  EXPECT_EQ(reread(who).password_hash, "opaque");
  EXPECT_TRUE(accounts::remove_password(*db_, who.account_id, "", "test", new_year));
  EXPECT_FALSE(is_signed_in("here"));
  EXPECT_EQ(reread(who).password_hash, std::nullopt);
}

TEST_P(sessions_test, suspension_ends_all_and_opens_none) {
  const auto who = make("a@x");
  open_session(who, "token");
  EXPECT_TRUE(tells_of(who.account_id,
                       [&] { EXPECT_TRUE(accounts::suspend(*db_, who.account_id, "spam", "test", new_year)); }));
  EXPECT_FALSE(is_signed_in("token"));
  EXPECT_EQ(refusal(try_open(reread(who), "again")), problem::kind::forbidden);
  EXPECT_TRUE(accounts::resume(*db_, who.account_id, "test", new_year));
  EXPECT_FALSE(is_signed_in("token"));
  EXPECT_TRUE(try_open(reread(who), "again"));
  EXPECT_EQ(refusal(sessions::open(*db_, {who.account_id + 1, 0, hash("t"), false, "", ""}, new_year)),
            problem::kind::not_found);
}

TEST_P(sessions_test, sign_ins_and_a_new_password_at_once_leave_no_old_session) {
  for (int round = 0; round < 5; ++round) {
    const auto who = make("round" + std::to_string(round) + "@x");
    std::atomic<int> turn = 0;
    at_once(5, [&](db& mine) {
      const int i = turn++;
      if (i == 2)
        return accounts::set_password_hash(mine, who.account_id, "new", "", "test", new_year).has_value();
      return sessions::open(mine,
                            {who.account_id, who.sign_in_epoch, hash(who.address + std::to_string(i)), false, "", ""},
                            new_year)
          .has_value();
    });
    EXPECT_TRUE(sessions::list(*db_, who.account_id, new_year).empty());
  }
}

TEST_P(sessions_test, a_half_open_session_opens_nothing_until_the_second_factor_is_passed) {
  const auto who = make("a@x", account_role::author);
  ASSERT_TRUE(sessions::open(*db_, {who.account_id, 0, hash("half"), true, "Firefox", ""}, new_year));
  EXPECT_FALSE(is_signed_in("half"));
  EXPECT_TRUE(sessions::find_half_open(*db_, hash("half"), new_year));
  EXPECT_TRUE(sessions::list(*db_, who.account_id, new_year).empty());
  EXPECT_FALSE(sessions::touch(*db_, hash("half"), new_year + 5min));
  EXPECT_FALSE(sessions::enter_sudo(*db_, hash("half"), new_year));
  EXPECT_THAT(actions_of(who.account_id), Not(Contains("signed_in")));
  const auto whole = sessions::pass_second_factor(*db_, hash("half"), hash("whole"), new_year + 1min);
  ASSERT_TRUE(whole);
  EXPECT_FALSE(whole->half_open);
  EXPECT_FALSE(sessions::find_half_open(*db_, hash("half"), new_year + 1min));
  EXPECT_FALSE(is_signed_in("half", new_year + 1min));
  EXPECT_TRUE(is_signed_in("whole", new_year + 14 * 24h));
  EXPECT_THAT(actions_of(who.account_id), Contains("signed_in"));
  EXPECT_FALSE(sessions::pass_second_factor(*db_, hash("whole"), hash("again"), new_year + 1min));
}

TEST_P(sessions_test, a_suspended_account_passes_no_second_factor) {
  static constexpr query suspend_alone{"test.suspend_alone", "UPDATE accounts SET suspended_at = 1"};
  const auto who = make("a@x");
  ASSERT_TRUE(sessions::open(*db_, {who.account_id, 0, hash("half"), true, "", ""}, new_year));
  db_->exec(suspend_alone); // its sessions are still there
  EXPECT_FALSE(sessions::pass_second_factor(*db_, hash("half"), hash("whole"), new_year));
  EXPECT_FALSE(sessions::find_half_open(*db_, hash("half"), new_year));
}

TEST_P(sessions_test, a_half_open_session_lives_ten_minutes) {
  const auto who = make("a@x");
  ASSERT_TRUE(sessions::open(*db_, {who.account_id, 0, hash("half"), true, "", ""}, new_year));
  EXPECT_TRUE(sessions::find_half_open(*db_, hash("half"), new_year + 10min - 1us));
  EXPECT_FALSE(sessions::find_half_open(*db_, hash("half"), new_year + 10min));
  EXPECT_FALSE(sessions::pass_second_factor(*db_, hash("half"), hash("whole"), new_year + 10min));
}

TEST_P(sessions_test, sudo_lasts_ten_minutes_and_is_told) {
  const auto who = make("a@x");
  open_session(who, "token");
  const auto at = [&](unix_time now) { return in_sudo(sessions::find(*db_, hash("token"), now)->what, now); };
  EXPECT_TRUE(at(new_year)) << "who signs in has just proved it";
  EXPECT_TRUE(at(new_year + 10min - 1us));
  EXPECT_FALSE(at(new_year + 10min));
  EXPECT_TRUE(tells_of(who.account_id, [&] { EXPECT_TRUE(sessions::enter_sudo(*db_, hash("token"), new_year + 1h)); }));
  EXPECT_TRUE(at(new_year + 1h));
  EXPECT_FALSE(at(new_year + 1h + 10min));
  EXPECT_FALSE(sessions::enter_sudo(*db_, hash("token"), new_year + 20 * 24h)) << "it has ended";
}

TEST_P(sessions_test, the_fifty_first_ends_the_one_not_seen_for_longest) {
  const auto who = make("a@x");
  for (int i = 0; i <= sessions::sessions_max; ++i)
    open_session(who, "token " + std::to_string(i), new_year + std::chrono::seconds(i));
  EXPECT_FALSE(is_signed_in("token 0"));
  EXPECT_TRUE(is_signed_in("token 1"));
  EXPECT_EQ(sessions::list(*db_, who.account_id, new_year).size(), std::size_t(sessions::sessions_max));
}

TEST_P(sessions_test, a_long_device_is_cut_between_letters) {
  const auto who = make("a@x");
  const auto opened =
      sessions::open(*db_, {who.account_id, 0, hash("token"), false, std::string(199, 'x') + "é", ""}, new_year);
  EXPECT_EQ(opened->device, std::string(199, 'x'));
  EXPECT_EQ(sessions::find(*db_, hash("token"), new_year)->what.device, std::string(199, 'x'));
}

TEST_P(sessions_test, what_has_ended_is_deleted_and_nothing_else) {
  const auto who = make("a@x");
  open_session(who, "old");
  open_session(who, "young", new_year + 24h);
  EXPECT_EQ(sessions::remove_expired(*db_, new_year + 14 * 24h - 1us), 0);
  EXPECT_EQ(sessions::remove_expired(*db_, new_year + 14 * 24h), 1);
  EXPECT_TRUE(is_signed_in("young", new_year + 24h));
}

class second_factor_test : public people_test {};
ON_BOTH_ENGINES(second_factor_test);

TEST_P(second_factor_test, a_time_step_counts_once_and_no_older_one_after_it) {
  const auto who = make("a@x");
  EXPECT_EQ(refusal(second_factor::accept_step(*db_, who.account_id, 5)), problem::kind::conflict) << "it is off";
  ASSERT_TRUE(second_factor::set(*db_, who.account_id, "sealed", 10, {}, "", "test", new_year));
  EXPECT_FALSE(second_factor::accept_step(*db_, who.account_id, 10)) << "the one that turned it on";
  EXPECT_EQ(at_once(4, [&](db& mine) { return second_factor::accept_step(mine, who.account_id, 12).has_value(); }), 1);
  EXPECT_FALSE(second_factor::accept_step(*db_, who.account_id, 11));
  EXPECT_TRUE(second_factor::accept_step(*db_, who.account_id, 13));
}

TEST_P(second_factor_test, a_recovery_code_counts_once) {
  const auto who = make("a@x");
  const auto other = make("b@x");
  ASSERT_TRUE(second_factor::set(*db_, who.account_id, "sealed", 1, {hash("one"), hash("two")}, "", "test", new_year));
  EXPECT_FALSE(second_factor::use_recovery_code(*db_, other.account_id, hash("one"), new_year));
  EXPECT_EQ(at_once(4,
                    [&](db& mine) {
                      return second_factor::use_recovery_code(mine, who.account_id, hash("one"), new_year).has_value();
                    }),
            1);
  EXPECT_EQ(second_factor::recovery_codes_left(*db_, who.account_id), 1);
  EXPECT_EQ(refusal(second_factor::use_recovery_code(*db_, who.account_id, hash("three"), new_year)),
            problem::kind::not_found);
  EXPECT_EQ(second_factor::use_recovery_code(*db_, who.account_id, hash("two"), new_year), 0);
}

TEST_P(second_factor_test, new_codes_take_the_place_of_old_ones_and_other_sessions_end) {
  const auto who = make("a@x");
  open_session(who, "here");
  open_session(who, "there");
  ASSERT_TRUE(second_factor::set(*db_, who.account_id, "sealed", 1, {hash("one")}, hash("here"), "test", new_year));
  EXPECT_TRUE(is_signed_in("here"));
  EXPECT_FALSE(is_signed_in("there"));
  ASSERT_TRUE(
      second_factor::set(*db_, who.account_id, "sealed again", 2, {hash("two")}, hash("here"), "test", new_year));
  EXPECT_FALSE(second_factor::use_recovery_code(*db_, who.account_id, hash("one"), new_year));
  EXPECT_EQ(accounts::find(*db_, who.account_id)->totp_secret, "sealed again");
  const auto off = second_factor::remove(*db_, who.account_id, "test", new_year);
  ASSERT_TRUE(off);
  EXPECT_EQ(off->totp_secret, std::nullopt);
  EXPECT_EQ(second_factor::recovery_codes_left(*db_, who.account_id), 0);
  const std::vector<std::string> many(second_factor::recovery_codes_max + 1, hash("x"));
  EXPECT_EQ(refusal(second_factor::set(*db_, who.account_id, "s", 1, many, "", "test", new_year)),
            problem::kind::invalid);
}

} // namespace
} // namespace lyceum::storage::test
