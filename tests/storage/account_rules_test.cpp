// SPDX-License-Identifier: Apache-2.0
// Rules that need no database: who may read what, how long one who fails waits, secrets.
#include "storage/model/account.hpp"
#include "storage/model/attempts.hpp"
#include "storage/secrets.hpp"

#include <gmock/gmock.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <set>

namespace lyceum {
namespace {

TEST(time_text_test, moments_of_any_year_are_written_in_utc) {
  using namespace std::chrono;
  const unix_time at = sys_days{2026y / November / 26} + 14h + 3min + 11s + 999ms;
  EXPECT_EQ(utc_text(at), "2026-11-26T14:03:11Z");
  EXPECT_EQ(utc_words(at), "2026-11-26 14:03:11 UTC");
  EXPECT_EQ(utc_minute(at), "2026-11-26 14:03 UTC");
  EXPECT_EQ(utc_text(sys_days{2999y / May / 4}), "2999-05-04T00:00:00Z") << "nanoseconds end in 2262";
  EXPECT_EQ(utc_text(sys_days{9999y / December / 31} + 24h - 1us), "9999-12-31T23:59:59Z");
  EXPECT_EQ(utc_text(unix_time{} - 1us), "1969-12-31T23:59:59Z");
}

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr unix_time noon{std::chrono::hours(500000)};

account learner(id whose = 1) {
  account a;
  a.account_id = whose;
  return a;
}

grant plan_of(std::string plan, unix_time from, std::optional<unix_time> until = {}, id whose = 1) {
  grant g;
  g.account_id = whose;
  g.plan = std::move(plan);
  g.starts_at = from;
  g.expires_at = until;
  return g;
}

bool reads(const viewer& who, std::string_view what) {
  return may_read(who, *parse_access(what));
}

TEST(entitlement_test, a_guest_reads_what_is_public_and_nothing_else) {
  EXPECT_TRUE(reads({}, "public"));
  EXPECT_FALSE(reads({}, "members"));
  EXPECT_FALSE(reads({}, "paid"));
  EXPECT_FALSE(reads({}, "plan:pro"));
}

TEST(entitlement_test, an_account_without_grants_is_a_member) {
  const auto who = entitlement_of(learner(), {}, noon);
  EXPECT_TRUE(reads(who, "members"));
  EXPECT_FALSE(reads(who, "paid"));
  EXPECT_FALSE(reads(who, "plan:pro"));
}

TEST(entitlement_test, each_current_grant_opens_its_plan_and_what_is_paid) {
  const auto who = entitlement_of(learner(), {plan_of("pro", noon - 1h), plan_of("talks", noon)}, noon);
  EXPECT_TRUE(reads(who, "members"));
  EXPECT_TRUE(reads(who, "paid"));
  EXPECT_TRUE(reads(who, "plan:pro"));
  EXPECT_TRUE(reads(who, "plan:talks"));
  EXPECT_FALSE(reads(who, "plan:other"));
}

TEST(entitlement_test, a_grant_opens_nothing_before_after_or_when_revoked) {
  auto revoked = plan_of("revoked", noon - 1h);
  revoked.revoked_at = noon - 1us;
  const auto who =
      entitlement_of(learner(), {plan_of("later", noon + 1us), plan_of("over", noon - 1h, noon), revoked}, noon);
  EXPECT_EQ(who, (viewer{access::kind::members, {}, false}));
  EXPECT_TRUE(reads(entitlement_of(learner(), {plan_of("over", noon - 1h, noon)}, noon - 1us), "plan:over"));
}

TEST(entitlement_test, somebody_elses_grant_opens_nothing) {
  EXPECT_FALSE(reads(entitlement_of(learner(1), {plan_of("pro", noon, {}, 2)}, noon), "paid"));
}

TEST(entitlement_test, staff_without_a_second_factor_reads_no_more_than_others) {
  auto who = learner();
  who.role = account_role::operating;
  EXPECT_EQ(entitlement_of(who, {}, noon), (viewer{access::kind::members, {}, false}));
}

TEST(entitlement_test, staff_with_a_second_factor_reads_everything) {
  for (const auto role : {account_role::author, account_role::operating}) {
    auto who = learner();
    who.role = role;
    who.totp_secret = "sealed";
    for (const auto* what : {"public", "members", "paid", "plan:pro"})
      EXPECT_TRUE(reads(entitlement_of(who, {}, noon), what)) << name_of(role) << " " << what;
  }
}

TEST(entitlement_test, a_suspended_account_is_a_guest_whatever_it_was) {
  auto who = learner();
  who.role = account_role::operating;
  who.suspended_at = noon;
  EXPECT_EQ(entitlement_of(who, {plan_of("pro", noon - 1h)}, noon), viewer{});
}

// Between two moments that next_entitlement_change names, nothing changes.
RC_GTEST_PROP(entitlement_property, it_changes_only_when_it_says_so, ()) {
  std::vector<grant> all;
  const auto moment = rc::gen::inRange(-20, 20);
  for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
    auto g = plan_of(std::string(1, *rc::gen::inRange('a', 'd')), noon + std::chrono::hours(*moment));
    if (*rc::gen::arbitrary<bool>())
      g.expires_at = g.starts_at + std::chrono::hours(*rc::gen::inRange(1, 20));
    if (*rc::gen::inRange(0, 4) == 0)
      g.revoked_at = noon;
    all.push_back(g);
  }
  const auto now = noon + std::chrono::hours(*moment);
  const auto next = next_entitlement_change(all, now);
  const auto here = entitlement_of(learner(), all, now);
  for (auto later = now; later < noon + 50h && (!next || later < *next); later += 30min)
    RC_ASSERT(entitlement_of(learner(), all, later) == here);
}

TEST(account_role_test, a_role_is_read_as_it_is_written) {
  for (const auto role : {account_role::learner, account_role::author, account_role::operating})
    EXPECT_EQ(parse_account_role(name_of(role)), role);
  EXPECT_FALSE(parse_account_role("admin"));
  EXPECT_FALSE(parse_account_role(""));
}

TEST(fold_address_test, spaces_around_and_ascii_case_make_no_other_address) {
  EXPECT_EQ(fold_address(" Ada@Example.ORG\r\n"), "ada@example.org");
  EXPECT_EQ(fold_address("É@x"), "É@x");
  EXPECT_EQ(fold_address(" \t "), "");
}

TEST(attempts_test, eight_failures_are_free_and_then_ten_minutes_double_up_to_twelve_hours) {
  const attempt_rule rule;
  attempts kept;
  for (int i = 1; i < 8; ++i) {
    kept = after_failure(kept, rule, noon);
    EXPECT_EQ(wait_of(kept, rule, noon), 0s) << i;
  }
  auto now = noon;
  std::vector<long> minutes;
  for (int i = 0; i < 9; ++i) {
    kept = after_failure(kept, rule, now);
    minutes.push_back(std::chrono::duration_cast<std::chrono::minutes>(wait_of(kept, rule, now)).count());
    now += wait_of(kept, rule, now);
    EXPECT_EQ(wait_of(kept, rule, now - 1us), 1s);
    EXPECT_EQ(wait_of(kept, rule, now), 0s);
  }
  EXPECT_THAT(minutes, ElementsAre(10, 20, 40, 80, 160, 320, 640, 720, 720));
}

TEST(attempts_test, an_hour_after_the_last_block_nothing_is_remembered) {
  const attempt_rule rule;
  attempts kept;
  for (int i = 0; i < 8; ++i)
    kept = after_failure(kept, rule, noon);
  EXPECT_EQ(wait_of(after_failure(kept, rule, noon + 70min - 1us), rule, noon + 70min - 1us), 20min);
  EXPECT_EQ(after_failure(kept, rule, noon + 70min), (attempts{1, noon + 130min, {}}));
}

TEST(attempts_test, slow_failures_never_block) {
  const attempt_rule rule;
  attempts kept;
  for (auto now = noon; now < noon + 100h; now += 9min) { // seven an hour
    kept = after_failure(kept, rule, now);
    ASSERT_EQ(wait_of(kept, rule, now), 0s);
  }
}

TEST(attempts_test, what_all_share_is_free_again_with_the_hour) {
  const attempt_rule rule{99, 1h, 0s, 1h};
  attempts kept;
  for (int i = 0; i < 99; ++i) {
    EXPECT_EQ(wait_of(kept, rule, noon), 0s);
    kept = after_failure(kept, rule, noon);
  }
  EXPECT_EQ(wait_of(kept, rule, noon + 20min), 40min);
  kept = after_failure(kept, rule, noon + 30min);
  EXPECT_EQ(wait_of(kept, rule, noon + 30min), 30min) << "a failure more makes it no longer";
  EXPECT_EQ(wait_of(kept, rule, noon + 1h), 0s);
  EXPECT_EQ(after_failure(kept, rule, noon + 1h).failures, 1);
}

TEST(attempts_test, a_clock_that_jumps_back_blocks_nobody_for_longer) {
  const attempt_rule rule;
  attempts kept;
  for (int i = 0; i < 8; ++i)
    kept = after_failure(kept, rule, noon);
  EXPECT_EQ(wait_of(kept, rule, noon - 24h * 365), 12h);
}

// The state of three fields against a list of all failures.
RC_GTEST_PROP(attempts_property, it_waits_as_a_list_of_all_failures_says, ()) {
  const attempt_rule rule{*rc::gen::inRange(1, 6), 60min, 10min, 100min};
  struct plain {
    int streak = 0;
    unix_time first;
    std::optional<unix_time> until;
  } model;
  attempts kept;
  auto now = noon;
  for (int i = 0; i < 40; ++i) {
    now += std::chrono::minutes(*rc::gen::inRange(0, 90));
    const bool over = model.streak == 0 || (model.until ? now >= *model.until + 60min : now >= model.first + 60min);
    if (over)
      model = {0, now, {}};
    ++model.streak;
    if (model.streak >= rule.failures_max)
      model.until =
          now + std::min<std::chrono::minutes>(10min * (1 << std::min(model.streak - rule.failures_max, 10)), 100min);
    kept = after_failure(kept, rule, now);
    const auto later = now + std::chrono::minutes(*rc::gen::inRange(0, 120));
    const bool blocked = model.until && later < *model.until;
    RC_ASSERT((wait_of(kept, rule, later) > 0s) == blocked);
    if (blocked)
      RC_ASSERT(later + wait_of(kept, rule, later) == *model.until);
  }
}

namespace secrets = storage::secrets;

TEST(secrets_test, a_token_has_its_form_and_none_comes_twice) {
  std::set<std::string> seen;
  std::set<char> letters;
  for (int i = 0; i < 2000; ++i) {
    const auto token = secrets::make_token();
    EXPECT_TRUE(secrets::is_token(token)) << token;
    EXPECT_EQ(token.size(), 43u); // 256 bits in sixes
    EXPECT_TRUE(seen.insert(token).second);
    letters.insert(token.begin(), token.end());
  }
  EXPECT_EQ(letters.size(), 64u);
}

TEST(secrets_test, what_is_no_token_is_told_by_its_form) {
  const auto token = secrets::make_token();
  EXPECT_FALSE(secrets::is_token(""));
  EXPECT_FALSE(secrets::is_token(token + "A"));
  EXPECT_FALSE(secrets::is_token(token.substr(1)));
  EXPECT_FALSE(secrets::is_token(token.substr(1) + "="));
  EXPECT_FALSE(secrets::is_token(token.substr(1) + "+"));
  EXPECT_FALSE(secrets::is_token(token.substr(1) + std::string(1, '\0')));
}

TEST(secrets_test, a_tokens_hash_is_its_sha256) {
  EXPECT_EQ(secrets::hash_of_token("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); // FIPS 180-2
}

TEST(secrets_test, codes_have_six_digits_and_each_digit_is_equally_likely_everywhere) {
  constexpr int made = 20000;
  std::map<std::pair<std::size_t, char>, int> count;
  for (int i = 0; i < made; ++i) {
    const auto code = secrets::make_code();
    ASSERT_EQ(code.size(), 6u);
    for (std::size_t at = 0; at < 6; ++at) {
      ASSERT_TRUE(code[at] >= '0' && code[at] <= '9') << code;
      ++count[{at, code[at]}];
    }
  }
  ASSERT_EQ(count.size(), 60u);
  for (const auto& [where, times] :
       count) // 2,000 are expected; the standard deviation is 42, so this is over 8 of them
    EXPECT_NEAR(times, made / 10, 360) << where.first << where.second;
}

TEST(secrets_test, a_codes_hash_depends_on_key_context_and_code_and_on_where_they_meet) {
  const std::string key(32, 'k');
  const auto hash = secrets::hash_of_code(key, "browser", "123456");
  EXPECT_EQ(hash.size(), 64u);
  EXPECT_EQ(hash, secrets::hash_of_code(key, "browser", "123456"));
  EXPECT_NE(hash, secrets::hash_of_code(key, "browser", "123457"));
  EXPECT_NE(hash, secrets::hash_of_code(key, "browse", "r123456"));
  EXPECT_NE(hash, secrets::hash_of_code(std::string(32, 'l'), "browser", "123456"));
  EXPECT_THROW(secrets::hash_of_code("short", "browser", "123456"), std::invalid_argument);
}

RC_GTEST_PROP(secrets_property, equal_is_what_equality_is, (const std::string& a, const std::string& b)) {
  RC_ASSERT(secrets::equal(a, a));
  RC_ASSERT(secrets::equal(a, b) == (a == b));
  if (!a.empty()) {
    auto other = a;
    other[*rc::gen::inRange<std::size_t>(0, a.size())] ^= 1;
    RC_ASSERT(!secrets::equal(a, other));
  }
}

} // namespace
} // namespace lyceum
