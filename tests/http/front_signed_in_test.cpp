// SPDX-License-Identifier: Apache-2.0
// What a loop does for somebody who is signed in.
#include "school.hpp"

#include "storage/secrets.hpp"
#include "tests/storage/allocations.hpp"

#include <map>

namespace lyceum::http::testing {
namespace {

class front_signed_in_test : public school {
protected:
  front_signed_in_test() {
    config.sessions = &sessions;
    config.identify = [this](const std::string& session, storage::db*, unix_time) { return told(session); };
    way_in.instead = [this](const job_ptr& what) { run_and_keep(what); };
    auto tiered = make_route("GET", "/tiered/:name", [](const request& asked, storage::db*) {
      response out;
      out.body = asked.path + " for " + tier_prefix(asked.who) + "of " + std::to_string(asked.account);
      out.cache.what = cache_rule::kind::page;
      return out;
    });
    tiered.kept = true;
    rows.push_back(tiered);
    io_route me;
    me.path = "/who";
    me.personal = true;
    me.answer = [](const request& asked) {
      response out;
      out.body = std::to_string(asked.account) + " " + tier_prefix(asked.who);
      return out;
    };
    config.io_routes.push_back(me);
    io_route count;
    count.path = "/allocations"; // of the loop's thread
    count.answer = [](const request&) {
      response out;
      out.body = std::to_string(allocations());
      return out;
    };
    config.io_routes.push_back(count);
  }

  /// As a session does it.
  void run_and_keep(const job_ptr& what) {
    auto answer = what->run(what->asked, nullptr);
    if (answer && !what->cache_key.empty())
      if (auto made = make_page(response(*answer), what->route, what->asked.who))
        pages.put(made->alike ? what->alike_key : what->cache_key, made);
    what->reply->fulfil(answer ? std::move(*answer) : answer_for(answer.error()));
  }
  identity told(const std::string& session) {
    ++asked_who;
    std::lock_guard lock(guard);
    identity made;
    if (const auto at = rows_of.find(session); at != rows_of.end()) {
      made.who.tier = at->second.second;
      made.session = {.account = at->second.first, .until_us = INT64_MAX, .touched_us = micros(now_utc())};
    } else {
      made.session = {.account = 0, .until_us = INT64_MAX};
    }
    made.session.tier = *sessions.tier(tier_prefix(made.who));
    sessions.put(*session_hash_of(session), made.session, micros(now_utc()), sessions.changes());
    return made;
  }
  /// The Cookie line of a new session, which the database knows and the table does not.
  std::string sign_in(id account, access::kind tier) {
    const auto token = storage::secrets::make_token();
    std::lock_guard lock(guard);
    rows_of[storage::secrets::hash_of_token(token)] = {account, tier};
    return "Cookie: a=b; session=" + token + "\r\n";
  }

