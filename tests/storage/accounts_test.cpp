// SPDX-License-Identifier: Apache-2.0
#include "people.hpp"

#include "storage/grants.hpp"
#include "storage/outbox.hpp"
#include "storage/second_factor.hpp"

#include <algorithm>
#include <gmock/gmock.h>

namespace lyceum::storage::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Tables with a column that says whose a row is.
constexpr query tables_of_accounts{"test.tables_of_accounts",
                                   "SELECT table_name FROM information_schema.columns WHERE table_schema = "
                                   "current_schema() AND column_name = 'account_id'",
                                   // SQLite has no information_schema.
                                   "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = "
                                   "'table' AND c.name = 'account_id'"};

class accounts_test : public people_test {
protected:
  static std::vector<std::string> addresses(const std::vector<account>& all) {
    std::vector<std::string> out;
    for (const auto& a : all)
      out.push_back(a.address);
    return out;
  }
  /// An account with a row in every table that can hold one of it.
  account somebody_with_everything() {
    const auto who = make("Ada@Example.org", account_role::author);
    const auto a = accounts::set_password_hash(*db_, who.account_id, "password-hash", "", "test", new_year).value();
    const auto b = second_factor::set(*db_, a.account_id, "sealed-secret", 1, {hash("recovery")}, "", "test", new_year);
    open_session(*b, "token");
    EXPECT_TRUE(grants::give(*db_, {a.account_id, "pro", "paypal", "invoice 7", new_year, {}}, "test", new_year));
    EXPECT_TRUE(sign_in::ask(*db_, wish_of("ada@example.org", "request"), new_year));
    EXPECT_TRUE(sign_in::ask_change_of_address(*db_,
                                               {a.account_id,
                                                "countess@example.org",
                                                "en",
                                                hash("browser"),
                                                {hash("old"), hash("old code")},
                                                {hash("new"), hash("new code")}},
                                               new_year));
    return who;
  }
};
ON_BOTH_ENGINES(accounts_test);

TEST_P(accounts_test, an_account_is_found_however_its_address_is_written) {
  const auto made = make("Ada@Example.org");
  for (const std::string_view address : {"Ada@Example.org", "ada@example.org", "  ADA@EXAMPLE.ORG "})
    EXPECT_EQ(accounts::find_by_address(*db_, address)->account_id, made.account_id) << address;
  EXPECT_EQ(accounts::find(*db_, made.account_id)->address, "Ada@Example.org") << "as it was typed";
  EXPECT_EQ(refusal(accounts::find_by_address(*db_, "bob@example.org")), problem::kind::not_found);
  EXPECT_EQ(refusal(accounts::find(*db_, made.account_id + 1)), problem::kind::not_found);
}

TEST_P(accounts_test, an_address_has_one_account) {
  make("ada@x");
  EXPECT_EQ(refusal(accounts::make(*db_, {"ADA@x", "", account_role::learner, ""}, "test", new_year)),
            problem::kind::conflict);
  EXPECT_EQ(refusal(accounts::make(*db_, {"  ", "", account_role::learner, ""}, "test", new_year)),
            problem::kind::invalid);
  EXPECT_EQ(accounts::list(*db_, "", 10).size(), 1u);
}

TEST_P(accounts_test, the_schema_itself_refuses_what_must_not_be) {
  static constexpr query bad_role{"test.bad_role", "UPDATE accounts SET role = 'admin'"};
  static constexpr query twice{"test.twice", "UPDATE accounts SET address_key = 'same'"};
  make("a@x");
  make("b@x");
  EXPECT_THROW(db_->exec(bad_role), constraint_violation);
  EXPECT_THROW(db_->exec(twice), constraint_violation);
}

TEST_P(accounts_test, they_are_listed_by_address_and_role_from_page_to_page) {
  make("c@x");
  make("A@x", account_role::author);
  make("b@x");
  EXPECT_THAT(addresses(accounts::list(*db_, "", 10)), ElementsAre("A@x", "b@x", "c@x"));
  EXPECT_THAT(addresses(accounts::list(*db_, "", 2)), ElementsAre("A@x", "b@x"));
  EXPECT_THAT(addresses(accounts::list(*db_, "b@x", 2)), ElementsAre("c@x"));
  EXPECT_THAT(addresses(accounts::list(*db_, account_role::author, "", 10)), ElementsAre("A@x"));
  EXPECT_THAT(addresses(accounts::list(*db_, account_role::learner, "b@x", 10)), ElementsAre("c@x"));
}

