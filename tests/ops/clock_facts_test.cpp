// SPDX-License-Identifier: Apache-2.0
// What operators are told by mail, and the words of what is done to accounts.
#include "ops/account_commands.hpp"
#include "ops/clock.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using supervision::node_state;
using supervision::node_view;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const auto noon = from_micros(1'735'732'800'000'000); // 2025-01-01T12:00:00Z

node_view node(std::string path, node_state state, std::string note = {}) {
  node_view made;
  made.path = std::move(path);
  made.state = state;
  made.note = std::move(note);
  return made;
}
supervision::crash spent(std::string path, unix_time at) {
  supervision::crash made;
  made.at = at;
  made.kind = "budget_spent";
  made.path = std::move(path);
  return made;
}
std::vector<std::string> kinds(const std::vector<trouble>& of) {
  std::vector<std::string> all;
  for (const auto& one : of)
    all.push_back(one.kind);
  return all;
}

TEST(degraded_parts_test, what_is_well_is_no_trouble) {
  EXPECT_THAT(degraded_parts({node("site", node_state::running), node("cache", node_state::restarting),
                              node("mail", node_state::stopped), node("web", node_state::suspended)},
                             {}, noon),
              IsEmpty());
}

TEST(degraded_parts_test, a_subsystem_is_one_trouble_however_many_of_its_parts_are_away) {
  const auto all = degraded_parts({node("storage", node_state::degraded, "others answer 503"),
                                   node("storage/db-1", node_state::down), node("cache/encoder", node_state::degraded)},
                                  {spent("storage/db-1", noon - 5s)}, noon);
  EXPECT_THAT(kinds(all), ElementsAre("degraded:storage", "degraded:cache"));
  EXPECT_EQ(all[0].what, "storage is degraded");
  EXPECT_THAT(all[0].detail, HasSubstr("Learners notice: others answer 503."));
  EXPECT_EQ(all[0].since, noon - 5s) << "when its budget was spent";
}

TEST(degraded_parts_test, a_budget_that_was_spent_is_told_though_the_part_runs_again) {
  const std::vector<node_view> well{node("mail", node_state::running)};
  EXPECT_THAT(kinds(degraded_parts(well, {spent("mail/outbox", noon - 59s)}, noon)), ElementsAre("degraded:mail"));
  EXPECT_THAT(degraded_parts(well, {spent("mail/outbox", noon - 61s)}, noon), IsEmpty()) << "long ago";
  EXPECT_THAT(degraded_parts(well, {spent("mail/outbox", noon + 1h)}, noon), IsEmpty()) << "by a clock that was ahead";
  auto other = spent("mail/outbox", noon);
  other.kind = "crash";
  EXPECT_THAT(degraded_parts(well, {other}, noon), IsEmpty());
}

boost::json::object said(const daily_facts& of) {
  return boost::json::parse(all_well_details(of)).as_object();
}

TEST(all_well_test, a_good_day_has_figures_and_no_trouble) {
  daily_facts facts;
  facts.day = 20'784; // 2026-11-27
  facts.school.accounts = 12;
  facts.school.mails_sent = 31;
  facts.school.bytes = 5 << 20;
  facts.disk_all = 100;
  facts.disk_free = 10;
  facts.uptime = 3h;
  facts.version = "0.1.0";
  facts.link = "https://school.example/ops";
  const auto all = said(facts);
  EXPECT_EQ(all.at("period"), "2026-11-26") << "of the day before";
  EXPECT_THAT(all.at("trouble").as_array(), SizeIs(0));
  const auto text = boost::json::serialize(all);
  for (const auto* part : {R"("Members","value":"12")", R"("Mails sent in 24 hours","value":"31")",
                           R"("Database","value":"5.0 MiB")", R"("Version","value":"0.1.0")", R"("value":"3 h")"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("Oldest")));
}

TEST(all_well_test, what_is_wrong_is_said_in_words) {
  daily_facts facts;
  facts.trouble = {"storage is degraded"};
  facts.disk_all = 1000;
  facts.disk_free = 99;
  facts.school.mails_failed = 2;
  facts.crashes = 3;
  facts.now = noon;
  facts.school.oldest_waiting = noon - 20min;
  const auto all = said(facts);
  const auto& lines = all.at("trouble").as_array();
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines[0], "storage is degraded");
  EXPECT_EQ(lines[1], "The disk is 91 % full");
  EXPECT_THAT(std::string(lines[2].as_string()), HasSubstr("2 mails failed"));
  EXPECT_THAT(std::string(lines[3].as_string()), HasSubstr("3 crash reports"));
  EXPECT_THAT(boost::json::serialize(all), HasSubstr(R"("Oldest mail that waits","value":"20 min")"));
}

using words = std::vector<std::string>;

TEST(account_order_test, each_act_is_read_from_its_words) {
  const auto grant = std::get<account_order>(parse_account_order({"grant", "7", "pro", "2027-01-01", "thanks"}));
  EXPECT_EQ(grant.account_id, 7);
  EXPECT_EQ(grant.plan + grant.until + grant.note, "pro2027-01-01thanks");
  EXPECT_EQ(std::get<account_order>(parse_account_order({"revoke", "7", "8"})).target, 8);
  EXPECT_EQ(std::get<account_order>(parse_account_order({"end_session", "7", "8"})).what,
            account_order::verb::end_session);
  EXPECT_EQ(std::get<account_order>(parse_account_order({"end_sessions", "7"})).what,
            account_order::verb::end_sessions);
}

TEST(account_order_test, other_words_are_refused) {
  for (const auto& wrong :
       {words{}, words{"delete", "7"}, words{"grant"}, words{"grant", "7", "pro"}, words{"grant", "0", "pro", "", ""},
        words{"grant", "7", "", "", ""}, words{"grant", "7", std::string(65, 'x'), "", ""},
        words{"grant", "7", "pro", "", std::string(201, 'x')}, words{"revoke", "7", "x"}, words{"revoke", "7", "-1"},
        words{"revoke", "7"}, words{"end_session", "7"}, words{"end_sessions", "7", "8"}, words{"end_sessions", "x"}})
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_account_order(wrong)));
}

} // namespace
} // namespace lyceum
