// SPDX-License-Identifier: Apache-2.0
// Everybody before everything that could show what is not theirs: pages, media, captions, feeds, previews, cached copies, old URLs.
#include "tests/site/readers.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>
#include <thread>

namespace lyceum::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class access_matrix : public school_of_readers {};
INSTANTIATE_TEST_SUITE_P(engines, access_matrix, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& given) { return std::string(given.param); });

struct row {
  const char* lesson;
  std::set<std::string> readers; ///< who may read all of it
};
const std::vector<row> lessons = {
    {"open", {"guest", "member", "lapsed", "silver", "gold", "staff"}},
    {"members", {"member", "lapsed", "silver", "gold", "staff"}},
    {"paid", {"silver", "gold", "staff"}},
    {"gold", {"gold", "staff"}},
};

TEST_P(access_matrix, nothing_leaks_and_nothing_is_refused_wrongly) {
  std::map<std::string, reader> people;
  people["guest"] = {};
  for (const char* name : {"member", "lapsed", "silver", "gold"})
    people[name] = make_reader(name);
  people["staff"] = make_reader("staff", account_role::author);
  give(people["silver"], "silver");
  give(people["gold"], "gold");
  const auto gone = give(people["lapsed"], "gold");

  // What somebody had while it was his, kept for later.
  std::map<std::string, std::string> old_urls;
  for (const auto& [lesson, readers] : lessons)
    if (const auto led = get(media_of(lesson, "mp4"), people["lapsed"]); led.status == 302)
      old_urls[lesson] = led.field("Location");
  ASSERT_TRUE(old_urls.contains("gold"));
  EXPECT_EQ(school->get(old_urls["gold"]).status, 200);
  ASSERT_TRUE(storage::grants::revoke(*rows, gone, "test", now_utc()));
  settle();

  for (int round = 0; round < 2; ++round) // the second time from the cache
    for (const auto& [name, who] : people)
      for (const auto& [lesson, readers] : lessons) {
        const bool may = readers.contains(name);
        const auto told = name + " before " + lesson;
        const auto secret = "SECRET-" + std::string(lesson);
        const auto page = get("/courses/school/" + std::string(lesson), who);
        EXPECT_EQ(page.status, 200) << told;
        EXPECT_EQ(page.body.find(secret) != std::string::npos, may) << told;
        EXPECT_EQ(page.body.find(media_of(lesson, "mp4")) != std::string::npos, may) << told << ", the film's address";
        EXPECT_THAT(page.body, HasSubstr("For all of you")) << told;
        for (const char* kind : {"mp4", "en.vtt", "jpg"}) {
          const auto plain = get(media_of(lesson, kind), who);
          if (std::string_view(lesson) == "open") {
            EXPECT_EQ(plain.status, 200) << told;
            continue;
          }
          EXPECT_EQ(plain.status, may ? 302 : 404) << told << " " << kind;
          if (!may)
            continue;
          const auto url = plain.field("Location");
          EXPECT_EQ(plain.field("Cache-Control"), "no-store");
          const auto file = school->get(url); // the URL alone
          EXPECT_EQ(file.status, 200) << told << " " << url;
          EXPECT_THAT(file.body, HasSubstr(secret)) << told;
          EXPECT_EQ(file.field("Cache-Control"), "private, no-cache");
          const auto part = school->get(url, {"Range: bytes=0-3"});
          EXPECT_EQ(part.status, 206);
          EXPECT_EQ(part.body.size(), 4u);
        }
        for (const char* list :
             {"/", "/courses", "/courses/school", "/feed.xml", "/atom.xml", "/sitemap.xml", "/articles"}) {
          const auto body = get(list, who).body;
          EXPECT_THAT(body, Not(HasSubstr("SECRET-members"))) << name << " " << list;
          EXPECT_THAT(body, Not(HasSubstr("SECRET-gold"))) << name << " " << list;
        }
      }
  EXPECT_EQ(school->get(old_urls["gold"]).status, 403) << "what he had is not his any more";
  EXPECT_EQ(school->get(old_urls["members"]).status, 200) << "and what still is, is";
}

