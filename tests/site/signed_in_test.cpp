// SPDX-License-Identifier: Apache-2.0
// Reading while signed in, on both engines: pages of each tier from the cache, `/me` from memory, and what ends at once.
#include "tests/site/readers.hpp"
#include "tests/site/visitors.hpp"

#include <gmock/gmock.h>

#include <random>
#include <thread>

namespace lyceum::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* open_page = "/courses/school/open";
constexpr const char* members_page = "/courses/school/members";
constexpr const char* paid_page = "/courses/school/paid";
constexpr const char* gold_page = "/courses/school/gold";

class signed_in : public school_of_readers {};
INSTANTIATE_TEST_SUITE_P(engines, signed_in, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& given) { return std::string(given.param); });

TEST_P(signed_in, each_reads_what_is_open_to_them_and_no_more) {
  const auto member = make_reader("Ann");
  auto gold = make_reader("Bea"), silver = make_reader("Cai"), staff = make_reader("Dan", account_role::author);
  give(gold, "gold");
  give(silver, "silver");
  const reader guest;
  for (int round = 0; round < 2; ++round) { // the second time from the cache
    EXPECT_TRUE(reads(open_page, guest));
    EXPECT_FALSE(reads(members_page, guest));
    EXPECT_TRUE(reads(members_page, member));
    EXPECT_FALSE(reads(paid_page, member));
    EXPECT_TRUE(reads(paid_page, gold));
    EXPECT_TRUE(reads(gold_page, gold));
    EXPECT_TRUE(reads(paid_page, silver));
    EXPECT_FALSE(reads(gold_page, silver));
    EXPECT_TRUE(reads(gold_page, staff));
    for (const char* page : {members_page, paid_page, gold_page})
      EXPECT_FALSE(reads(page, guest)) << page;
  }
}

TEST_P(signed_in, a_page_that_is_alike_for_all_has_one_copy_and_the_others_one_a_tier) {
  const auto ann = make_reader("Ann"), bea = make_reader("Bea");
  for (int round = 0; round < 2; ++round)
    for (const auto& who : {ann, bea, reader{}})
      for (const char* page : {open_page, members_page, "/courses", "/"})
        EXPECT_EQ(get(page, who).status, 200);
  const auto listed = school->ctl({"cache", "list", "1000"}).out;
  EXPECT_THAT(listed, HasSubstr("members /courses/school/members"));
  EXPECT_THAT(listed, Not(HasSubstr("members /courses/school/open")));
  EXPECT_THAT(listed, Not(HasSubstr("members / ")));
  EXPECT_THAT(get(members_page, ann).field("Cache-Control"), HasSubstr("private"));
  EXPECT_THAT(get(open_page, ann).field("Cache-Control"), HasSubstr("public"));
  EXPECT_EQ(get(members_page, ann).field("ETag"), get(members_page, bea).field("ETag"));
  EXPECT_NE(get(members_page, ann).field("ETag"), get(members_page, {}).field("ETag"));
}

TEST_P(signed_in, the_second_look_at_a_page_is_a_hit_without_the_database) {
  const auto ann = make_reader("Ann");
  EXPECT_TRUE(reads(members_page, ann));
  ASSERT_EQ(school->ctl({"--yes", "stop", "storage"}).status, 0);
  const auto before = school->metric("lyceum_cache_lookups_total{outcome=\"hit\"}").value_or(0);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(reads(members_page, ann));
  EXPECT_GE(school->metric("lyceum_cache_lookups_total{outcome=\"hit\"}").value_or(0), before + 20);
  EXPECT_EQ(me(ann).at("name"), "Ann");
  EXPECT_EQ(school->get(open_page, {"Cookie: session=" + storage::secrets::make_token()}).status, 200)
      << "whoever it is";
}

TEST_P(signed_in, a_page_that_becomes_closed_is_not_served_to_those_who_had_it) {
  const auto ann = make_reader("Ann");
  const reader guest;
  EXPECT_TRUE(reads(open_page, guest));
  EXPECT_TRUE(reads(open_page, ann));
  write_file(place / "school/courses/school/01-open.md",
             "---\ntitle: open\naccess: members\n---\nFree.\n\n<!-- more -->\n\nSECRET-open\n");
  EXPECT_TRUE(eventually([&] { return !reads(open_page, guest); }));
  EXPECT_TRUE(eventually([&] { return reads(open_page, ann); }));
  EXPECT_FALSE(reads(open_page, guest));
  write_file(place / "school/courses/school/01-open.md", "---\ntitle: open\n---\nFree again. SECRET-open\n");
  EXPECT_TRUE(eventually([&] { return reads(open_page, guest); }));
  EXPECT_TRUE(eventually([&] { return get(open_page, ann).body.find("Free again") != std::string::npos; }));
}

TEST_P(signed_in, me_says_who_one_is) {
  auto ann = make_reader("<b>O'Hara & Söhne</b>");
  EXPECT_EQ(me({}), json::parse(R"({"signed_in":false})").as_object());
  const auto told = me(ann);
  EXPECT_EQ(told.at("name"), "<b>O'Hara & Söhne</b>");
  EXPECT_EQ(told.at("tier"), "members");
  const auto answer = get("/me", ann);
  EXPECT_EQ(answer.field("Cache-Control"), "no-store");
  EXPECT_EQ(answer.field("Content-Type"), "application/json");
  give(ann, "gold");
  EXPECT_TRUE(soon([&] { return me(ann).at("tier") == "plan"; }));
  EXPECT_EQ(me(ann).at("plans"), json::parse(R"(["gold"])"));
  EXPECT_TRUE(storage::accounts::rename(*rows, ann.account, "Anna", "test", now_utc()));
  EXPECT_TRUE(soon([&] { return me(ann).at("name") == "Anna"; }));
}

