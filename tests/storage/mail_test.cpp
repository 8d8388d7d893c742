// SPDX-License-Identifier: Apache-2.0
#include "storage/model/mail.hpp"
#include "storage/model/mail_pace.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
constexpr unix_time noon{std::chrono::microseconds{1735732800000000}}; // 2025-01-01T12:00:00Z

TEST(mail_address, plain_ones_are_taken) {
  for (const auto* good : {"a@b", "ann@example.com", "ann.o'brien+x@mail.example.co.uk", "x@xn--bcher-kva.example",
                           "1@2.example", "a-b_c@d-e.example"})
    EXPECT_TRUE(is_mail_address(good)) << good;
}

TEST(mail_address, what_could_mean_something_else_to_a_mail_host_is_not) {
  for (const std::string bad : {"",
                                "@",
                                "a@",
                                "@b",
                                "a b@c.example",
                                "a@b c",
                                "a@b@c",
                                "<a@b>",
                                "\"a b\"@c.example",
                                "a@[127.0.0.1]",
                                "a@b\r\nRCPT TO:<c@d>",
                                ".a@b",
                                "a.@b",
                                "a..b@c",
                                "a@.b",
                                "a@b.",
                                "a@-b",
                                "a@b-",
                                "a,b@c",
                                "a;b@c",
                                "å@b",
                                "a@å.example",
                                "a@b>",
                                "a\t@b"})
    EXPECT_FALSE(is_mail_address(bad)) << bad;
  EXPECT_FALSE(is_mail_address(std::string(65, 'a') + "@b"));
  EXPECT_TRUE(is_mail_address(std::string(64, 'a') + "@b"));
  EXPECT_FALSE(is_mail_address("a@" + std::string(64, 'b')));
  EXPECT_FALSE(is_mail_address(std::string("a\0@b", 4)));
}

RC_GTEST_PROP(mail_header, any_control_octet_anywhere_is_a_fault, (std::string before, std::string after)) {
  before.resize(std::min<std::size_t>(before.size(), 400));
  after.resize(std::min<std::size_t>(after.size(), 400));
  const char control =
      *rc::gen::map(rc::gen::inRange(0, 33), [](int n) { return static_cast<char>(n == 32 ? 0x7f : n); });
  RC_ASSERT(!mail_header_fault(before + control + after).empty());
}

TEST(mail_header, letters_of_any_script_are_no_fault_and_odd_line_ends_are) {
  EXPECT_EQ(mail_header_fault("Zahlung über 12 € — 数 \U0001f600"), "");
  EXPECT_NE(mail_header_fault("a\u2028b"), "");
  EXPECT_NE(mail_header_fault("a\u0085b"), "");
  EXPECT_NE(mail_header_fault(std::string(901, 'a')), "");
  EXPECT_EQ(mail_header_fault(std::string(900, 'a')), "");
}

TEST(mail_state, every_word_is_read_back) {
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(mail_state_of(to_string(static_cast<mail_state>(i))), static_cast<mail_state>(i));
  EXPECT_EQ(mail_state_of("lost"), std::nullopt);
}

RC_GTEST_PROP(mail_retry, waits_double_within_a_fifth_and_end_after_twelve_tries, ()) {
  const int tries = *rc::gen::inRange(1, 16);
  const double jitter = *rc::gen::inRange(0, 1000) / 1000.0;
  const auto then = next_try(mail_urgency::ordinary, tries, noon, noon + 240h, jitter);
  RC_ASSERT(then.has_value() == (tries < 12));
  if (then) {
    const std::chrono::microseconds plain = 1min * (1 << (tries - 1));
    RC_ASSERT(*then - noon >= plain * 4 / 5);
    RC_ASSERT(*then - noon <= plain * 6 / 5);
    RC_ASSERT(*then - noon <= 24h);
  }
}

TEST(mail_retry, the_tries_span_a_day_even_when_every_jitter_is_the_shortest) {
  unix_time now = noon;
  int tries = 1;
  for (; const auto then = next_try(mail_urgency::ordinary, tries, now, noon + 72h, 0.0); ++tries)
    now = *then;
  EXPECT_EQ(tries, 12);
  EXPECT_GE(now - noon, 24h);
  EXPECT_LE(now - noon, 72h);
}

TEST(mail_retry, jitter_spreads_and_nothing_is_tried_after_its_horizon) {
  EXPECT_LT(next_try(mail_urgency::bulk, 3, noon, noon + 1h, 0.0),
            next_try(mail_urgency::bulk, 3, noon, noon + 1h, 0.9));
  EXPECT_EQ(next_try(mail_urgency::ordinary, 3, noon, noon + 3min, 0.5), std::nullopt);
  EXPECT_EQ(next_try(mail_urgency::sign_in, 1, noon, noon + 10min, 0.5), noon + 10s);
  EXPECT_EQ(next_try(mail_urgency::sign_in, 9, noon, noon + 10min, 0.5), noon + 1min);
}

RC_GTEST_PROP(mail_budget, never_more_than_the_rate_in_any_stretch_whatever_the_clock_does, ()) {
  const mail_rate rate{.per_second = *rc::gen::inRange<std::int64_t>(1, 20), .per_day = 0};
  mail_bucket bucket;
  unix_time now = noon;
  std::int64_t forward_us = 0;
  std::int64_t taken = 0;
  const auto steps = *rc::gen::inRange(1, 200);
  for (int i = 0; i < steps; ++i) {
    const auto passed = std::chrono::microseconds(*rc::gen::inRange(-3'000'000, 3'000'000));
    now += passed;
    forward_us += std::max<std::int64_t>(passed.count(), 0);
    bucket = refilled(bucket, rate, now);
    const int got = available(bucket, rate, *rc::gen::inRange(0, 30));
    bucket = spent(bucket, rate, got);
    taken += got;
    RC_ASSERT(bucket.level >= 0);
  }
  RC_ASSERT(taken * 1'000'000 <= rate.per_second * (forward_us + 1'000'000));
}

TEST(mail_budget, a_slow_rate_is_reached_even_when_it_is_asked_often) {
  const mail_rate rate{.per_second = 1};
  mail_bucket bucket = spent(refilled({}, rate, noon), rate, 1);
  int got = 0;
  for (int ms = 1; ms <= 10'000; ++ms) {
    bucket = refilled(bucket, rate, noon + std::chrono::milliseconds(ms));
    const int some = available(bucket, rate, 5);
    bucket = spent(bucket, rate, some);
    got += some;
  }
  EXPECT_EQ(got, 10);
}

TEST(mail_budget, a_day_has_its_own_limit_and_ends_at_midnight) {
  const mail_rate rate{.per_day = 3};
  mail_bucket bucket = refilled({}, rate, noon);
  EXPECT_EQ(available(bucket, rate, 9), 3);
  EXPECT_TRUE(bulk_allowed(bucket, rate));
  bucket = spent(bucket, rate, 3);
  EXPECT_FALSE(bulk_allowed(bucket, rate));
  EXPECT_EQ(available(refilled(bucket, rate, noon + 11h), rate, 9), 0);
  EXPECT_EQ(available(refilled(bucket, rate, noon + 12h), rate, 9), 3);
  EXPECT_EQ(available({}, {}, 9), 9);
}

} // namespace
} // namespace lyceum
