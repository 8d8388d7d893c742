// SPDX-License-Identifier: Apache-2.0
#include "storage/media_signature.hpp"

#include "storage/model/paths.hpp"
#include "tests/storage/allocations.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace lyceum::storage {
namespace {

using namespace std::chrono_literals;

constexpr const char* known_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

class media_signature_test : public ::testing::Test {
protected:
  std::string sign(std::string_view path = "/media/abc/film.mp4", media_viewer viewer = {4711, 3}) const {
    return sign_media(path, viewer, now + 1h, now, ring).value();
  }
  std::optional<media_refusal> refusal(std::string_view target, std::chrono::microseconds later = 0us) const {
    const auto pass = check_media(target, now + later, ring);
    return pass ? std::nullopt : std::optional(pass.error());
  }

  key_ring ring = key_ring::parse(std::string("lyceum keys 1\n7 1700000000 ") + known_key + "\n").value();
  unix_time now{1'700'000'000s};
};

// The signature is computed with Python: hmac(hmac(key, b"lyceum key 1 media"), text before &sig=), SHA-256.
TEST_F(media_signature_test, a_signed_address_has_one_form) {
  EXPECT_EQ(sign(),
            "/media/abc/film.mp4?exp=1700003600&kid=7&u=4711&e=4&sig=wHSoWXKtNPtpr78addrURZZ60P7QLiafcRqOJ5hIUgg");
  const auto target = sign();
  const auto pass = check_media(target, now, ring);
  ASSERT_TRUE(pass);
  EXPECT_EQ(pass->path, "/media/abc/film.mp4");
  EXPECT_EQ(pass->viewer, (media_viewer{4711, 3}));
  EXPECT_EQ(pass->expires, now + 1h);
}

TEST_F(media_signature_test, an_octet_that_differs_anywhere_is_refused) {
  const auto good = sign("/media/abc/f%C3%A9.mp4");
  ASSERT_FALSE(refusal(good));
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int octet = 0; octet < 256; ++octet) {
      auto bad = good;
      bad[i] = static_cast<char>(octet);
      ASSERT_TRUE(bad == good || refusal(bad)) << bad;
    }
}

TEST_F(media_signature_test, an_octet_more_or_less_anywhere_is_refused) {
  const auto good = sign();
  for (std::size_t i = 0; i <= good.size(); ++i) {
    for (int octet = 0; octet < 256; ++octet)
      ASSERT_TRUE(refusal(good.substr(0, i) + static_cast<char>(octet) + good.substr(i)));
    ASSERT_TRUE(i == good.size() || refusal(good.substr(0, i) + good.substr(i + 1)));
    ASSERT_TRUE(i == good.size() || refusal(good.substr(0, i)));
    ASSERT_TRUE(i == 0 || refusal(good.substr(i)));
  }
  EXPECT_TRUE(refusal(good + good));
}

TEST_F(media_signature_test, another_order_or_more_parameters_are_malformed) {
  const std::string sig = "&sig=wHSoWXKtNPtpr78addrURZZ60P7QLiafcRqOJ5hIUgg", path = "/media/abc/film.mp4";
  ASSERT_FALSE(refusal(path + "?exp=1700003600&kid=7&u=4711&e=4" + sig));
  for (const char* query : {"?exp=1700003600&kid=7&u=4711",
                            "?exp=1700003600&kid=7&u=4711&e=0",
                            "?exp=1700003600&kid=7&u=4711&e=04",
                            "?exp=1700003600&kid=7&e=4&u=4711",
                            "?kid=7&exp=1700003600&u=4711&e=4",
                            "?exp=1700003600&u=4711&e=4&kid=7",
                            "?exp=1700003600&exp=1700003600&kid=7&u=4711&e=4",
                            "?exp=1700003600&kid=7&u=4711&e=4&u=4711&e=4",
                            "?exp=1700003600&kid=7&u=4711&e=4&x=1",
                            "?x=1&exp=1700003600&kid=7&u=4711&e=4",
                            "?exp=1700003600&kid=7&u=4711&e=4&",
                            "?&exp=1700003600&kid=7&u=4711&e=4",
                            "?exp=01700003600&kid=7&u=4711&e=4",
                            "?exp=+1700003600&kid=7&u=4711&e=4",
                            "?exp=1700003600&kid=07&u=4711&e=4",
                            "?exp=1700003600&kid=7&u=04711&e=4",
                            "?exp=1700003600&kid=7&u=-4711&e=4",
                            "?exp=1700003600&kid=7&u=0&e=4",
                            "?exp=1700003600&kid=0&u=4711&e=4",
                            "?exp=&kid=7&u=4711&e=4",
                            "?exp=17000036%30&kid=7&u=4711&e=4",
                            "?%65xp=1700003600&kid=7&u=4711&e=4",
                            "?EXP=1700003600&kid=7&u=4711&e=4",
                            "?exp=1700003600;kid=7;u=4711",
                            "?exp=1700003600&amp;kid=7&u=4711&e=4",
                            "??exp=1700003600&kid=7&u=4711&e=4",
                            "?exp=99999999999999999999&kid=7&u=4711&e=4",
                            "?exp=9223372036854775807&kid=7&u=4711&e=4",
                            "?exp=1700003600&kid=4294967303&u=4711&e=4",
                            "?exp=1700003600&kid=7&u=9223372036854775808&e=4",
                            ""})
    EXPECT_EQ(refusal(path + query + sig), media_refusal::malformed) << query;
  EXPECT_EQ(refusal(sig.substr(1)), media_refusal::malformed);
  EXPECT_EQ(refusal(""), media_refusal::malformed);
  EXPECT_EQ(refusal("/media/" + std::string(4000, 'a') + "?exp=1700003600&kid=7&u=4711&e=4" + sig),
            media_refusal::malformed);
}

TEST_F(media_signature_test, another_spelling_of_the_path_is_not_signed_and_not_read) {
  for (const char* path : {"",
                           "/",
                           "media/a",
                           "//media/a",
                           "/media//a",
                           "/media/",
                           "/media/./a",
                           "/media/../a",
                           "/..",
                           "/media/a/.",
                           "/media/%2e%2e/a",
                           "/media/%2E",
                           "/media/%61",
                           "/media/%2F",
                           "/media/a%2Fb",
                           "/media/%5C",
                           "/media/%00",
                           "/media/%0A",
                           "/media/%7F",
                           "/media/%c3%A9",
                           "/media/%C3%a9",
                           "/media/%",
                           "/media/%C",
                           "/media/%GG",
                           "/media/a b",
                           "/media/a+b",
                           "/media/a?b",
                           "/media/a#b",
                           "/media/é",
                           "/media/a\\b",
                           "/media/a\n",
                           "/media/%25%32%65%",
                           "http://host/media/a"}) {
    EXPECT_FALSE(sign_media(path, {4711, 3}, now + 1h, now, ring)) << path;
    EXPECT_EQ(refusal(std::string(path) + sign().substr(sign().find('?'))), media_refusal::malformed) << path;
  }
}

TEST_F(media_signature_test, whatever_a_file_is_called_its_path_can_be_signed) {
  EXPECT_TRUE(rc::check("paths::media and sign_media agree", [this] {
    const auto name = *rc::gen::suchThat(
        rc::gen::nonEmpty(
            rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ9 .-_~%?#&=+:@!é日\x01\x80\xff")))),
        [](const std::string& text) { return text != "." && text != ".." && text.find('\x01') == std::string::npos; });
    const auto path = paths::media("key", name);
    const auto target =
        sign_media(path, {*rc::gen::inRange<id>(1, INT64_MAX), *rc::gen::inRange<std::int64_t>(0, INT64_MAX)}, now + 4h,
                   now, ring);
    RC_ASSERT(target.has_value());
    const auto pass = check_media(*target, now, ring);
    RC_ASSERT(pass.has_value());
    RC_ASSERT(pass->path == path);
  }));
}

TEST_F(media_signature_test, it_ends_to_the_second) {
  EXPECT_FALSE(refusal(sign(), 1h - 1us));
  EXPECT_EQ(refusal(sign(), 1h), media_refusal::expired);
  EXPECT_EQ(refusal(sign(), 24h), media_refusal::expired);
}

TEST_F(media_signature_test, four_hours_are_the_most) {
  EXPECT_TRUE(sign_media("/media/a", {1, 0}, now + 4h, now, ring));
  EXPECT_FALSE(sign_media("/media/a", {1, 0}, now + 4h + 1s, now, ring));
  EXPECT_FALSE(sign_media("/media/a", {1, 0}, now, now, ring));
  EXPECT_FALSE(sign_media("/media/a", {1, 0}, now - 1s, now, ring));
  EXPECT_FALSE(sign_media("/media/a", {0, 0}, now + 1h, now, ring));
  EXPECT_FALSE(sign_media("/media/a", {-1, 0}, now + 1h, now, ring));
  const auto later = sign_media("/media/a", {1, 0}, now + 5h, now + 1h, ring).value();
  EXPECT_EQ(refusal(later), media_refusal::too_late) << "well signed, by a clock that was ahead";
  EXPECT_FALSE(refusal(later, 1h));
}

TEST_F(media_signature_test, an_old_key_opens_until_it_is_gone) {
  const auto target = sign();
  const std::string lines = std::string("7 1700000000 ") + known_key + "\n",
                    next = std::string("8 1700000000 ") + "ff" + (known_key + 2) + "\n";
  ring = key_ring::parse("lyceum keys 1\n" + lines + next).value();
  EXPECT_FALSE(refusal(target));
  EXPECT_NE(sign(), target);
  auto other_key = target;
  other_key[other_key.find("kid=7") + 4] = '8';
  EXPECT_EQ(refusal(other_key), media_refusal::forged);
  ring = key_ring::parse("lyceum keys 1\n" + next).value();
  EXPECT_EQ(refusal(target), media_refusal::key_gone);
}

TEST_F(media_signature_test, checking_takes_no_memory) {
  const auto good = sign(), forged = good.substr(0, good.size() - 1) + "N";
  const auto before = allocations();
  const bool opens = check_media(good, now, ring).has_value(), shut = !check_media(forged, now, ring).has_value();
  const auto after = allocations();
  EXPECT_TRUE(opens && shut);
  EXPECT_EQ(after, before);
  sign();
  EXPECT_GT(allocations(), after) << "they are counted";
}

TEST_F(media_signature_test, it_is_nobody_elses_and_opens_nothing_else) {
  auto target = sign();
  EXPECT_EQ(refusal(target.replace(target.find("u=4711"), 6, "u=4712")), media_refusal::forged);
  target = sign();
  EXPECT_EQ(refusal(target.replace(0, 10, "/media/abd")), media_refusal::forged);
  target = sign();
  EXPECT_EQ(refusal(target.replace(target.find("1700003600"), 10, "1700003601")), media_refusal::forged);
  target = sign();
  EXPECT_EQ(refusal(target.replace(target.find("1700003600"), 10, "1600000000")), media_refusal::forged)
      << "one that never was good does not read as expired";
}

} // namespace
} // namespace lyceum::storage
