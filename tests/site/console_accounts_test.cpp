// SPDX-License-Identifier: Apache-2.0
// Accounts in the console, in octets: what a browser would never send, too.
#include "tests/site/console_visitor.hpp"

#include "storage/accounts.hpp"
#include "storage/grants.hpp"
#include "storage/outbox.hpp"
#include "storage/sessions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace lyceum::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// On SQLite, and on PostgreSQL where there is one.
struct console_accounts : ::testing::TestWithParam<bool> {
  const scratch place;
  std::optional<server> school;
  std::unique_ptr<storage::db> db;
  std::optional<console_visitor> visitor;
  account ann;

  void SetUp() override {
    std::string database;
    if (GetParam() && (database = fresh_postgres()).empty())
      GTEST_SKIP() << "no PostgreSQL: tests/peers/postgres.sh run ctest … starts one";
    school.emplace(server::options{.content = sample_school(), .database = database, .data = place / "data"});
    ASSERT_TRUE(school->ready()) << school->log();
    ASSERT_TRUE(eventually([&] { return school->get("/").status == 200; }, 10s));
    db = storage::open(database.empty() ? "sqlite:" + (place / "data/lyceum.db").string() : database,
                       storage::mode::writes);
    ann = storage::accounts::make(*db, {"ann@example.com", "Ann <b>"}, "test", now_utc()).value();
    for (const char end : {'1', '2'})
      ASSERT_TRUE(storage::sessions::open(*db,
                                          {ann.account_id, ann.sign_in_epoch, std::string(63, 'a') + end, false,
                                           std::string("Firefox ") + end, "203.0.113.x"},
                                          now_utc()));
    visitor.emplace(*school);
  }
  answer post(const std::string& path, const std::string& body, std::vector<std::string> headers = {}) {
    return visitor->post(path, body, std::move(headers));
  }
  answer look(const std::string& path) { return visitor->look(path); }
  answer look() { return look("/ops/accounts?id=" + std::to_string(ann.account_id)); }
  std::string act(const std::string& what) const {
    return csrf() + "&id=" + std::to_string(ann.account_id) + "&" + what;
  }
  std::string csrf() const { return visitor->csrf; }
  std::vector<grant> grants() { return storage::grants::list(*db, ann.account_id); }
  std::size_t sessions() { return storage::sessions::list(*db, ann.account_id, now_utc()).size(); }
};
INSTANTIATE_TEST_SUITE_P(engines, console_accounts, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "postgresql" : "sqlite"; });

TEST_P(console_accounts, an_account_is_found_by_its_address_and_no_log_holds_it) {
  EXPECT_THAT(look("/ops").body, HasSubstr("/ops/accounts"));
  const auto found = post("/ops/accounts", csrf() + "&address=Ann%40Example.com");
  EXPECT_EQ(found.status, 303);
  EXPECT_EQ(found.field("Location"), "/ops/accounts?id=" + std::to_string(ann.account_id));
  const auto page = look(found.field("Location"));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.field("Cache-Control"), "no-store");
  for (const auto* part :
       {"ann@example.com", "Ann &lt;b&gt;", "Firefox 1", "203.0.113.x", "what is public and for members"})
    EXPECT_THAT(page.body, HasSubstr(part));
  const auto none = post("/ops/accounts", csrf() + "&address=ben%40example.com");
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.body, HasSubstr("There is no such account."));
  for (const auto* id : {"1", "x", "", "-1", "99999999999999999999"})
    EXPECT_EQ(look(std::string("/ops/accounts?id=") + id).status, 404) << id;
  EXPECT_THAT(read_file(school->data() / "log" / "access.jsonl"), Not(HasSubstr("example.com")));
  EXPECT_THAT(school->log(), Not(HasSubstr("ann@example.com")));
}

