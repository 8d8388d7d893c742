// SPDX-License-Identifier: Apache-2.0
#include "people.hpp"

#include "storage/grants.hpp"
#include "storage/second_factor.hpp"
#include "storage/sign_in_limits.hpp"

#include <gmock/gmock.h>

namespace lyceum::storage::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

class grants_test : public people_test {
protected:
  grant give(const account& who, std::string plan, std::optional<unix_time> until = {}, unix_time from = new_year) {
    return grants::give(*db_, {who.account_id, std::move(plan), "gift", "note", from, until}, "test", new_year).value();
  }
  bool reads(const account& who, std::string_view what, unix_time now = new_year) {
    return may_read(grants::entitlement_at(*db_, who.account_id, now)->may, *parse_access(what));
  }
};
ON_BOTH_ENGINES(grants_test);

TEST_P(grants_test, a_grant_opens_its_plan_for_its_time) {
  const auto who = make("a@x");
  EXPECT_FALSE(reads(who, "plan:pro"));
  EXPECT_TRUE(tells_of(who.account_id, [&] { give(who, "pro", new_year + 24h, new_year + 1h); }));
  EXPECT_FALSE(reads(who, "plan:pro", new_year + 1h - 1us));
  EXPECT_TRUE(reads(who, "plan:pro", new_year + 1h));
  EXPECT_TRUE(reads(who, "paid", new_year + 1h));
  EXPECT_FALSE(reads(who, "plan:other", new_year + 1h));
  EXPECT_TRUE(reads(who, "plan:pro", new_year + 24h - 1us));
  EXPECT_FALSE(reads(who, "plan:pro", new_year + 24h));
  EXPECT_EQ(grants::entitlement_at(*db_, who.account_id, new_year)->until, new_year + 1h);
  EXPECT_EQ(grants::entitlement_at(*db_, who.account_id, new_year + 2h)->until, new_year + 24h);
  EXPECT_EQ(refusal(grants::entitlement_at(*db_, 1, new_year)), problem::kind::not_found);
}

TEST_P(grants_test, a_revoked_grant_ends_at_once_and_is_told) {
  const auto who = make("a@x");
  const auto given = give(who, "pro");
  EXPECT_TRUE(reads(who, "plan:pro"));
  EXPECT_TRUE(tells_of(who.account_id,
                       [&] { EXPECT_EQ(grants::revoke(*db_, given.grant_id, "test", new_year)->revoked_by, "test"); }));
  EXPECT_FALSE(reads(who, "plan:pro"));
  EXPECT_EQ(refusal(grants::revoke(*db_, given.grant_id, "test", new_year)), problem::kind::conflict);
  EXPECT_EQ(refusal(grants::revoke(*db_, given.grant_id + 1, "test", new_year)), problem::kind::not_found);
  EXPECT_THAT(actions_of(who.account_id), ElementsAre("revoked", "granted", "made"));
}

TEST_P(grants_test, of_many_that_revoke_one_grant_at_once_one_does) {
  const auto given = give(make("a@x"), "pro");
  EXPECT_EQ(at_once(4, [&](db& mine) { return grants::revoke(mine, given.grant_id, "test", new_year).has_value(); }),
            1);
}

TEST_P(grants_test, revoking_a_plan_takes_all_its_grants_and_no_other) {
  const auto who = make("a@x");
  const auto other = make("b@x");
  give(who, "pro");
  give(who, "pro", new_year + 24h, new_year + 1h);
  give(who, "talks");
  give(other, "pro");
  EXPECT_EQ(grants::revoke_plan(*db_, who.account_id, "pro", "test", new_year)->size(), 2u);
  EXPECT_FALSE(reads(who, "plan:pro", new_year + 2h));
  EXPECT_TRUE(reads(who, "plan:talks"));
  EXPECT_TRUE(reads(other, "plan:pro"));
  EXPECT_EQ(refusal(grants::revoke_plan(*db_, who.account_id, "pro", "test", new_year)), problem::kind::not_found);
}

TEST_P(grants_test, what_makes_no_sense_is_refused_and_writes_nothing) {
  const auto who = make("a@x");
  const auto refused = [&](std::string plan, std::string source, std::optional<unix_time> until, id whose) {
    return refusal(
        grants::give(*db_, {whose, std::move(plan), std::move(source), "", new_year, until}, "test", new_year));
  };
  EXPECT_EQ(refused("", "gift", {}, who.account_id), problem::kind::invalid);
  EXPECT_EQ(refused(std::string(65, 'x'), "gift", {}, who.account_id), problem::kind::invalid);
  EXPECT_EQ(refused("pro", "", {}, who.account_id), problem::kind::invalid);
  EXPECT_EQ(refused("pro", "gift", new_year, who.account_id), problem::kind::invalid);
  EXPECT_EQ(refused("pro", "gift", {}, 1), problem::kind::not_found);
  EXPECT_TRUE(grants::list(*db_, who.account_id).empty());
}

