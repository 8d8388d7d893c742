// SPDX-License-Identifier: Apache-2.0
#include "http/passes.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sys/stat.h>

namespace lyceum::http {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class passes_test : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lyceum-passes-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    gate = open();
  }
  void TearDown() override { fs::remove_all(folder); }
  std::unique_ptr<passes> open() const { return std::move(passes::open(folder / "console.key").value()); }
  std::string cookie(operator_role role = operator_role::admin) {
    return gate->enter(gate->make_link(role, now), now).value();
  }

  fs::path folder;
  std::unique_ptr<passes> gate;
  unix_time now = now_utc();
};

TEST_F(passes_test, a_link_opens_one_session_and_no_second) {
  const auto token = gate->make_link(operator_role::operating, now);
  EXPECT_EQ(token.size(), 32u) << "192 bits";
  const auto cookie = gate->enter(token, now);
  ASSERT_TRUE(cookie);
  EXPECT_FALSE(gate->enter(token, now));
  const auto who = gate->find(*cookie, now);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->role, operator_role::operating);
  EXPECT_EQ(who->until, now + 12h);
  EXPECT_EQ(who->id.size(), 8u);
}

TEST_F(passes_test, a_link_has_five_minutes) {
  const auto token = gate->make_link(operator_role::admin, now);
  EXPECT_FALSE(gate->enter(token, now + 5min));
  EXPECT_FALSE(gate->enter(token, now)) << "it was used up by trying";
  EXPECT_TRUE(gate->enter(gate->make_link(operator_role::admin, now), now + 4min + 59s));
}

TEST_F(passes_test, five_links_live_and_the_oldest_makes_room) {
  std::vector<std::string> tokens;
  for (int i = 0; i < 6; ++i)
    tokens.push_back(gate->make_link(operator_role::admin, now));
  EXPECT_EQ(std::set<std::string>(tokens.begin(), tokens.end()).size(), 6u);
  EXPECT_FALSE(gate->enter(tokens.front(), now));
  for (int i = 1; i < 6; ++i)
    EXPECT_TRUE(gate->enter(tokens[static_cast<std::size_t>(i)], now)) << i;
}

TEST_F(passes_test, what_is_no_token_opens_nothing) {
  auto token = gate->make_link(operator_role::admin, now);
  for (const auto& no : {std::string(), std::string("x"), token + "A", token.substr(1), std::string(10'000, 'A')})
    EXPECT_FALSE(gate->enter(no, now));
  EXPECT_TRUE(gate->enter(token, now)) << "a wrong try uses up nobody's link";
}

TEST_F(passes_test, a_cookie_that_differs_in_any_octet_is_nobodys) {
  const auto good = cookie();
  ASSERT_TRUE(gate->find(good, now));
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const int turn : {1, 2, 4, 8, 16, 32, 64, 128}) {
      auto bad = good;
      bad[i] = static_cast<char>(bad[i] ^ turn);
      EXPECT_FALSE(gate->find(bad, now)) << i << " ^ " << turn;
    }
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(gate->find(good.substr(0, i), now)) << i;
    EXPECT_FALSE(gate->find(good.substr(i + 1), now)) << i;
  }
  EXPECT_FALSE(gate->find(good + "A", now));
  EXPECT_FALSE(gate->find("", now));
}

TEST_F(passes_test, a_session_ends_after_twelve_hours) {
  const auto one = cookie();
  EXPECT_TRUE(gate->find(one, now + 12h - 1s));
  EXPECT_FALSE(gate->find(one, now + 12h));
}

TEST_F(passes_test, a_session_outlives_the_process_and_not_its_key) {
  const auto one = cookie();
  EXPECT_TRUE(open()->find(one, now));
  fs::remove(folder / "console.key");
  EXPECT_FALSE(open()->find(one, now));
}

TEST_F(passes_test, who_signed_out_is_out_in_the_next_process_too) {
  const auto one = cookie(), other = cookie();
  gate->sign_out(*gate->find(one, now), now);
  EXPECT_FALSE(gate->find(one, now));
  EXPECT_TRUE(gate->find(other, now));
  const auto next = open();
  EXPECT_FALSE(next->find(one, now));
  EXPECT_TRUE(next->find(other, now));
}

TEST_F(passes_test, a_form_token_belongs_to_one_session) {
  const auto one = gate->find(cookie(), now), other = gate->find(cookie(), now);
  EXPECT_NE(one->csrf, other->csrf);
  EXPECT_TRUE(passes::same(one->csrf, one->csrf));
  EXPECT_FALSE(passes::same(other->csrf, one->csrf));
  EXPECT_FALSE(passes::same("", one->csrf));
  EXPECT_FALSE(passes::same("", ""));
}

TEST_F(passes_test, the_key_is_for_its_owner_alone) {
  struct stat info {};
  ASSERT_EQ(stat((folder / "console.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(info.st_size, 32);
  ASSERT_EQ(chmod((folder / "console.key").c_str(), 0644), 0);
  const auto no = passes::open(folder / "console.key");
  ASSERT_FALSE(no);
  EXPECT_NE(no.error().detail.find("may be read by others"), std::string::npos);
}

TEST_F(passes_test, half_a_key_is_none) {
  fs::resize_file(folder / "console.key", 16);
  EXPECT_FALSE(passes::open(folder / "console.key"));
}

} // namespace
} // namespace lyceum::http