TEST_P(accounts_test, name_language_and_role_change_and_are_told) {
  const auto who = make("a@x");
  EXPECT_TRUE(tells_of(who.account_id, [&] {
    EXPECT_EQ(accounts::rename(*db_, who.account_id, "Ada", "test", new_year)->name, "Ada");
  }));
  EXPECT_TRUE(tells_of(who.account_id, [&] {
    EXPECT_EQ(accounts::set_language(*db_, who.account_id, "fr", "test", new_year)->language, "fr");
  }));
  EXPECT_TRUE(tells_of(who.account_id, [&] {
    EXPECT_EQ(accounts::set_role(*db_, who.account_id, account_role::operating, "test", new_year)->role,
              account_role::operating);
  }));
  EXPECT_THAT(actions_of(who.account_id), ElementsAre("role_set", "language_set", "renamed", "made"));
  EXPECT_EQ(refusal(accounts::rename(*db_, 1, "x", "test", new_year)), problem::kind::not_found);
}

TEST_P(accounts_test, suspending_twice_changes_nothing_the_second_time) {
  const auto who = make("a@x");
  EXPECT_TRUE(accounts::suspend(*db_, who.account_id, "spam", "test", new_year));
  EXPECT_FALSE(tells_of(who.account_id, [&] {
    EXPECT_EQ(accounts::suspend(*db_, who.account_id, "more", "test", new_year + 1h)->suspended_at, new_year);
  }));
  EXPECT_EQ(refusal(accounts::suspend(*db_, 1, "", "test", new_year)), problem::kind::not_found);
}

TEST_P(accounts_test, the_export_holds_everything_but_hashes_and_secrets) {
  const auto who = somebody_with_everything();
  make("other@example.org");
  const auto all = accounts::export_json(*db_, who.account_id, new_year);
  ASSERT_TRUE(all);
  EXPECT_THAT(*all, HasSubstr(R"("address":"Ada@Example.org")"));
  EXPECT_THAT(*all, HasSubstr(R"("exported_at":"2025-01-01T00:00:00Z")"));
  for (const auto* word : {"invoice 7", "paypal", "countess@example.org", "Firefox", "203.0.113.x", "password_set"})
    EXPECT_THAT(*all, HasSubstr(word));
  for (const auto& secret : {std::string("password-hash"), std::string("sealed-secret"), hash("token"),
                             hash("recovery"), hash("request"), hash("browser"), std::string("other@example.org")})
    EXPECT_THAT(*all, Not(HasSubstr(secret)));
  EXPECT_EQ(refusal(accounts::export_json(*db_, 1, new_year)), problem::kind::not_found);
}

TEST_P(accounts_test, every_table_that_knows_accounts_is_in_the_export_and_empty_after_deletion) {
  const auto who = somebody_with_everything();
  const auto exported = accounts::export_json(*db_, who.account_id, new_year).value();
  auto tables = db_->all(tables_of_accounts, [](const row& r) { return r.text(0); });
  EXPECT_THAT(tables, Contains("sessions"));
  std::erase(tables, "account_changes"); // numbers for nodes: nothing of a person
  ASSERT_TRUE(accounts::remove(*db_, who.account_id, "test", new_year));
  for (const auto& table : tables) {
    EXPECT_THAT(exported, HasSubstr('"' + table + "\":[{")) << "no row of " << table;
    const std::string name = "test.left_in_" + table;
    const std::string text = "SELECT COUNT(*) FROM " + table + " WHERE account_id = $1";
    auto fresh = connect(); // keeps the names of its queries by address
    const auto left = fresh->one(
        query{name, text.c_str()}, [](const row& r) { return r.integer(0); }, who.account_id);
    EXPECT_EQ(left == 0, table != "account_log") << table;
  }
}

TEST_P(accounts_test, deleting_takes_all_with_it_and_leaves_a_history_that_names_nobody) {
  static constexpr query requests{"test.requests_left", "SELECT COUNT(*) FROM sign_in_requests"};
  static constexpr query details{"test.details",
                                 "SELECT COUNT(*) FROM account_log WHERE detail <> '' AND account_id = $1"};
  const auto who = somebody_with_everything();
  const auto other = make("other@x");
  open_session(other, "others");
  EXPECT_TRUE(
      tells_of(who.account_id, [&] { EXPECT_TRUE(accounts::remove(*db_, who.account_id, "command:root", new_year)); }));
  EXPECT_FALSE(accounts::find(*db_, who.account_id));
  EXPECT_FALSE(is_signed_in("token"));
  EXPECT_EQ(count(requests), 0);
  EXPECT_EQ(db_->one(
                details, [](const row& r) { return r.integer(0); }, who.account_id),
            0);
  EXPECT_EQ(actions_of(who.account_id).front(), "deleted");
  EXPECT_TRUE(is_signed_in("others"));
  EXPECT_EQ(refusal(accounts::remove(*db_, who.account_id, "test", new_year)), problem::kind::not_found);
  EXPECT_NE(make("Ada@Example.org").account_id, who.account_id) << "the address is free again, for somebody new";
}