TEST_P(console_accounts, a_grant_is_asked_about_given_once_and_taken_back) {
  const auto asked = post("/ops/accounts/ask", act("op=grant&plan=pro&until=2999-01-01&note=invoice+12"));
  EXPECT_EQ(asked.status, 200);
  EXPECT_THAT(asked.body, HasSubstr("Give pro to ann@example.com?"));
  EXPECT_TRUE(grants().empty()) << "a question gives nothing";
  const auto order =
      act("op=grant&plan=pro&until=2999-01-01&note=invoice+12&form=" + console_visitor::value_of(asked, "form"));
  EXPECT_EQ(post("/ops/accounts/act", order).status, 303);
  EXPECT_EQ(post("/ops/accounts/act", order).status, 303) << "a second click";
  ASSERT_EQ(grants().size(), 1u);
  EXPECT_EQ(grants()[0].plan, "pro");
  EXPECT_EQ(grants()[0].note, "invoice 12");
  EXPECT_TRUE(grants()[0].expires_at.has_value());
  const auto page = look();
  for (const auto* part :
       {"pro is given until 2999-01-01.", "until 2999-01-01 00:00", "invoice 12", "granted", "plans: pro", "Take back"})
    EXPECT_THAT(page.body, HasSubstr(part));
  EXPECT_THAT(look().body, Not(HasSubstr("pro is given"))) << "told once";
  const auto audit = school->ctl({"--json", "audit"}).out;
  for (const auto* part : {"account", "console ", "invoice 12"})
    EXPECT_THAT(audit, HasSubstr(part));

  const auto which = "op=revoke&grant=" + std::to_string(grants()[0].grant_id);
  EXPECT_THAT(post("/ops/accounts/ask", act(which)).body, HasSubstr("Take pro back from ann@example.com?"));
  EXPECT_FALSE(grants()[0].revoked_at);
  EXPECT_EQ(post("/ops/accounts/act", act(which)).status, 303);
  EXPECT_TRUE(grants()[0].revoked_at);

  // Who was given a plan and who lost it hears of it; the note stays with the operators.
  for (const auto* template_name : {"granted", "grant_ended"}) {
    const auto mails = storage::outbox::list(*db, {.template_name = template_name});
    ASSERT_EQ(mails.size(), 1u) << template_name;
    const auto shown = "/dev/mailbox/" + std::to_string(mails[0].number);
    EXPECT_TRUE(eventually([&] { return school->get(shown).status == 200; }));
    EXPECT_THAT(school->get(shown).body, AllOf(HasSubstr("pro"), Not(HasSubstr("invoice 12"))));
  }
  const auto gone = post("/ops/accounts/ask", act(which));
  EXPECT_EQ(gone.status, 404) << "it is taken back";
  EXPECT_THAT(gone.body, AllOf(HasSubstr("It has no such grant or session any more."), HasSubstr("ann@example.com")));
}

TEST_P(console_accounts, a_grant_beside_another_or_past_its_end_closes_nothing_and_says_so) {
  const auto give = [&](std::optional<unix_time> until) {
    return std::to_string(
        storage::grants::give(*db, {ann.account_id, "pro", "gift", "", now_utc() - 2h, until}, "test", now_utc())
            ->grant_id);
  };
  const auto one = give({}), other = give({});
  EXPECT_THAT(post("/ops/accounts/ask", act("op=revoke&grant=" + one)).body, HasSubstr("by another grant, too"));
  EXPECT_EQ(post("/ops/accounts/act", act("op=revoke&grant=" + one)).status, 303);
  EXPECT_TRUE(storage::outbox::list(*db, {.template_name = "grant_ended"}).empty()) << "it is open still";
  EXPECT_THAT(post("/ops/accounts/ask", act("op=revoke&grant=" + other)).body, HasSubstr("a mail says so"));
  EXPECT_EQ(post("/ops/accounts/act", act("op=revoke&grant=" + other)).status, 303);
  EXPECT_EQ(storage::outbox::list(*db, {.template_name = "grant_ended"}).size(), 1u);
  const auto past = give(now_utc() - 1h);
  EXPECT_EQ(post("/ops/accounts/ask", act("op=revoke&grant=" + past)).status, 404);
}