TEST_P(signed_in, a_session_that_is_ended_and_a_grant_that_is_taken_back_end_soon) {
  const auto ann = make_reader("Ann"), bea = make_reader("Bea");
  const auto grant = give(ann, "gold");
  EXPECT_TRUE(soon([&] { return reads(gold_page, ann); }));
  EXPECT_TRUE(reads(members_page, bea));
  ASSERT_TRUE(storage::grants::revoke(*rows, grant, "test", now_utc()));
  EXPECT_TRUE(soon([&] { return !reads(gold_page, ann); }));
  EXPECT_TRUE(reads(members_page, ann));
  ASSERT_TRUE(storage::sessions::revoke_all(*rows, ann.account, "", "test", now_utc()));
  EXPECT_TRUE(soon([&] { return !reads(members_page, ann); }));
  EXPECT_TRUE(reads(members_page, bea));
  EXPECT_EQ(me(ann).at("signed_in"), false);
  std::vector<std::string> arguments{"user",  "delete", "Bea@school.example",
                                     "--yes", "--data", school->data().string()};
  if (!database.empty())
    arguments.insert(arguments.end(), {"--database", database});
  const auto before = followed("heard");
  ASSERT_EQ(run_lyceum(arguments).status, 0) << "another process";
  EXPECT_TRUE(soon([&] { return !reads(members_page, bea); }));
  if (!database.empty()) {
    EXPECT_TRUE(soon([&] { return followed("heard") > before; }))
        << "not by the look each 5 s, for words that are lost";
  }
}

TEST_P(signed_in, the_database_hears_that_a_session_is_in_use) {
  auto ann = make_reader("Ann");
  const auto before = now_utc() - 5min;
  ann.token = open_session(ann.account, before);
  const auto seen_at = [&] {
    return storage::sessions::find(*rows, storage::secrets::hash_of_token(ann.token), now_utc())->what.seen_at;
  };
  EXPECT_TRUE(reads(members_page, ann)); // now it is known
  EXPECT_TRUE(reads(members_page, ann));
  EXPECT_TRUE(eventually([&] { return seen_at() > before + 4min; }));
}

TEST_P(signed_in, a_grant_ends_when_its_time_is_over) {
  const auto ann = make_reader("Ann");
  give(ann, "gold", now_utc() + 6s);
  EXPECT_TRUE(soon([&] { return reads(gold_page, ann); }));
  EXPECT_TRUE(eventually([&] { return !reads(gold_page, ann); }, 15s));
  EXPECT_TRUE(reads(members_page, ann));
}

TEST_P(signed_in, a_cookie_with_any_octet_changed_is_nobodys) {
  const auto ann = make_reader("Ann");
  EXPECT_TRUE(reads(members_page, ann));
  std::mt19937 dice(7); // which octet it becomes; the places are all tried
  client one(school->port());
  for (std::size_t i = 0; i < ann.token.size(); ++i) {
    auto other = ann.token;
    do
      other[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.%"[dice() % 67];
    while (other[i] == ann.token[i]);
    EXPECT_EQ(one.get(members_page, {"Cookie: session=" + other}).body.find("SECRET-"), std::string::npos) << i;
  }
  EXPECT_EQ(one.get(members_page, {"Cookie: session=" + ann.token.substr(1)}).body.find("SECRET-"), std::string::npos);
  EXPECT_EQ(one.get(members_page, {"Cookie: session=" + ann.token + "A"}).body.find("SECRET-"), std::string::npos);
  EXPECT_EQ(one.get(members_page, {ann.cookie(), ann.cookie()}).body.find("SECRET-"), std::string::npos)
      << "two lines are none";
}

TEST_P(signed_in, reading_goes_on_while_storage_and_the_tables_keeper_are_killed) {
  const auto ann = make_reader("Ann");
  EXPECT_TRUE(reads(members_page, ann));
  std::size_t failed = 0;
  const auto until = std::chrono::steady_clock::now() + 3s;
  client one(school->port());
  for (int i = 0; std::chrono::steady_clock::now() < until; ++i) {
    if (i % 40 == 0) {
      EXPECT_EQ(school->ctl({"--yes", "kill", i % 80 == 0 ? "storage" : "cache/session_table"}).status, 0);
    }
    const auto got = one.get(members_page, {ann.cookie()});
    failed += got.status != 200 || got.body.find("SECRET-") == std::string::npos;
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(failed, 0u);
}

TEST_P(signed_in, a_server_that_begins_anew_knows_its_sessions_and_keeps_their_pages) {
  const auto ann = make_reader("Ann");
  EXPECT_TRUE(reads(members_page, ann));
  EXPECT_TRUE(eventually([&] {
    return school->ctl({"cache", "list", "1000"}).out.find("members /") != std::string::npos;
  }));
  ASSERT_EQ(school->stop(), 0);
  school->start();
  ASSERT_TRUE(school->ready());
  EXPECT_TRUE(reads(members_page, ann));
  EXPECT_FALSE(reads(members_page, {}));
}

TEST_P(signed_in, a_thousand_made_up_tokens_drive_out_nobody) {
  const auto ann = make_reader("Ann");
  EXPECT_TRUE(reads(members_page, ann));
  client one(school->port());
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(one.get(members_page, {"Cookie: session=" + storage::secrets::make_token()}).body.find("SECRET-"),
              std::string::npos);
  ASSERT_EQ(school->ctl({"--yes", "stop", "storage"}).status, 0);
  EXPECT_TRUE(reads(members_page, ann)) << "it is still in memory";
}

} // namespace
} // namespace lyceum::testing
