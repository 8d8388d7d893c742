// SPDX-License-Identifier: Apache-2.0
// What is written with a verb, as the mail that tells of it: with it or not at all.
#include "people.hpp"

#include "storage/grants.hpp"
#include "storage/outbox.hpp"
#include "storage/second_factor.hpp"

#include <gmock/gmock.h>
#include <stdexcept>

namespace lyceum::storage::test {
namespace {

constexpr query count_mails{"test.count_mails", "SELECT COUNT(*) FROM mail_outbox"};

class also_test : public people_test {
protected:
  void put(db& on, const std::string& address, std::string cause) {
    mail_draft draft;
    draft.recipient = address;
    draft.template_name = "told";
    draft.cause = std::move(cause);
    draft.language = "en";
    ASSERT_TRUE(outbox::put(on, draft, "school.example", new_year));
  }
  also_of<account> telling() {
    return [this](db& on, const account& who) { put(on, who.address, "mail " + std::to_string(++mails_)); };
  }
  static also_of<account> failing() {
    return [](db&, const account&) { throw std::runtime_error("no mail"); };
  }
  std::int64_t mails() { return count(count_mails); }
  account now_of(const account& who) { return accounts::find(*db_, who.account_id).value(); }

  int mails_ = 0;
};
ON_BOTH_ENGINES(also_test);

TEST_P(also_test, a_password_is_not_set_where_its_mail_cannot_be_written) {
  const auto who = make("a@x.example");
  EXPECT_THROW(accounts::set_password_hash(*db_, who.account_id, "hash", "", "test", new_year, failing()),
               std::runtime_error);
  EXPECT_FALSE(now_of(who).password_hash);
  EXPECT_TRUE(accounts::set_password_hash(*db_, who.account_id, "hash", "", "test", new_year, telling()));
  EXPECT_THROW(accounts::remove_password(*db_, who.account_id, "", "test", new_year, failing()), std::runtime_error);
  EXPECT_EQ(now_of(who).password_hash, "hash");
  EXPECT_TRUE(accounts::remove_password(*db_, who.account_id, "", "test", new_year, telling()));
  EXPECT_EQ(mails(), 2);
  EXPECT_EQ(refusal(accounts::set_password_hash(*db_, who.account_id + 1, "hash", "", "test", new_year, telling())),
            problem::kind::not_found);
  EXPECT_EQ(mails(), 2) << "nothing is told where nothing was done";
}

TEST_P(also_test, an_account_is_told_of_its_end_at_the_address_that_it_had) {
  const auto who = make("a@x.example");
  EXPECT_THROW(accounts::remove(*db_, who.account_id, "test", new_year, failing()), std::runtime_error);
  EXPECT_TRUE(accounts::find(*db_, who.account_id));
  EXPECT_TRUE(accounts::remove(*db_, who.account_id, "test", new_year, telling()));
  EXPECT_EQ(outbox::list(*db_, {}).at(0).what.recipient, "a@x.example");
}

TEST_P(also_test, a_second_factor_is_turned_on_and_off_with_its_mail) {
  const auto who = make("a@x.example");
  EXPECT_THROW(second_factor::set(*db_, who.account_id, "sealed", 1, {}, "", "test", new_year, failing()),
               std::runtime_error);
  EXPECT_FALSE(now_of(who).totp_secret);
  EXPECT_TRUE(second_factor::set(*db_, who.account_id, "sealed", 1, {}, "", "test", new_year, telling()));
  EXPECT_THROW(second_factor::remove(*db_, who.account_id, "test", new_year, failing()), std::runtime_error);
  EXPECT_TRUE(now_of(who).totp_secret);
  EXPECT_TRUE(second_factor::remove(*db_, who.account_id, "test", new_year, telling()));
  EXPECT_EQ(mails(), 2);
}

TEST_P(also_test, other_recovery_codes_stand_in_the_place_of_the_old_ones) {
  const auto who = make("a@x.example");
  const auto replace = [&](const std::vector<std::string>& codes) {
    return second_factor::replace_recovery_codes(*db_, who.account_id, codes, "test", new_year);
  };
  EXPECT_EQ(refusal(replace({hash("new")})), problem::kind::conflict) << "there is no second factor";
  ASSERT_TRUE(
      second_factor::set(*db_, who.account_id, "sealed", 7, {hash("old"), hash("older")}, "", "test", new_year));
  EXPECT_EQ(refusal(replace(std::vector<std::string>(21, hash("x")))), problem::kind::invalid);
  EXPECT_TRUE(tells_of(who.account_id, [&] { EXPECT_TRUE(replace({hash("new")})); }));
  EXPECT_EQ(second_factor::recovery_codes_left(*db_, who.account_id), 1);
  EXPECT_FALSE(second_factor::use_recovery_code(*db_, who.account_id, hash("old"), new_year));
  EXPECT_TRUE(second_factor::use_recovery_code(*db_, who.account_id, hash("new"), new_year));
  EXPECT_EQ(now_of(who).totp_step, 7) << "a code of the authenticator that was used stays used";
  EXPECT_EQ(refusal(second_factor::replace_recovery_codes(*db_, 1, {}, "test", new_year)), problem::kind::not_found);
}

TEST_P(also_test, a_password_is_kept_by_another_hash_only_where_it_is_still_the_same) {
  const auto who = make("a@x.example");
  EXPECT_EQ(refusal(accounts::rehash_password(*db_, who.account_id, "", "new")), problem::kind::conflict);
  ASSERT_TRUE(accounts::set_password_hash(*db_, who.account_id, "old", "", "test", new_year));
  const auto before = now_of(who);
  open_session(before, "token");
  EXPECT_EQ(refusal(accounts::rehash_password(*db_, who.account_id, "other", "new")), problem::kind::conflict);
  EXPECT_TRUE(accounts::rehash_password(*db_, who.account_id, "old", "new"));
  EXPECT_EQ(now_of(who).password_hash, "new");
  EXPECT_TRUE(is_signed_in("token")) << "nobody is signed out by it";
  EXPECT_EQ(now_of(who).sign_in_epoch, before.sign_in_epoch);
}

TEST_P(also_test, a_grant_is_given_and_taken_with_its_mail) {
  const auto who = make("a@x.example");
  const auto tell = [&](db& on, const grant& g) {
    put(on, who.address, "grant " + std::to_string(g.grant_id) + g.revoked_by);
  };
  const auto fails = [](db&, const grant&) { throw std::runtime_error("no mail"); };
  const grants::gift pro{who.account_id, "pro", "gift", "", new_year, std::nullopt};
  EXPECT_THROW(grants::give(*db_, pro, "test", new_year, fails), std::runtime_error);
  EXPECT_TRUE(grants::list(*db_, who.account_id).empty());
  const auto one = grants::give(*db_, pro, "test", new_year, tell);
  ASSERT_TRUE(one && grants::give(*db_, pro, "test", new_year, tell));
  EXPECT_THROW(grants::revoke(*db_, one->grant_id, "test", new_year, fails), std::runtime_error);
  EXPECT_TRUE(grants::revoke(*db_, one->grant_id, "test", new_year, tell));
  ASSERT_TRUE(grants::give(*db_, pro, "test", new_year));
  EXPECT_THROW(grants::revoke_plan(*db_, who.account_id, "pro", "test", new_year, fails), std::runtime_error);
  EXPECT_EQ(grants::revoke_plan(*db_, who.account_id, "pro", "test", new_year, tell)->size(), 2u);
  EXPECT_EQ(mails(), 5) << "two given, one taken, and each of the last two";
}

TEST_P(also_test, a_line_of_history_goes_with_what_it_tells_of) {
  const auto who = make("a@x.example");
  const auto ask = [&](std::string_view name, bool fails) {
    return sign_in::ask(*db_, wish_of("a@x.example", name), new_year, [&](db& on) {
      accounts::note(on, who.account_id, "link_made", "", "command:ann", new_year);
      if (fails)
        throw std::runtime_error("no");
    });
  };
  EXPECT_THROW(std::ignore = ask("one", true), std::runtime_error);
  EXPECT_THAT(actions_of(who.account_id), ::testing::ElementsAre("made"));
  EXPECT_TRUE(ask("two", false));
  EXPECT_THAT(actions_of(who.account_id), ::testing::ElementsAre("link_made", "made"));
  EXPECT_EQ(accounts::list_events(*db_, who.account_id, 1).at(0).actor, "command:ann");
}

TEST_P(also_test, a_first_sign_in_is_told_of_and_whether_the_asking_browser_used_it) {
  ASSERT_TRUE(sign_in::ask(*db_, wish_of("a@x.example", "one"), new_year));
  EXPECT_THROW(sign_in::use_link(*db_, hash("one"), hash("browser"), false, new_year,
                                 [](db&, const sign_in::outcome&) { throw std::runtime_error("no mail"); }),
               std::runtime_error);
  EXPECT_TRUE(sign_in::find(*db_, hash("one"), new_year)) << "the link is not used up";
  EXPECT_EQ(refusal(accounts::find_by_address(*db_, "a@x.example")), problem::kind::not_found);
  int told = 0;
  const auto tell = [&](db&, const sign_in::outcome& done) {
    ++told;
    EXPECT_EQ(done.who.address, "a@x.example");
  };
  const auto elsewhere = sign_in::use_link(*db_, hash("one"), hash("another"), true, new_year, tell);
  ASSERT_TRUE(elsewhere);
  EXPECT_TRUE(elsewhere->made);
  EXPECT_FALSE(elsewhere->asked_here);
  ASSERT_TRUE(sign_in::ask(*db_, wish_of("a@x.example", "two"), new_year));
  const auto here = sign_in::use_code(*db_, sign_in::purpose::sign_in, "a@x.example", hash("browser"), hash("code two"),
                                      new_year, tell);
  ASSERT_TRUE(here);
  EXPECT_TRUE(here->asked_here);
  EXPECT_EQ(told, 2);
}

TEST_P(also_test, who_moves_is_told_of_at_the_address_before) {
  const auto who = make("a@x.example");
  ASSERT_TRUE(sign_in::ask_change_of_address(*db_,
                                             {who.account_id,
                                              "b@x.example",
                                              "en",
                                              hash("browser"),
                                              {hash("old"), hash("old code")},
                                              {hash("new"), hash("new code")}},
                                             new_year));
  const auto tell = [&](db& on, const sign_in::outcome& done) {
    if (done.changed)
      put(on, done.address_before, "moved to " + done.who.address);
  };
  ASSERT_TRUE(sign_in::use_link(*db_, hash("old"), hash("browser"), false, new_year, tell));
  EXPECT_EQ(mails(), 0);
  EXPECT_TRUE(tells_of(who.account_id, [&] {
    EXPECT_TRUE(sign_in::use_link(*db_, hash("new"), hash("browser"), false, new_year, tell)->changed);
  }));
  const auto told = outbox::list(*db_, {});
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].what.recipient, "a@x.example");
  EXPECT_EQ(told[0].what.cause, "moved to b@x.example");
}

} // namespace
} // namespace lyceum::storage::test
