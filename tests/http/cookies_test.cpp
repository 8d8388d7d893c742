// SPDX-License-Identifier: Apache-2.0
#include "http/cookies.hpp"

#include <gtest/gtest.h>
#include <map>
#include <rapidcheck.h>
#include <stdexcept>

namespace lyceum::http {
namespace {

using namespace std::chrono_literals;
using found = std::optional<std::string_view>;

TEST(cookies_test, a_cookie_is_found_among_others) {
  EXPECT_EQ(find_cookie("a=1; __Host-session=abc; b=2", session_cookie_name(true)), "abc");
  EXPECT_EQ(find_cookie("a=1; b=2", "b"), "2");
  EXPECT_EQ(find_cookie("a=1;b=2", "b"), "2") << "some proxies leave the space out";
  EXPECT_EQ(find_cookie("a=", "a"), "");
  EXPECT_EQ(find_cookie("a=b=c", "a"), "b=c");
  EXPECT_EQ(find_cookie("a=\"b\"", "a"), "\"b\"");
  EXPECT_EQ(find_cookie("a=1", "b"), std::nullopt);
  EXPECT_EQ(find_cookie("a=1", "A"), std::nullopt) << "names keep their case";
  EXPECT_EQ(find_cookie("", "a"), std::nullopt);
  EXPECT_EQ(find_cookie("ab=1; xa=2", "a"), std::nullopt);
}

TEST(cookies_test, what_is_no_pair_is_passed_over) {
  for (const char* odd : {"a", "=1", "a =1", "a= 1", " a=1", "\ta=1", "a=1 ", "a=x y", "a=x\ty", "a=\"x", "a=x\"",
                          "a=\"\"\"", "a=x,y", "a=x\\y", "a=\x7f", "a=\xc3\xa9", "a=x\x01"}) {
    EXPECT_EQ(find_cookie(odd, "a"), std::nullopt) << odd;
    EXPECT_EQ(find_cookie(std::string(odd) + "; a=2; b=3", "a"), "2") << odd;
    EXPECT_EQ(find_cookie("b=3; " + std::string(odd), "b"), "3") << odd;
  }
  EXPECT_EQ(find_cookie(std::string("a=x\0y", 5), "a"), std::nullopt);
  EXPECT_EQ(find_cookie("=1", ""), std::nullopt);
  EXPECT_EQ(find_cookie("a b=1", "a b"), std::nullopt);
  EXPECT_EQ(find_cookie(";;; a=1;;", "a"), "1");
}

TEST(cookies_test, the_first_good_one_of_a_name_counts) {
  EXPECT_EQ(find_cookie("a=1; a=2", "a"), "1");
  EXPECT_EQ(find_cookie("a=x y; a=2; a=3", "a"), "2");
}

TEST(cookies_test, a_second_guarded_one_makes_it_none) {
  for (const std::string name : {"__Host-session", "__Secure-x"}) {
    EXPECT_EQ(find_cookie(name + "=1", name), "1");
    for (const char* second : {"=1", "=2", "=", "", "=x y", "=\"", "=\xff"}) {
      EXPECT_EQ(find_cookie(name + "=1; " + name + second, name), std::nullopt) << second;
      EXPECT_EQ(find_cookie(name + second + "; a=1;" + name + "=1", name), std::nullopt) << second;
    }
    EXPECT_EQ(find_cookie(name + "=1; " + name + "=2; a=3", "a"), "3") << "others are not touched";
  }
}

TEST(cookies_test, limits_are_kept_to_the_octet) {
  const std::string longest(cookie_pair_octets_max - 1, 'x');
  EXPECT_EQ(find_cookie("a=" + longest, "a"), longest);
  EXPECT_EQ(find_cookie("a=" + longest + "x", "a"), std::nullopt);
  EXPECT_EQ(find_cookie("a=" + longest + "x; a=1", "a"), "1");
  const std::string tail = "; a=1";
  const auto filled = [&](std::size_t octets) { return "b=" + std::string(octets - tail.size() - 2, 'x') + tail; };
  EXPECT_EQ(find_cookie(filled(cookie_field_octets_max), "a"), "1");
  EXPECT_EQ(find_cookie(filled(cookie_field_octets_max + 1), "a"), std::nullopt);
  std::string many = "a=1";
  for (std::size_t i = 1; i < cookie_pairs_max; ++i)
    many += "; b=1";
  EXPECT_EQ(find_cookie(many, "a"), "1");
  EXPECT_EQ(find_cookie(many + ";", "a"), std::nullopt);
}

TEST(cookies_test, any_cookies_read_as_a_plain_list_of_them) {
  EXPECT_TRUE(rc::check("find_cookie finds what was written first", [] {
    const auto pairs = *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
        rc::gen::pair(rc::gen::element<std::string>("a", "b", "session", "__Host-session", "x-y"),
                      rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ09=!-_./%")))));
    std::string field;
    std::map<std::string, std::vector<std::string>> written;
    for (const auto& [name, value] : pairs) {
      field += (field.empty() ? "" : "; ") + name + "=" + value;
      written[name].push_back(value);
    }
    RC_PRE(pairs.size() <= cookie_pairs_max && field.size() <= cookie_field_octets_max);
    for (const auto& [name, values] : written)
      if (name == session_cookie_name(true) && values.size() > 1)
        RC_ASSERT(find_cookie(field, name) == std::nullopt);
      else
        RC_ASSERT(find_cookie(field, name) == found(values.front()));
  }));
}

TEST(cookies_test, a_session_is_set_as_the_checklist_wants_it) {
  EXPECT_EQ(set_cookie({.name = session_cookie_name(true), .value = "abc"}),
            "__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(
      set_cookie(
          {.name = session_cookie_name(true), .value = "abc", .max_age = 336h, .same_site = cookie::sites::strict}),
      "__Host-session=abc; Path=/; Max-Age=1209600; Secure; HttpOnly; SameSite=Strict");
  EXPECT_EQ(set_cookie({.name = session_cookie_name(true), .value = "", .max_age = 0s}),
            "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(set_cookie({.name = "theme", .value = "dark", .path = "/courses", .secure = false, .http_only = false}),
            "theme=dark; Path=/courses; SameSite=Lax");
  EXPECT_EQ(set_cookie({.name = "a", .value = "1", .same_site = cookie::sites::none}),
            "a=1; Path=/; Secure; HttpOnly; SameSite=None");
}

TEST(cookies_test, a_cookie_that_no_browser_would_take_is_a_surprise) {
  const auto refused = [](const cookie& one) { EXPECT_THROW(set_cookie(one), std::invalid_argument); };
  refused({.name = "", .value = "x"});
  refused({.name = "a b", .value = "x"});
  refused({.name = "a=b", .value = "x"});
  refused({.name = "a\r\nb", .value = "x"});
  refused({.name = "a", .value = "x; Domain=evil.example"});
  refused({.name = "a", .value = "x\r\nSet-Cookie: b=1"});
  refused({.name = "a", .value = "x y"});
  refused({.name = "a", .value = "é"});
  refused({.name = "a", .value = std::string(cookie_pair_octets_max, 'x')});
  refused({.name = "a", .value = "x", .max_age = -1s});
  refused({.name = "a", .value = "x", .max_age = cookie_life_max + 1s});
  refused({.name = "a", .value = "x", .path = ""});
  refused({.name = "a", .value = "x", .path = "courses"});
  refused({.name = "a", .value = "x", .path = "/; Domain=evil.example"});
  refused({.name = "__Host-a", .value = "x", .secure = false});
  refused({.name = "__Host-a", .value = "x", .path = "/courses"});
  refused({.name = "__Secure-a", .value = "x", .secure = false});
  refused({.name = "a", .value = "x", .secure = false, .same_site = cookie::sites::none});
}

TEST(cookies_test, what_is_set_is_found_again) {
  EXPECT_TRUE(rc::check("set_cookie and find_cookie agree on values", [](const std::string& value) {
    if (!is_cookie_value(value)) {
      try {
        set_cookie({.name = "a", .value = value});
        RC_FAIL("a value that is none was set");
      } catch (const std::invalid_argument&) {
      }
      return;
    }
    const auto text = set_cookie({.name = "a", .value = value});
    RC_ASSERT(find_cookie(text.substr(0, text.find(';')), "a") == found(value));
  }));
}

} // namespace
} // namespace lyceum::http