TEST_P(grants_test, an_end_by_time_is_noted_once) {
  const auto who = make("a@x");
  const auto first = give(who, "pro", new_year + 1h);
  const auto second = give(who, "talks", new_year + 2h);
  give(who, "later", new_year + 24h);
  const auto revoked = give(who, "gone", new_year + 1h);
  ASSERT_TRUE(grants::revoke(*db_, revoked.grant_id, "test", new_year));
  EXPECT_TRUE(grants::note_ended(*db_, new_year + 1h - 1us).empty());
  EXPECT_EQ(grants::note_ended(*db_, new_year + 3h, 1).size(), 1u) << "no more than it was told";
  EXPECT_TRUE(tells_of(who.account_id, [&] {
    const auto rest = grants::note_ended(*db_, new_year + 3h);
    ASSERT_EQ(rest.size(), 1u);
    EXPECT_EQ(rest[0].grant_id, second.grant_id);
  }));
  EXPECT_TRUE(grants::note_ended(*db_, new_year + 3h).empty());
  EXPECT_THAT(actions_of(who.account_id), Contains("grant_ended").Times(2));
  EXPECT_EQ(grants::list(*db_, who.account_id).front().grant_id, first.grant_id);
}

TEST_P(grants_test, with_each_end_more_is_written_or_nothing_at_all) {
  const auto ann = make("ann@x");
  const auto ben = make("ben@x");
  give(ann, "pro", new_year + 1h);
  give(ben, "talks", new_year + 2h);
  const auto refuses = [](db&, const grant&, const account& owner) {
    if (owner.address == "ben@x")
      throw std::runtime_error("no mail");
  };
  EXPECT_THROW(grants::note_ended(*db_, new_year + 3h, 500, refuses), std::runtime_error);
  EXPECT_THAT(actions_of(ann.account_id), ::testing::Not(Contains("grant_ended"))) << "all of it, or none";
  std::vector<std::string> told;
  const auto tells = [&](db& in, const grant& ended, const account& owner) {
    EXPECT_TRUE(in.in_transaction());
    told.push_back(owner.address + " " + ended.plan);
  };
  grants::note_ended(*db_, new_year + 3h, 500, tells);
  EXPECT_THAT(told, ::testing::UnorderedElementsAre("ann@x pro", "ben@x talks"));
  grants::note_ended(*db_, new_year + 3h, 500, tells);
  EXPECT_EQ(told.size(), 2u) << "each once";
}

TEST_P(grants_test, staff_and_suspended_ones_are_what_their_account_says) {
  const auto author = make("a@x", account_role::author);
  EXPECT_FALSE(reads(author, "plan:any")) << "no second factor yet";
  ASSERT_TRUE(second_factor::set(*db_, author.account_id, "sealed", 1, {}, "", "test", new_year));
  EXPECT_TRUE(reads(author, "plan:any"));
  give(author, "pro");
  ASSERT_TRUE(accounts::suspend(*db_, author.account_id, "", "test", new_year));
  EXPECT_FALSE(reads(author, "members"));
}

namespace limits_of = sign_in_limits;

class sign_in_limits_test : public people_test {
protected:
  static std::vector<limits_of::key> keys(std::string address, std::string peer) {
    return {{limits_of::scope::account, "sign_in", std::move(address)},
            {limits_of::scope::peer, "sign_in", std::move(peer)}};
  }
  std::chrono::seconds wait(const std::string& address, const std::string& peer, unix_time now = new_year) {
    return limits_of::wait_before_trying(*db_, keys(address, peer), now);
  }
  void fail(const std::string& address, const std::string& peer, unix_time now = new_year) {
    limits_of::note_failure(*db_, keys(address, peer), now);
  }
};
ON_BOTH_ENGINES(sign_in_limits_test);

TEST_P(sign_in_limits_test, eight_failures_block_the_account_from_everywhere_and_no_other) {
  for (int i = 0; i < 7; ++i)
    fail("a@x", "peer " + std::to_string(i));
  EXPECT_EQ(wait("a@x", "peer"), 0s);
  fail("a@x", "peer");
  EXPECT_EQ(wait("a@x", "another"), 10min);
  EXPECT_EQ(wait("b@x", "another"), 0s);
  EXPECT_EQ(wait("a@x", "another", new_year + 10min), 0s);
  fail("a@x", "peer", new_year + 10min);
  EXPECT_EQ(wait("a@x", "another", new_year + 10min), 20min);
}