TEST_P(access_matrix, two_members_find_nothing_of_each_other_in_the_cache) {
  auto ann = make_reader("Ann-Unmistakable"), bea = make_reader("Bea-Unmistakable");
  const std::vector<std::string> paths = {"/",
                                          "/courses",
                                          "/courses/school",
                                          "/courses/school/members",
                                          "/me",
                                          "/courses/school/paid",
                                          "/feed.xml",
                                          "/sitemap.xml",
                                          "/none"};
  for (int round = 0; round < 2; ++round)
    for (const auto& path : paths) {
      const auto of_ann = get(path, ann), of_bea = get(path, bea);
      EXPECT_THAT(of_bea.body, Not(HasSubstr("Ann-Unmistakable"))) << path;
      EXPECT_THAT(of_ann.body, Not(HasSubstr("Bea-Unmistakable"))) << path;
      EXPECT_THAT(school->get(path).body, Not(HasSubstr("Unmistakable"))) << path;
      EXPECT_EQ(of_ann.field("Set-Cookie"), "");
      EXPECT_THAT(of_bea.head, Not(HasSubstr(std::to_string(ann.account))));
    }
}

TEST_P(access_matrix, a_signed_url_with_any_octet_changed_opens_nothing) {
  const auto ann = make_reader("Ann");
  const auto url = get(media_of("members", "mp4"), ann).field("Location");
  ASSERT_EQ(school->get(url).status, 200);
  std::mt19937 dice(11);
  client one(school->port());
  std::size_t tried = 0;
  for (std::size_t i = 1; i < url.size(); ++i)
    for (int turn = 0; turn < 3; ++turn) {
      auto other = url;
      do
        other[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=&?%/."[dice() % 70];
      while (other[i] == url[i]);
      const auto got = one.get(other);
      EXPECT_NE(got.status, 200) << other;
      EXPECT_NE(got.status, 302) << other;
      EXPECT_EQ(got.body.find("SECRET-"), std::string::npos) << other;
      ++tried;
    }
  EXPECT_GT(tried, 300u);
  EXPECT_NE(one.get(url.substr(0, url.size() - 1)).status, 200);
  EXPECT_NE(one.get(url + "A").status, 200);
  const auto query = url.substr(url.find('?'));
  EXPECT_EQ(one.get(media_of("gold", "mp4") + query).status, 403) << "another file";
}

TEST_P(access_matrix, what_was_signed_for_who_is_signed_out_everywhere_opens_nothing) {
  const auto ann = make_reader("Ann");
  const auto other = open_session(ann.account);
  settle();
  const auto url = get(media_of("members", "mp4"), ann).field("Location");
  ASSERT_EQ(school->get(url).status, 200);
  ASSERT_TRUE(storage::sessions::sign_out(*rows, storage::secrets::hash_of_token(ann.token), now_utc()));
  settle();
  EXPECT_EQ(school->get(url).status, 200) << "the same person reads on in another browser";
  auto other_reader = ann;
  other_reader.token = other;
  const auto his = get(media_of("members", "mp4"), other_reader).field("Location");
  ASSERT_TRUE(
      storage::sessions::revoke_all(*rows, ann.account, storage::secrets::hash_of_token(other), "test", now_utc()));
  EXPECT_TRUE(soon([&] { return school->get(url).status == 403; })) << "signed before all others were signed out";
  EXPECT_EQ(school->get(his).status, 403) << "by whom, nobody knows";
  const auto again = get(media_of("members", "mp4"), other_reader).field("Location");
  EXPECT_EQ(school->get(again).status, 200);
  ASSERT_TRUE(storage::sessions::revoke_all(*rows, ann.account, "", "test", now_utc()));
  EXPECT_TRUE(soon([&] { return school->get(again).status == 403; }));
  open_session(ann.account);
  settle();
  EXPECT_EQ(school->get(again).status, 403) << "who signs in anew does not bring it back";
}

TEST_P(access_matrix, what_was_signed_goes_on_without_a_database_and_what_was_not_says_come_again) {
  const auto ann = make_reader("Ann");
  std::this_thread::sleep_for(
      1100ms); // URLs say to the second when they were signed: in that of a change it may have been before it
  const auto url = get(media_of("members", "mp4"), ann).field("Location");
  ASSERT_EQ(school->get(url).status, 200);
  ASSERT_EQ(school->ctl({"--yes", "stop", "storage"}).status, 0);
  EXPECT_EQ(school->get(url, {"Range: bytes=2-5"}).status, 206);
  const auto other = get(media_of("members", "jpg"), ann);
  EXPECT_EQ(other.status, 503);
  EXPECT_NE(other.field("Retry-After"), "");
}

} // namespace
} // namespace lyceum::testing
