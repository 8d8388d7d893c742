// SPDX-License-Identifier: Apache-2.0
#include "http/csrf.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace lyceum::http {
namespace {

const std::string key_line_1 = "1 1700000000 " + std::string(64, '1') + "\n";
const std::string key_line_2 = "2 1800000000 " + std::string(64, '2') + "\n";

storage::key_ring ring_of(const std::string& lines) {
  return storage::key_ring::parse("lyceum keys 1\n" + lines).value();
}

const std::string owner(64, 'a');
const std::string other(64, 'b');

TEST(csrf_test, a_token_holds_for_its_owner_and_its_form_alone) {
  const auto ring = ring_of(key_line_1);
  const auto token = csrf_token(ring, owner, "/account/delete");
  EXPECT_TRUE(csrf_token_holds(ring, owner, "/account/delete", token));
  EXPECT_FALSE(csrf_token_holds(ring, other, "/account/delete", token));
  EXPECT_FALSE(csrf_token_holds(ring, owner, "/account/sessions", token));
  EXPECT_FALSE(csrf_token_holds(ring, "", "/account/delete", csrf_token(ring, "", "/account/delete")));
}

TEST(csrf_test, a_rotated_key_ends_no_form_that_is_open) {
  const auto before = ring_of(key_line_1);
  const auto after = ring_of(key_line_1 + key_line_2);
  const auto token = csrf_token(before, owner, "/sign-in");
  EXPECT_TRUE(csrf_token_holds(after, owner, "/sign-in", token));
  EXPECT_FALSE(csrf_token_holds(ring_of(key_line_2), owner, "/sign-in", token));
  EXPECT_TRUE(csrf_token(after, owner, "/sign-in").starts_with("2."));
}

TEST(csrf_test, a_token_of_which_anything_was_changed_is_none) {
  const auto ring = ring_of(key_line_1);
  const auto token = csrf_token(ring, owner, "/sign-in");
  for (std::size_t at = 0; at < token.size(); ++at)
    for (const char c : {'A', 'b', '-', '0', '.', '\0', '\n'}) {
      auto changed = token;
      changed[at] = c;
      EXPECT_EQ(csrf_token_holds(ring, owner, "/sign-in", changed), changed == token) << at;
    }
  for (const std::string& bad : {std::string(), std::string("1"), std::string("1."), std::string("."), token + "A",
                                 token.substr(0, token.size() - 1), " " + token, "-" + token})
    EXPECT_FALSE(csrf_token_holds(ring, owner, "/sign-in", bad)) << bad;
  rc::check("no text is a token",
            [&](const std::string& text) { RC_ASSERT(!csrf_token_holds(ring, owner, "/sign-in", text)); });
}

request with(std::vector<header> headers) {
  request asked;
  asked.method = "POST";
  asked.headers = std::move(headers);
  return asked;
}

TEST(csrf_test, what_the_browser_says_of_the_form_counts) {
  constexpr std::string_view base = "https://school.example";
  EXPECT_TRUE(comes_from_here(with({}), base)) << "an old browser says nothing";
  EXPECT_TRUE(comes_from_here(with({{"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://school.example"}}), base));
  EXPECT_TRUE(comes_from_here(with({{"Sec-Fetch-Site", "none"}}), base));
  for (const char* site : {"cross-site", "same-site", "SAME-ORIGIN", "x"})
    EXPECT_FALSE(comes_from_here(with({{"Sec-Fetch-Site", site}}), base)) << site;
  for (const char* origin : {"https://evil.example", "http://school.example", "https://school.example:8443", "null",
                             "https://school.example.evil.example", "https://school.example/"})
    EXPECT_FALSE(comes_from_here(with({{"Origin", origin}, {"Host", "school.example"}}), base)) << origin;
  EXPECT_FALSE(comes_from_here(with({{"Origin", "https://school.example"}, {"Origin", "https://evil.example"}}), base));
  EXPECT_FALSE(comes_from_here(with({{"Sec-Fetch-Site", "none"}, {"sec-fetch-site", "cross-site"}}), base));
}

TEST(csrf_test, without_a_base_url_the_host_is_as_good) {
  for (const std::string_view base : {"http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"}) {
    EXPECT_TRUE(comes_from_here(with({{"Origin", "http://localhost:9090"}, {"Host", "localhost:9090"}}), base));
    EXPECT_TRUE(comes_from_here(with({{"Origin", "http://10.0.0.5"}, {"Host", "10.0.0.5"}}), base));
    EXPECT_FALSE(comes_from_here(with({{"Origin", "http://evil.example"}, {"Host", "localhost:9090"}}), base));
    EXPECT_FALSE(comes_from_here(with({{"Origin", "null"}, {"Host", "null"}}), base));
    EXPECT_FALSE(comes_from_here(with({{"Origin", "http://"}}), base));
  }
}

} // namespace
} // namespace lyceum::http
