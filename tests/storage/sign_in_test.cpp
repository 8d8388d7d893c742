// SPDX-License-Identifier: Apache-2.0
#include "people.hpp"

#include <gmock/gmock.h>

namespace lyceum::storage::test {
namespace {

using ::testing::Contains;

constexpr query count_requests{"test.count_requests", "SELECT COUNT(*) FROM sign_in_requests"};
constexpr query count_accounts{"test.count_accounts", "SELECT COUNT(*) FROM accounts"};

class sign_in_test : public people_test {
protected:
  void ask(std::string address, std::string_view name, unix_time now = new_year, std::string_view browser = "browser") {
    ASSERT_TRUE(sign_in::ask(*db_, wish_of(std::move(address), name, browser), now));
  }
  bool lives(std::string_view name, unix_time now = new_year) {
    return sign_in::find(*db_, hash(name), now).has_value();
  }
  expected<sign_in::outcome> use_link(std::string_view name, unix_time now = new_year,
                                      std::string_view browser = "browser", bool confirmed = false) {
    return sign_in::use_link(*db_, hash(name), hash(browser), confirmed, now);
  }
  expected<sign_in::outcome> use_code(std::string address, std::string_view name, unix_time now = new_year,
                                      std::string_view browser = "browser",
                                      sign_in::purpose what = sign_in::purpose::sign_in) {
    return sign_in::use_code(*db_, what, address, hash(browser), hash("code " + std::string(name)), now);
  }
  expected<account> ask_change(const account& who, std::string address, std::string_view name = "change") {
    const std::string n(name);
    return sign_in::ask_change_of_address(*db_,
                                          {who.account_id,
                                           std::move(address),
                                           "en",
                                           hash("browser"),
                                           {hash(n + " old"), hash("code " + n + " old")},
                                           {hash(n + " new"), hash("code " + n + " new")}},
                                          new_year);
  }
};
ON_BOTH_ENGINES(sign_in_test);

TEST_P(sign_in_test, the_first_sign_in_makes_the_account_and_the_second_finds_it) {
  ask(" Ada@Example.org", "one");
  EXPECT_EQ(count(count_accounts), 0) << "asking makes nothing";
  const auto first = use_link("one");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->made);
  EXPECT_EQ(first->who.address_key, "ada@example.org");
  EXPECT_EQ(first->return_path, "/courses");
  ask("ada@example.org", "two");
  const auto second = use_link("two");
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->made);
  EXPECT_EQ(second->who.account_id, first->who.account_id);
}

TEST_P(sign_in_test, looking_uses_nothing_up) {
  ask("a@x", "one");
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(lives("one"));
  EXPECT_TRUE(use_link("one"));
}

TEST_P(sign_in_test, a_link_works_once_and_its_code_not_after_it) {
  ask("a@x", "one");
  EXPECT_TRUE(use_link("one"));
  EXPECT_FALSE(lives("one"));
  EXPECT_EQ(refusal(use_link("one")), problem::kind::not_found);
  EXPECT_EQ(refusal(use_code("a@x", "one")), problem::kind::not_found);
}

TEST_P(sign_in_test, a_code_works_once_and_its_link_not_after_it) {
  ask("a@x", "one");
  const auto done = use_code(" A@X", "one");
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->made);
  EXPECT_EQ(refusal(use_code("a@x", "one")), problem::kind::not_found);
  EXPECT_EQ(refusal(use_link("one")), problem::kind::not_found);
}

TEST_P(sign_in_test, of_many_that_use_a_link_at_once_one_does) {
  ask("a@x", "one");
  EXPECT_EQ(at_once(6,
                    [&](db& mine) {
                      return sign_in::use_link(mine, hash("one"), hash("browser"), false, new_year).has_value();
                    }),
            1);
  EXPECT_EQ(count(count_accounts), 1);
}