TEST_P(accounts_test, deleting_takes_its_mails_along_but_for_one_that_is_being_sent) {
  const auto who = make("Ada@example.org");
  make("other@example.org");
  const auto put = [&](const std::string& to, const std::string& cause) {
    const mail_draft what{.recipient = to, .template_name = "receipt", .cause = cause, .language = "en"};
    db_->transaction([&] { return outbox::put(*db_, what, "school.example", new_year); }).value();
  };
  put("ada@example.org", "one");
  ASSERT_EQ(outbox::claim(*db_, {.holder = "test"}, new_year).size(), 1u);
  put("ADA@example.org", "two");
  put("other@example.org", "one");
  ASSERT_TRUE(accounts::remove(*db_, who.account_id, "test", new_year, [](db& on, const account& gone) {
    const mail_draft what{
        .recipient = gone.address, .template_name = "account_deleted", .cause = "gone", .language = "en"};
    EXPECT_TRUE(outbox::put(on, what, "school.example", new_year));
  }));
  EXPECT_EQ(outbox::list(*db_, {.recipient = "other@example.org"}).size(), 1u);
  std::set<std::string> left;
  for (const auto& one : outbox::list(*db_, {.recipient = "ada@example.org"}))
    left.insert(one.what.cause);
  EXPECT_THAT(left, ::testing::ElementsAre("gone", "one"));
}

TEST_P(accounts_test, changes_come_in_order_without_gaps) {
  const auto before = account_seq(*db_);
  const auto who = make("a@x");
  const auto other = make("b@x");
  ASSERT_TRUE(accounts::rename(*db_, who.account_id, "A", "test", new_year));
  const auto first = account_changes_since(*db_, before);
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[1].account_id, other.account_id);
  EXPECT_EQ(first[2].seq, first[0].seq + 2);
  EXPECT_EQ(account_seq(*db_), first[2].seq);
  EXPECT_EQ(account_changes_since(*db_, first[0].seq, 1).front().account_id, other.account_id);
  EXPECT_TRUE(account_changes_since(*db_, first[2].seq).empty());
}

TEST_P(accounts_test, listeners_hear_of_a_change_once_it_is_committed) {
  auto listener = connect(mode::reads);
  listener->listen(accounts_channel);
  const auto who = make("a@x");
  if (GetParam() == engine::postgres)
    EXPECT_EQ(listener->wait_notification(5s), std::to_string(account_seq(*db_)));
  else
    EXPECT_EQ(listener->wait_notification(1ms), std::nullopt);
  EXPECT_EQ(account_changes_since(*listener, 0).back().account_id, who.account_id);
}

TEST_P(accounts_test, changes_at_once_are_all_numbered) {
  const auto before = account_seq(*db_);
  std::atomic<int> number = 0;
  EXPECT_EQ(at_once(6,
                    [&](db& mine) {
                      return accounts::make(mine, {std::to_string(number++) + "@x", "", account_role::learner, ""},
                                            "test", new_year)
                          .has_value();
                    }),
            6);
  const auto all = account_changes_since(*db_, before);
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all.back().seq, all.front().seq + 5);
}

using account_migration_test = engine_test;
ON_BOTH_ENGINES(account_migration_test);

TEST_P(account_migration_test, a_school_without_accounts_keeps_what_it_has) {
  static constexpr query put{"test.put_course", "INSERT INTO courses (id, slug, position) VALUES (7, 'basics', 1)"};
  static constexpr query slug{"test.slug", "SELECT slug FROM courses WHERE id = 7"};
  static constexpr query accounts_there{"test.accounts_there", "SELECT COUNT(*) FROM accounts"};
  auto on = connect();
  auto history = migrations_for(GetParam());
  migrate(*on, std::span(history).first(1), new_year);
  on->exec(put);
  EXPECT_EQ(migrate(*on, new_year).front().name, "accounts");
  EXPECT_EQ(on->one(slug, [](const row& r) { return r.text(0); }), "basics");
  EXPECT_EQ(on->one(accounts_there, [](const row& r) { return r.integer(0); }), 0);
  on->exec({"test.put_another",
            "INSERT INTO courses (id, slug, position) VALUES (8, 'more', 2)"}); // as the previous release does
}

} // namespace
} // namespace lyceum::storage::test