TEST_P(console_accounts, what_came_of_an_act_is_told_where_it_belongs) {
  const auto ben = storage::accounts::make(*db, {"ben@example.com"}, "test", now_utc()).value();
  EXPECT_EQ(post("/ops/accounts/act", act("op=sign_in_link&form=1")).status, 303);
  for (const auto& elsewhere : {std::string("/ops/accounts"), "/ops/accounts?id=" + std::to_string(ben.account_id),
                                std::string("/ops/mail"), std::string("/ops")})
    EXPECT_THAT(look(elsewhere).body, Not(HasSubstr("/sign-in/link/"))) << elsewhere;
  EXPECT_THAT(look().body, HasSubstr("/sign-in/link/"));
}

TEST_P(console_accounts, all_are_listed_page_by_page_and_by_role) {
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(storage::accounts::make(
        *db,
        {"b" + std::to_string(100 + i) + "@example.com", "", i == 59 ? account_role::author : account_role::learner},
        "test", now_utc()));
  const auto first = look("/ops/accounts");
  EXPECT_EQ(first.status, 200);
  EXPECT_THAT(first.body, AllOf(HasSubstr("ann@example.com"), HasSubstr("Ann &lt;b&gt;"), HasSubstr("b148@"),
                                Not(HasSubstr("b149@"))));
  const auto at = first.body.find("href=\"/ops/accounts?after=");
  ASSERT_NE(at, std::string::npos);
  const auto more = first.body.substr(at + 6, first.body.find('"', at + 6) - at - 6);
  EXPECT_THAT(more, Not(HasSubstr("@")));
  EXPECT_THAT(look(more).body,
              AllOf(HasSubstr("b149@"), HasSubstr("b159@"), Not(HasSubstr("b148@")), Not(HasSubstr("after="))));
  EXPECT_THAT(look("/ops/accounts?role=author").body, AllOf(HasSubstr("b159@"), Not(HasSubstr("b158@"))));
  EXPECT_THAT(look("/ops/accounts?role=operator").body, HasSubstr("There is none."));
  for (const auto* nonsense : {"?role=king", "?after=x", "?after=-1"})
    EXPECT_EQ(look(std::string("/ops/accounts") + nonsense).status, 404) << nonsense;
}

TEST_P(console_accounts, one_is_added_and_deleted_by_who_types_its_address) {
  const std::string ben = csrf() + "&op=add&address=Ben%40Example.com&name=Ben&role=author";
  EXPECT_THAT(post("/ops/accounts/ask", ben).body, AllOf(HasSubstr("Add Ben@Example.com?"), HasSubstr("author")));
  EXPECT_FALSE(storage::accounts::find_by_address(*db, "ben@example.com")) << "a question adds nothing";
  const auto added = post("/ops/accounts/act", ben + "&form=1");
  EXPECT_EQ(added.status, 303);
  EXPECT_EQ(added.field("Location"), "/ops/accounts");
  EXPECT_THAT(look("/ops/accounts").body, HasSubstr("is added."));
  const auto made = storage::accounts::find_by_address(*db, "ben@example.com");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->role, account_role::author);
  EXPECT_EQ(post("/ops/accounts/act", ben + "&form=1").status, 303) << "a second click";
  const auto twice = post("/ops/accounts/act", ben + "&form=2");
  EXPECT_EQ(twice.status, 409);
  EXPECT_THAT(twice.body, HasSubstr("There is an account with that address already."));
  for (const auto* wrong : {"address=ben&name=&role=learner", "address=c%40example.com&name=&role=king",
                            "address=c%40example.com&name=a%0D%0Ab&role=learner", "address=&name=&role="})
    EXPECT_EQ(post("/ops/accounts/act", csrf() + "&op=add&" + wrong).status, 409) << wrong;

  EXPECT_THAT(post("/ops/accounts/ask", act("op=delete")).body,
              AllOf(HasSubstr("Delete ann@example.com for ever?"), HasSubstr("name=\"typed\"")));
  for (const auto* other : {"op=delete&form=3", "op=delete&form=4&typed=ben%40example.com"})
    EXPECT_EQ(post("/ops/accounts/act", act(other)).status, 409) << other;
  EXPECT_TRUE(storage::accounts::find(*db, ann.account_id));
  const auto gone = post("/ops/accounts/act", act("op=delete&form=5&typed=+ANN%40example.com"));
  EXPECT_EQ(gone.status, 303);
  EXPECT_EQ(gone.field("Location"), "/ops/accounts");
  EXPECT_FALSE(storage::accounts::find(*db, ann.account_id));
  EXPECT_EQ(sessions(), 0u);
  EXPECT_THAT(look("/ops/accounts").body, HasSubstr("ann@example.com is deleted."));
  const auto audit = read_file(school->data() / "log" / "audit.jsonl");
  EXPECT_THAT(audit, AllOf(HasSubstr("\"delete\""), HasSubstr("…@example.com")));
  EXPECT_THAT(audit, AllOf(Not(HasSubstr("ann@")), Not(HasSubstr("ANN@")), Not(HasSubstr("Ben@"))));
}