TEST_P(sign_in_test, of_a_link_and_its_code_at_once_one_is_used) {
  for (int round = 0; round < 5; ++round) {
    const std::string name = "round " + std::to_string(round);
    ask("a@x", name);
    std::atomic<int> turn = 0;
    EXPECT_EQ(at_once(4,
                      [&](db& mine) {
                        if (turn++ % 2 == 0)
                          return sign_in::use_link(mine, hash(name), hash("browser"), false, new_year).has_value();
                        return sign_in::use_code(mine, sign_in::purpose::sign_in, "a@x", hash("browser"),
                                                 hash("code " + name), new_year)
                            .has_value();
                      }),
              1);
  }
}

TEST_P(sign_in_test, two_first_sign_ins_at_once_make_one_account) {
  ask("a@x", "one");
  ask("A@x", "two");
  std::atomic<int> turn = 0;
  EXPECT_EQ(at_once(2,
                    [&](db& mine) {
                      return sign_in::use_link(mine, hash(turn++ == 0 ? "one" : "two"), hash("browser"), false,
                                               new_year)
                          .has_value();
                    }),
            2);
  EXPECT_EQ(count(count_accounts), 1);
}

TEST_P(sign_in_test, a_link_lives_fifteen_minutes) {
  ask("a@x", "one");
  EXPECT_TRUE(lives("one", new_year + 15min - 1us));
  EXPECT_FALSE(lives("one", new_year + 15min));
  EXPECT_FALSE(use_code("a@x", "one", new_year + 15min));
  EXPECT_FALSE(use_link("one", new_year + 15min));
}

TEST_P(sign_in_test, another_browser_has_to_confirm) {
  ask("a@x", "one");
  EXPECT_EQ(refusal(use_link("one", new_year, "another")), problem::kind::forbidden);
  EXPECT_TRUE(lives("one")) << "nothing was used up";
  EXPECT_TRUE(use_link("one", new_year, "another", true));
}

TEST_P(sign_in_test, a_code_counts_only_in_the_browser_that_asked) {
  ask("a@x", "one");
  EXPECT_EQ(refusal(use_code("a@x", "one", new_year, "another")), problem::kind::not_found);
  EXPECT_EQ(refusal(use_code("b@x", "one")), problem::kind::not_found);
  EXPECT_TRUE(use_code("a@x", "one"));
}

TEST_P(sign_in_test, the_fifth_wrong_code_ends_the_link_too) {
  ask("a@x", "one");
  for (int left = 4; left >= 0; --left) {
    EXPECT_TRUE(lives("one"));
    const auto tried = use_code("a@x", "wrong");
    ASSERT_EQ(refusal(tried), problem::kind::invalid);
    EXPECT_EQ(tried.error().detail, std::to_string(left));
  }
  EXPECT_EQ(refusal(use_code("a@x", "one")), problem::kind::not_found);
  EXPECT_EQ(refusal(use_link("one")), problem::kind::not_found);
  EXPECT_FALSE(lives("one"));
}

TEST_P(sign_in_test, the_right_code_counts_at_the_fifth_try) {
  ask("a@x", "one");
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(use_code("a@x", "wrong"));
  EXPECT_TRUE(use_code("a@x", "one"));
}

TEST_P(sign_in_test, guessing_in_parallel_gains_no_try) {
  ask("a@x", "one");
  EXPECT_EQ(at_once(12,
                    [&](db& mine) {
                      const auto tried = sign_in::use_code(mine, sign_in::purpose::sign_in, "a@x", hash("browser"),
                                                           hash("a guess"), new_year);
                      return refusal(tried) == problem::kind::invalid;
                    }),
            sign_in::tries_max);
}

TEST_P(sign_in_test, the_code_of_an_earlier_mail_of_this_browser_counts_too) {
  ask("a@x", "one", new_year);
  ask("a@x", "two", new_year + 1min);
  EXPECT_TRUE(use_code("a@x", "one", new_year + 2min));
  EXPECT_TRUE(lives("two", new_year + 2min));
}