TEST_P(sign_in_limits_test, twenty_failures_block_the_peer_whatever_the_account) {
  for (int i = 0; i < 19; ++i)
    fail("account " + std::to_string(i), "peer");
  EXPECT_EQ(wait("new", "peer"), 0s);
  fail("account", "peer");
  EXPECT_EQ(wait("new", "peer"), 10min);
  EXPECT_EQ(wait("new", "another"), 0s);
}

TEST_P(sign_in_limits_test, ninety_nine_an_hour_are_for_all_together) {
  const std::vector<limits_of::key> everyone{{limits_of::scope::everyone, "ask", ""}};
  for (int i = 0; i < 99; ++i)
    EXPECT_EQ(limits_of::begin_try(*db_, everyone, new_year), 0s);
  EXPECT_EQ(limits_of::begin_try(*db_, everyone, new_year + 10min), 50min);
  EXPECT_EQ(limits_of::begin_try(*db_, everyone, new_year + 1h), 0s);
}

TEST_P(sign_in_limits_test, each_act_is_counted_by_itself) {
  const std::vector<limits_of::key> other{{limits_of::scope::account, "ask", "a@x"}};
  for (int i = 0; i < 8; ++i)
    fail("a@x", "peer");
  EXPECT_EQ(limits_of::wait_before_trying(*db_, other, new_year), 0s);
}

TEST_P(sign_in_limits_test, trying_in_parallel_gains_no_try) {
  const auto both = keys("a@x", "peer");
  EXPECT_EQ(at_once(14, [&](db& mine) { return limits_of::begin_try(mine, both, new_year) == 0s; }), 8);
  EXPECT_GT(wait("a@x", "another"), 0s);
}

TEST_P(sign_in_limits_test, a_refused_try_is_not_counted) {
  for (int i = 0; i < 8; ++i)
    fail("a@x", "peer " + std::to_string(i));
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(limits_of::begin_try(*db_, keys("a@x", "peer"), new_year), 10min);
  EXPECT_EQ(wait("b@x", "peer"), 0s) << "the peer was refused, and did not fail";
  EXPECT_EQ(wait("a@x", "peer", new_year + 10min), 0s);
}

TEST_P(sign_in_limits_test, a_success_forgives_the_account_and_one_failure_of_the_peer) {
  for (int i = 0; i < 19; ++i)
    fail("account " + std::to_string(i), "peer");
  EXPECT_EQ(limits_of::begin_try(*db_, keys("a@x", "peer"), new_year), 0s);
  EXPECT_EQ(wait("b@x", "peer"), 10min) << "the twentieth, as long as it is not known how it ends";
  limits_of::forgive(*db_, keys("a@x", "peer"));
  EXPECT_EQ(wait("b@x", "peer"), 0s);
  fail("c@x", "peer");
  EXPECT_EQ(wait("b@x", "peer"), 10min) << "the other nineteen are remembered";
  for (int i = 0; i < 7; ++i)
    fail("d@x", "other " + std::to_string(i));
  limits_of::forgive(*db_, keys("d@x", "other"));
  fail("d@x", "other");
  EXPECT_EQ(wait("d@x", "another"), 0s);
}

TEST_P(sign_in_limits_test, it_outlives_the_connection_and_names_nobody) {
  static constexpr query stored{"test.stored_keys", "SELECT COUNT(*) FROM sign_in_limits WHERE key LIKE '%a@x%'"};
  static constexpr query all{"test.all_keys", "SELECT COUNT(*) FROM sign_in_limits"};
  for (int i = 0; i < 8; ++i)
    fail("a@x", "peer");
  db_ = connect();
  EXPECT_EQ(wait("a@x", "another"), 10min);
  EXPECT_EQ(count(stored), 0);
  EXPECT_EQ(count(all), 2);
}

TEST_P(sign_in_limits_test, what_is_forgotten_is_deleted_and_nothing_else) {
  for (int i = 0; i < 8; ++i)
    fail("a@x", "peer");
  EXPECT_EQ(limits_of::remove_expired(*db_, new_year + 1h - 1us), 0);
  EXPECT_EQ(limits_of::remove_expired(*db_, new_year + 1h), 1) << "the peer, who is below his twenty";
  EXPECT_EQ(limits_of::remove_expired(*db_, new_year + 70min), 1);
}

} // namespace
} // namespace lyceum::storage::test