TEST_P(console_accounts, a_link_signs_in_once_and_stands_nowhere_else) {
  EXPECT_THAT(post("/ops/accounts/ask", act("op=sign_in_link")).body, HasSubstr("signs in as ann@example.com?"));
  EXPECT_EQ(post("/ops/accounts/act", act("op=sign_in_link&form=1")).status, 303);
  const auto page = look().body;
  const auto at = page.find("/sign-in/link/");
  ASSERT_NE(at, std::string::npos);
  const auto path = page.substr(at, std::string("/sign-in/link/").size() + 43);
  EXPECT_EQ(school->get(path).status, 200);
  EXPECT_THAT(look().body, Not(HasSubstr("/sign-in/link/"))) << "shown once";
  EXPECT_THAT(look().body, HasSubstr("link_made"));
  const auto token = path.substr(path.rfind('/') + 1);
  for (const auto* log : {"audit.jsonl", "access.jsonl"})
    EXPECT_THAT(read_file(school->data() / "log" / log), Not(HasSubstr(token))) << log;
  ASSERT_TRUE(storage::accounts::suspend(*db, ann.account_id, "test", "test", now_utc()));
  EXPECT_EQ(post("/ops/accounts/act", act("op=sign_in_link&form=2")).status, 409);
}

TEST_P(console_accounts, sessions_end_one_by_one_or_all_at_once) {
  const auto all = storage::sessions::list(*db, ann.account_id, now_utc());
  ASSERT_EQ(all.size(), 2u);
  const auto one = "op=end_session&session=" + std::to_string(all[0].session_id);
  EXPECT_EQ(post("/ops/accounts/ask", act(one)).status, 200);
  EXPECT_EQ(sessions(), 2u);
  EXPECT_EQ(post("/ops/accounts/act", act(one)).status, 303);
  EXPECT_EQ(sessions(), 1u);
  EXPECT_THAT(post("/ops/accounts/ask", act("op=end_sessions")).body, HasSubstr("out everywhere?"));
  EXPECT_EQ(post("/ops/accounts/act", act("op=end_sessions")).status, 303);
  EXPECT_EQ(sessions(), 0u);
  EXPECT_THAT(look().body, HasSubstr("It is signed in nowhere."));
}