TEST_P(sign_in_test, a_sixth_request_makes_the_oldest_go) {
  for (int i = 1; i <= 6; ++i)
    ask("a@x", "mail " + std::to_string(i), new_year + std::chrono::seconds(i));
  ask("b@x", "other", new_year);
  const auto now = new_year + 10s;
  EXPECT_FALSE(lives("mail 1", now));
  for (int i = 2; i <= 6; ++i)
    EXPECT_TRUE(lives("mail " + std::to_string(i), now)) << i;
  EXPECT_TRUE(lives("other", now)) << "another address has its own five";
}

TEST_P(sign_in_test, asking_in_parallel_leaves_five_live_ones) {
  std::atomic<int> number = 0;
  EXPECT_EQ(
      at_once(10,
              [&](db& mine) {
                return sign_in::ask(mine, wish_of("a@x", "mail " + std::to_string(number++)), new_year).has_value();
              }),
      10);
  EXPECT_EQ(count(count_requests), sign_in::requests_live_max);
}

TEST_P(sign_in_test, what_is_written_beside_a_request_stands_or_falls_with_it) {
  static constexpr query make{"test.make_outbox", "CREATE TABLE test_mails (id BIGINT)"};
  static constexpr query put{"test.put_mail", "INSERT INTO test_mails (id) VALUES (1)"};
  static constexpr query mails{"test.count_mails", "SELECT COUNT(*) FROM test_mails"};
  db_->exec(make);
  EXPECT_THROW(sign_in::ask(*db_, wish_of("a@x", "one"), new_year,
                            [](db& on) {
                              on.exec(put);
                              throw std::runtime_error("no mail");
                            }),
               std::runtime_error);
  EXPECT_EQ(count(count_requests), 0);
  EXPECT_EQ(count(mails), 0);
  EXPECT_TRUE(sign_in::ask(*db_, wish_of("a@x", "one"), new_year, [](db& on) { on.exec(put); }));
  EXPECT_EQ(count(mails), 1);
}