  session_table sessions;
  std::mutex guard;
  std::map<std::string, std::pair<id, access::kind>> rows_of;
  std::atomic<int> asked_who = 0;
};

TEST_F(front_signed_in_test, the_database_is_asked_once_who_it_is_and_then_the_page_is_a_hit) {
  open();
  const auto ann = sign_in(7, access::kind::members);
  EXPECT_EQ(get("/tiered/a", ann).body, "/tiered/a for members of 7");
  way_in.entered = 0;
  EXPECT_EQ(get("/tiered/a", sign_in(8, access::kind::members)).body, "/tiered/a for members of 7")
      << "one page a tier";
  EXPECT_EQ(way_in.entered, 1) << "the question who it is";
  EXPECT_EQ(get("/tiered/a", ann).body, "/tiered/a for members of 7");
  EXPECT_EQ(way_in.entered, 1);
  EXPECT_EQ(asked_who, 2);
}

TEST_F(front_signed_in_test, each_tier_has_a_page_of_its_own) {
  open();
  const auto paid = sign_in(8, access::kind::paid);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(get("/tiered/a").body, "/tiered/a for of 0");
    EXPECT_EQ(get("/tiered/a", paid).body, "/tiered/a for paid of 8");
    EXPECT_EQ(get("/tiered/a?x=y", paid).body, "/tiered/a for paid of 8") << "written in another way";
  }
  EXPECT_EQ(get("/tiered/a").field("Cache-Control"), "public, no-cache");
  EXPECT_EQ(get("/tiered/a", paid).field("Cache-Control"), "private, no-cache");
}

TEST_F(front_signed_in_test, what_is_alike_for_all_needs_no_question) {
  response from;
  from.body = "for all";
  from.cache.what = cache_rule::kind::page;
  from.cache.alike = true;
  pages.put("/tiered/all", make_page(std::move(from), "/tiered/:name"));
  open();
  EXPECT_EQ(get("/tiered/all", sign_in(7, access::kind::members)).body, "for all");
  EXPECT_EQ(get("/tiered/all").body, "for all");
  EXPECT_EQ(way_in.entered, 0);
}

TEST_F(front_signed_in_test, a_token_that_is_nobodys_gets_what_guests_get) {
  open();
  EXPECT_EQ(get("/tiered/a").body, "/tiered/a for of 0");
  const auto nobody = "Cookie: session=" + storage::secrets::make_token() + "\r\n";
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(get("/tiered/a", nobody).body, "/tiered/a for of 0");
  EXPECT_EQ(asked_who, 1);
  EXPECT_EQ(get("/tiered/a", "Cookie: session=short\r\n").body, "/tiered/a for of 0");
  EXPECT_EQ(asked_who, 1) << "no token by its form";
}

TEST_F(front_signed_in_test, a_request_is_told_whose_session_it_brings_but_two_cookie_lines_bring_none) {
  open();
  const auto ann = sign_in(7, access::kind::members);
  get("/plain/a", ann);
  EXPECT_EQ(way_in.last().session.size(), 64u);
  EXPECT_EQ(way_in.last().account, 0) << "a row that is not kept asks for itself";
  get("/plain/a", ann + ann);
  EXPECT_EQ(way_in.last().session, "");
}

TEST_F(front_signed_in_test, who_cannot_be_told_gets_the_guests_page_and_no_word_of_himself) {
  way_in.instead = [this](const job_ptr& what) {
    if (what->route == "session")
      what->reply->fulfil(answer_for({problem::kind::unavailable, {}}));
    else
      run_and_keep(what);
  };
  open();
  const auto ann = sign_in(7, access::kind::members);
  EXPECT_EQ(get("/tiered/a", ann).body, "/tiered/a for of 0");
  EXPECT_EQ(get("/who", ann).status, 503);
  EXPECT_EQ(get("/who").status, 200);
}

TEST_F(front_signed_in_test, a_loops_own_route_is_told_who_asks) {
  open();
  const auto ann = sign_in(7, access::kind::members);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(get("/who", ann).body, "7 members ");
  EXPECT_EQ(asked_who, 1);
  EXPECT_EQ(get("/who").body, "0 ");
}

TEST_F(front_signed_in_test, a_session_in_use_is_told_once_a_minute) {
  open();
  const auto ann = sign_in(7, access::kind::members);
  get("/tiered/a", ann);
  const auto hash = *session_hash_of(way_in.last().session);
  auto old = *sessions.find(hash, micros(now_utc()));
  old.touched_us -= 61'000'000;
  ASSERT_TRUE(sessions.put(hash, old, micros(now_utc()), sessions.changes()));
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(get("/tiered/a", ann).body, "/tiered/a for members of 7");
  EXPECT_EQ(sessions.take_used(9), std::vector{hash});
}

TEST_F(front_signed_in_test, who_reads_only_what_is_alike_for_all_is_seen_now_and_then_and_by_me_at_once) {
  response from;
  from.body = "for all";
  from.cache.what = cache_rule::kind::page;
  from.cache.alike = true;
  pages.put("/tiered/all", make_page(std::move(from), "/tiered/:name"));
  open();
  const auto ann = sign_in(7, access::kind::members);
  get("/who", ann); // now it is known
  get("/plain/a", ann);
  const auto hash = *session_hash_of(way_in.last().session);
  const auto forget_use = [&] {
    auto old = *sessions.find(hash, micros(now_utc()));
    old.touched_us -= 61'000'000;
    ASSERT_TRUE(sessions.put(hash, old, micros(now_utc()), sessions.changes()));
  };
  forget_use();
  get("/who", ann);
  EXPECT_EQ(sessions.take_used(9), std::vector{hash});
  forget_use();
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(get("/tiered/all", ann).body, "for all");
  EXPECT_EQ(sessions.take_used(9), std::vector{hash});
}

TEST_F(front_signed_in_test, a_stale_page_is_made_anew_for_its_own_tier) {
  open();
  const auto ann = sign_in(7, access::kind::members), bea = sign_in(8, access::kind::members);
  get("/tiered/a");
  get("/tiered/a", ann);
  pages.put_stale("members /tiered/a", ready_page("old"));
  EXPECT_EQ(get("/tiered/a", bea).body, "/tiered/a for members of 8");
  EXPECT_EQ(get("/tiered/a").body, "/tiered/a for of 0") << "the guests' copy was not touched";
}

TEST_F(front_signed_in_test, a_hit_takes_no_memory_whoever_asks) {
  open();
  const auto ann = sign_in(7, access::kind::members);
  get("/tiered/a", ann);
  client one(address());
  const auto counted = [&](int hits) {
    const auto now = [&] { return std::stoul(one.get("/allocations").hear().body); };
    const auto before = now();
    for (int i = 0; i < hits; ++i)
      EXPECT_EQ(one.get("/tiered/a", ann).hear().status, 200);
    return now() - before;
  };
  counted(10); // what it keeps is made
  EXPECT_EQ(counted(500), counted(5));
}

} // namespace
} // namespace lyceum::http::testing