TEST_P(console_accounts, what_makes_no_sense_is_told_and_changes_nothing) {
  for (const auto* wrong : {"op=grant&plan=pro&until=2001-01-01&note=", "op=grant&plan=pro&until=soon&note=",
                            "op=grant&plan=&until=&note="}) {
    const auto got = post("/ops/accounts/act", act(wrong));
    EXPECT_EQ(got.status, 409) << wrong;
    EXPECT_THAT(got.body, HasSubstr("role=\"alert\"")) << wrong;
  }
  EXPECT_EQ(post("/ops/accounts/act", act("op=grant&note=&until=&plan=" + std::string(65, 'x'))).status, 409);
  for (const auto* nonsense : {"op=remove", "op=revoke", "op=revoke&grant=x", "op=end_session&session=-1", ""})
    EXPECT_EQ(post("/ops/accounts/act", act(nonsense)).status, 404) << nonsense;
  EXPECT_EQ(post("/ops/accounts/act", csrf() + "&id=1&op=grant&plan=pro").status, 404) << "nobody's";
  const auto ben = storage::accounts::make(*db, {"ben@example.com"}, "test", now_utc()).value();
  const auto his = storage::grants::give(*db, {ben.account_id, "pro", "gift", "", now_utc(), {}}, "test", now_utc());
  EXPECT_EQ(post("/ops/accounts/act", act("op=revoke&grant=" + std::to_string(his->grant_id))).status, 404);
  EXPECT_FALSE(storage::grants::list(*db, ben.account_id)[0].revoked_at) << "somebody else's grant";
  EXPECT_TRUE(grants().empty());
  EXPECT_EQ(sessions(), 2u);
}

TEST_P(console_accounts, nobody_sees_or_does_anything_without_a_session_and_its_token) {
  const auto order = act("op=grant&plan=pro&until=&note=");
  const auto without = order.substr(order.find('&') + 1);
  for (const auto* path : {"/ops/accounts", "/ops/accounts/ask", "/ops/accounts/act"}) {
    EXPECT_EQ(post(path, without).status, 403) << "no token";
    EXPECT_EQ(post(path, "csrf=AAAA&" + without).status, 403);
    EXPECT_EQ(post(path, order, {"Origin: http://evil.example"}).status, 403);
    EXPECT_EQ(post(path, order, {"Sec-Fetch-Site: cross-site"}).status, 403);
  }
  const auto mine = std::exchange(visitor->cookie, "");
  for (const auto* path : {"/ops/accounts", "/ops/accounts/ask", "/ops/accounts/act"})
    EXPECT_EQ(post(path, order).status, 404) << path;
  EXPECT_EQ(school->get("/ops/accounts").status, 404);
  EXPECT_EQ(school->get("/ops/accounts?id=" + std::to_string(ann.account_id)).status, 404);
  visitor->cookie = mine;
  EXPECT_EQ(look("/ops/accounts/act").status, 405) << "looking changes nothing";
  EXPECT_TRUE(grants().empty());
}

TEST_P(console_accounts, while_the_database_is_away_the_console_says_so_and_goes_on) {
  ASSERT_EQ(school->ctl({"stop", "storage"}).status, 0);
  const auto page = look();
  EXPECT_EQ(page.status, 503);
  EXPECT_THAT(page.body, HasSubstr("The database does not answer"));
  EXPECT_EQ(look("/ops/accounts").status, 503);
  EXPECT_EQ(look("/ops").status, 200);
  const auto order = act("op=grant&plan=pro&until=&note=&form=7");
  EXPECT_EQ(post("/ops/accounts/act", order).status, 503);
  ASSERT_EQ(school->ctl({"start", "storage"}).status, 0);
  EXPECT_TRUE(eventually([&] { return look().status == 200; }));
  EXPECT_TRUE(grants().empty());
  // Whoever was told that nobody knows does not give twice by sending the same form again.
  EXPECT_EQ(post("/ops/accounts/act", order).status, 303);
  EXPECT_TRUE(grants().empty());
  EXPECT_EQ(post("/ops/accounts/act", act("op=grant&plan=pro&until=&note=&form=8")).status, 303);
  EXPECT_EQ(grants().size(), 1u);
}

} // namespace
} // namespace lyceum::testing