TEST_P(sign_in_test, a_return_path_leads_nowhere_else) {
  for (const std::string bad :
       {"", "courses", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb"}) {
    auto wish = wish_of("a@x", "one");
    wish.return_path = bad;
    EXPECT_EQ(refusal(sign_in::ask(*db_, wish, new_year)), problem::kind::invalid) << bad;
  }
  auto wish = wish_of("a@x", "one");
  wish.return_path = "/" + std::string(sign_in::return_path_max, 'a');
  EXPECT_EQ(refusal(sign_in::ask(*db_, wish, new_year)), problem::kind::invalid);
  EXPECT_EQ(refusal(sign_in::ask(*db_, wish_of(" ", "one"), new_year)), problem::kind::invalid);
  EXPECT_EQ(count(count_requests), 0);
}

TEST_P(sign_in_test, a_suspended_account_does_not_sign_in) {
  const auto who = make("a@x");
  ask("a@x", "one");
  ASSERT_TRUE(accounts::suspend(*db_, who.account_id, "spam", "test", new_year));
  EXPECT_EQ(refusal(use_link("one")), problem::kind::forbidden);
  EXPECT_EQ(refusal(use_code("a@x", "one")), problem::kind::forbidden);
  ASSERT_TRUE(accounts::resume(*db_, who.account_id, "test", new_year));
  EXPECT_TRUE(use_link("one"));
}

TEST_P(sign_in_test, an_address_changes_when_both_sides_have_confirmed_in_either_order) {
  for (const bool old_first : {true, false}) {
    const std::string side = old_first ? "1" : "2";
    const auto who = make("old" + side + "@x");
    ask("old" + side + "@x", "pending" + side);
    ASSERT_TRUE(ask_change(who, "New" + side + "@x", "c" + side));
    const auto half = use_link("c" + side + (old_first ? " old" : " new"));
    ASSERT_TRUE(half);
    EXPECT_FALSE(half->changed);
    EXPECT_EQ(accounts::find(*db_, who.account_id)->address, "old" + side + "@x");
    EXPECT_TRUE(tells_of(who.account_id, [&] {
      const auto whole =
          use_code(old_first ? "new" + side + "@x" : "old" + side + "@x", "c" + side + (old_first ? " new" : " old"),
                   new_year, "browser", old_first ? sign_in::purpose::new_address : sign_in::purpose::old_address);
      ASSERT_TRUE(whole);
      EXPECT_TRUE(whole->changed);
      EXPECT_EQ(whole->who.address, "New" + side + "@x");
    }));
    EXPECT_EQ(accounts::find_by_address(*db_, "new" + side + "@X")->account_id, who.account_id);
    EXPECT_FALSE(accounts::find_by_address(*db_, "old" + side + "@x"));
    EXPECT_FALSE(lives("pending" + side)) << "a mail to the old address opens nothing any more";
    EXPECT_THAT(actions_of(who.account_id), Contains("address_changed"));
  }
}

TEST_P(sign_in_test, one_side_twice_changes_nothing) {
  const auto who = make("old@x");
  ASSERT_TRUE(ask_change(who, "new@x"));
  EXPECT_FALSE(use_link("change old")->changed);
  EXPECT_FALSE(use_link("change old"));
  EXPECT_EQ(accounts::find(*db_, who.account_id)->address, "old@x");
}

TEST_P(sign_in_test, a_change_in_the_place_of_another_ends_that_ones_mails) {
  const auto who = make("old@x");
  ASSERT_TRUE(ask_change(who, "first@x", "first"));
  EXPECT_TRUE(use_link("first old"));
  ASSERT_TRUE(ask_change(who, "second@x", "second"));
  EXPECT_FALSE(use_link("first new"));
  EXPECT_FALSE(use_link("second new")->changed) << "what was confirmed was another change";
  EXPECT_TRUE(use_link("second old")->changed);
  EXPECT_EQ(accounts::find(*db_, who.account_id)->address, "second@x");
}

TEST_P(sign_in_test, an_address_that_somebody_has_is_told_only_to_who_reads_its_mail) {
  const auto who = make("old@x");
  make("taken@x");
  ASSERT_TRUE(ask_change(who, "taken@x"));
  EXPECT_TRUE(use_link("change old"));
  EXPECT_EQ(refusal(use_link("change new")), problem::kind::conflict);
  EXPECT_EQ(accounts::find(*db_, who.account_id)->address, "old@x");
}

TEST_P(sign_in_test, an_address_may_change_in_its_case_alone) {
  const auto who = make("ada@x");
  EXPECT_EQ(refusal(ask_change(who, "ada@x")), problem::kind::invalid);
  ASSERT_TRUE(ask_change(who, "Ada@x"));
  EXPECT_TRUE(use_link("change new"));
  EXPECT_TRUE(use_link("change old")->changed);
  EXPECT_EQ(accounts::find(*db_, who.account_id)->address, "Ada@x");
}

TEST_P(sign_in_test, what_expired_a_day_ago_is_deleted_and_nothing_else) {
  const auto who = make("old@x");
  ask("a@x", "one");
  ask("b@x", "two", new_year + 1h);
  ASSERT_TRUE(ask_change(who, "new@x"));
  EXPECT_EQ(sign_in::remove_expired(*db_, new_year + 24h), 0);
  EXPECT_EQ(sign_in::remove_expired(*db_, new_year + 24h + 15min), 4); // a link, two sides, their change
  EXPECT_EQ(count(count_requests), 1);
  ask("c@x", "three");
  ask("d@x", "four");
  EXPECT_EQ(sign_in::remove_expired(*db_, new_year + 48h, 1), 1) << "no more than it was told";
}

} // namespace
} // namespace lyceum::storage::test
