// SPDX-License-Identifier: Apache-2.0
#include "storage/totp.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <set>

namespace lyceum::storage {
namespace {

using namespace std::chrono_literals;

const std::string rfc_secret = "12345678901234567890";

unix_time at(std::int64_t seconds) {
  return unix_time{std::chrono::seconds{seconds}};
}

// RFC 6238, appendix B, the rows of SHA-1.
TEST(totp_test, codes_are_those_of_rfc_6238) {
  const std::pair<std::int64_t, const char*> rows[] = {{59, "94287082"},         {1111111109, "07081804"},
                                                       {1111111111, "14050471"}, {1234567890, "89005924"},
                                                       {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (const auto& [seconds, code] : rows) {
    EXPECT_EQ(totp_code(rfc_secret, totp_step_of(at(seconds)), 8), code);
    EXPECT_EQ(totp_code(rfc_secret, totp_step_of(at(seconds))), std::string(code).substr(2));
  }
}

// RFC 4226, appendix D.
TEST(totp_test, codes_by_counter_are_those_of_rfc_4226) {
  const char* codes[] = {"755224", "287082", "359152", "969429", "338314",
                         "254676", "287922", "162583", "399871", "520489"};
  for (std::int64_t i = 0; i < 10; ++i)
    EXPECT_EQ(totp_code(rfc_secret, i), codes[i]);
  EXPECT_THROW(totp_code(rfc_secret, 0, 5), std::invalid_argument);
  EXPECT_THROW(totp_code(rfc_secret, 0, 9), std::invalid_argument);
}

// RFC 4648, section 10, without padding.
TEST(totp_test, base32_is_that_of_rfc_4648) {
  const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                      {"f", "MY"},
                                                      {"fo", "MZXQ"},
                                                      {"foo", "MZXW6"},
                                                      {"foob", "MZXW6YQ"},
                                                      {"fooba", "MZXW6YTB"},
                                                      {"foobar", "MZXW6YTBOI"}};
  for (const auto& [plain, text] : rows) {
    EXPECT_EQ(base32(plain), text);
    EXPECT_EQ(from_base32(text), plain);
  }
  EXPECT_EQ(from_base32("mzxw 6ytb"), "fooba");
}

TEST(totp_test, what_is_not_base32_is_none) {
  for (const char* no : {"M", "MZX", "MZXW6Y", "MZ", "MY======", "MZXW1", "MZXW0", "MZXW8", "M-Y", "MZXW6YTR\n", "é"})
    EXPECT_FALSE(from_base32(no)) << no;
  EXPECT_TRUE(rc::check("base32 goes there and back",
                        [](const std::string& octets) { RC_ASSERT(from_base32(base32(octets)) == octets); }));
}

TEST(totp_test, a_secret_has_160_random_bits) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i)
    seen.insert(make_totp_secret());
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_EQ(seen.begin()->size(), 20u);
  EXPECT_EQ(base32(*seen.begin()).size(), 32u);
}

TEST(totp_test, a_step_before_and_one_after_are_taken_and_no_more) {
  const auto now = at(1234567890);
  const auto middle = totp_step_of(now);
  for (std::int64_t off = -3; off <= 3; ++off) {
    const auto taken = totp_taken_step(rfc_secret, totp_code(rfc_secret, middle + off), now, 0);
    if (off >= -1 && off <= 1)
      EXPECT_EQ(taken, middle + off);
    else
      EXPECT_FALSE(taken) << off;
  }
}

TEST(totp_test, a_code_is_not_taken_twice) {
  const auto now = at(1234567890);
  const auto step = totp_step_of(now);
  const auto code = totp_code(rfc_secret, step);
  const auto first = totp_taken_step(rfc_secret, code, now, step - 1);
  ASSERT_EQ(first, step);
  EXPECT_FALSE(totp_taken_step(rfc_secret, code, now, *first));
  EXPECT_FALSE(totp_taken_step(rfc_secret, code, now + 30s, *first));
  EXPECT_FALSE(totp_taken_step(rfc_secret, totp_code(rfc_secret, step - 1), now, *first)) << "nor an older one";
  EXPECT_EQ(totp_taken_step(rfc_secret, totp_code(rfc_secret, step + 1), now, *first), step + 1);
}

TEST(totp_test, what_is_not_six_digits_is_no_code) {
  const auto now = at(59);
  EXPECT_EQ(totp_taken_step(rfc_secret, "287 082", now, 0), 1);
  for (const char* no : {"", "28708", "2870820", "94287082", "28708a", "287082\n", "-87082", "287082 x", "28708２"})
    EXPECT_FALSE(totp_taken_step(rfc_secret, no, now, 0)) << no;
  EXPECT_FALSE(totp_taken_step(rfc_secret, "287082" + std::string(10'000, ' '), now, 0));
  EXPECT_FALSE(totp_taken_step("another secret, 20 o", "287082", now, 0));
}

TEST(totp_test, steps_only_rise) {
  EXPECT_TRUE(rc::check("the step that is taken is the first near now and after the last that has the code", [] {
    const auto now = at(*rc::gen::inRange<std::int64_t>(1'000'000, 4'000'000'000));
    const auto middle = totp_step_of(now);
    const auto last = middle + *rc::gen::inRange<std::int64_t>(-3, 3);
    const auto typed = totp_code(rfc_secret, middle + *rc::gen::inRange<std::int64_t>(-3, 4));
    std::optional<std::int64_t> wanted;
    for (auto step = std::max(middle - 1, last + 1); step <= middle + 1 && !wanted; ++step)
      if (totp_code(rfc_secret, step) == typed)
        wanted = step;
    RC_ASSERT(totp_taken_step(rfc_secret, typed, now, last) == wanted);
  }));
}

TEST(totp_test, the_uri_is_escaped) {
  EXPECT_EQ(totp_uri("School", "ann@example.org", rfc_secret),
            "otpauth://totp/School:ann%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=School&algorithm="
            "SHA1&digits=6&period=30");
  const auto odd = totp_uri("Ann's: A & B?secret=X", "a:b#é", rfc_secret);
  EXPECT_EQ(odd.find("otpauth://totp/Ann%27s%20%20A%20%26%20B%3Fsecret%3DX:a%20b%23%C3%A9?secret=GEZD"), 0u) << odd;
  EXPECT_EQ(std::ranges::count(odd, '?'), 1);
  EXPECT_EQ(std::ranges::count(odd, '&'), 4);
}

TEST(totp_test, ten_recovery_codes_are_readable_and_differ) {
  const auto codes = make_recovery_codes();
  EXPECT_EQ(codes.size(), 10u);
  EXPECT_EQ(std::set<std::string>(codes.begin(), codes.end()).size(), 10u);
  std::set<char> used;
  for (int i = 0; i < 50; ++i)
    for (const auto& code : make_recovery_codes()) {
      ASSERT_EQ(code.size(), 27u);
      for (std::size_t at = 0; at < code.size(); ++at)
        ASSERT_EQ(code[at] == '-', at % 7 == 6) << code;
      used.insert(code.begin(), code.end());
    }
  EXPECT_EQ(std::string(used.begin(), used.end()), "-23456789abcdefghijkmnpqrstuvwxyz") << "five bits a letter";
}

TEST(totp_test, a_recovery_code_is_found_however_it_is_typed) {
  const auto codes = make_recovery_codes();
  std::vector<std::string> hashes;
  for (const auto& code : codes)
    hashes.push_back(recovery_hash(code));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    auto typed = codes[i];
    EXPECT_EQ(hashes[i].find(typed.substr(0, 6)), std::string::npos);
    EXPECT_EQ(find_recovery(typed, hashes), i);
    std::ranges::replace(typed, '-', ' ');
    EXPECT_EQ(find_recovery(" " + typed + " ", hashes), i);
    std::erase(typed, ' ');
    std::ranges::transform(typed, typed.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    EXPECT_EQ(find_recovery(typed, hashes), i);
  }
  EXPECT_FALSE(find_recovery(make_recovery_codes().front(), hashes));
  auto used = hashes;
  used.erase(used.begin());
  EXPECT_FALSE(find_recovery(codes.front(), used));
}

TEST(totp_test, what_has_not_the_form_of_a_recovery_code_is_none) {
  for (const char* no : {"", "k7f3qm", "k7f3qm-9x2wtd-hb8pzr-4nvg6", "k7f3qm-9x2wtd-hb8pzr-4nvg6s2",
                         "k7f3qm-9x2wtd-hb8pzr-4nvg6o", "k7f3qm-9x2wtd-hb8pzr-4nvg6\n"})
    EXPECT_EQ(recovery_hash(no), "") << no;
  EXPECT_EQ(recovery_hash("k7f3qm-9x2wtd-hb8pzr-4nvg6s").size(), 64u);
  EXPECT_EQ(recovery_hash("k7f3qm-9x2wtd-hb8pzr-4nvg6s" + std::string(100, ' ')), "");
  const std::vector<std::string> spent = {"", ""};
  EXPECT_FALSE(find_recovery("", spent)) << "a hash that was emptied opens nothing";
}

} // namespace
} // namespace lyceum::storage
