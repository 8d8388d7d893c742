// SPDX-License-Identifier: Apache-2.0
#include "actors/page_table.hpp"
#include "tests/actors/pages.hpp"

#include <algorithm>
#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <thread>

namespace lyceum {
namespace {

using state = page_table::freshness;
using testing::UnorderedElementsAre;

struct page_table_test : testing::Test {
  page_table table;
  std::unique_ptr<page_table::reader> loop = table.make_reader();
  std::int64_t now = micros(now_utc());

  std::string served(std::string_view key) {
    auto got = loop->find(key, now);
    std::string body = got.what ? std::string(got.what->identity->body) : "nothing";
    loop->quiet();
    return body;
  }
  bool leads(std::string_view key) {
    bool lead = loop->find(key, now).lead;
    loop->quiet();
    return lead;
  }
};

TEST_F(page_table_test, a_page_is_served_as_soon_as_it_is_put_and_until_it_is_erased) {
  EXPECT_EQ(served("/a"), "nothing");
  table.put("/a", page_of("one"));
  EXPECT_EQ(served("/a"), "one");
  table.put("/a", page_of("two"));
  EXPECT_EQ(served("/a"), "two");
  EXPECT_EQ(table.size(), 1u);
  EXPECT_TRUE(table.erase("/a"));
  EXPECT_FALSE(table.erase("/a"));
  EXPECT_EQ(served("/a"), "nothing");
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.bytes(), 0u);
}

TEST_F(page_table_test, a_found_page_stays_whole_until_the_quiet_point_whatever_writers_do) {
  table.put("/a", page_of("one"));
  auto got = loop->find("/a", now);
  table.put("/a", page_of("two"));
  table.erase("/a");
  table.reclaim();
  EXPECT_GT(table.retired_bytes(), 0u);
  EXPECT_EQ(got.what->identity->body, "one");
  loop->quiet();
  table.reclaim();
  EXPECT_EQ(table.retired_bytes(), 0u);
}

TEST_F(page_table_test, a_held_page_outlives_the_quiet_point) {
  table.put("/a", page_of("one"));
  auto held = loop->hold(loop->find("/a", now).what);
  table.erase("/a");
  loop->quiet();
  table.reclaim();
  EXPECT_EQ(held->identity->body, "one");
}

TEST_F(page_table_test, an_idle_reader_keeps_nothing_from_being_freed) {
  auto idle = table.make_reader();
  idle->find("/a", now);
  idle->quiet();
  for (int i = 0; i < 100; ++i)
    table.put("/a", page_of(std::to_string(i)));
  EXPECT_EQ(table.retired_bytes(), 0u);
}

TEST_F(page_table_test, a_reader_that_hangs_keeps_others_from_nothing) {
  table.put("/a", page_of("old"));
  auto hanging = table.make_reader();
  auto got = hanging->find("/a", now);
  for (int i = 0; i < 100; ++i)
    table.put("/a", page_of(std::to_string(i)));
  EXPECT_EQ(served("/a"), "99");
  EXPECT_EQ(got.what->identity->body, "old");
  EXPECT_GT(table.retired_bytes(), 99 * 700u) << "what was replaced meanwhile waits for it";
  hanging->quiet();
  table.reclaim();
  EXPECT_EQ(table.retired_bytes(), 0u);
}

TEST_F(page_table_test, a_stale_page_is_led_by_exactly_one_and_served_to_all) {
  table.put("/a", page_of("old", {"lesson:1"}));
  EXPECT_FALSE(leads("/a"));
  EXPECT_THAT(table.mark_stale("lesson:1", 0), UnorderedElementsAre("/a"));
  EXPECT_EQ(table.state_of("/a"), state::stale);
  EXPECT_TRUE(leads("/a"));
  EXPECT_EQ(table.state_of("/a"), state::revalidating);
  EXPECT_FALSE(leads("/a"));
  EXPECT_EQ(served("/a"), "old");
  table.put("/a", page_of("new", {"lesson:1"}, 2));
  EXPECT_EQ(table.state_of("/a"), state::fresh);
  EXPECT_FALSE(leads("/a"));
  EXPECT_EQ(served("/a"), "new");
}

TEST_F(page_table_test, a_page_turns_stale_when_its_time_comes) {
  auto answer = answer_of("scheduled");
  answer.cache.fresh_until = from_micros(now + 60'000'000);
  table.put("/a", make_page(std::move(answer), "/"));
  EXPECT_FALSE(leads("/a"));
  now += 59'999'000;
  EXPECT_FALSE(leads("/a"));
  now += 1'001;
  EXPECT_TRUE(leads("/a"));
  EXPECT_FALSE(leads("/a"));
}

TEST_F(page_table_test, after_a_failed_try_the_next_waits_for_the_pause) {
  table.put("/a", page_of("x", {"t"}));
  table.mark_stale("t", 0);
  EXPECT_TRUE(leads("/a"));
  now = micros(now_utc());
  table.lead_failed("/a", std::chrono::seconds(2));
  EXPECT_EQ(table.state_of("/a"), state::stale);
  EXPECT_FALSE(leads("/a"));
  now += 3'000'000;
  EXPECT_TRUE(leads("/a"));
}

TEST_F(page_table_test, a_leader_that_is_never_heard_of_again_is_replaced) {
  table.put("/a", page_of("x", {"t"}));
  table.mark_stale("t", 0);
  EXPECT_TRUE(leads("/a"));
  now += std::chrono::microseconds(page_table::lead_max).count() - 8;
  EXPECT_FALSE(leads("/a"));
  now += 16;
  EXPECT_TRUE(leads("/a"));
}

TEST_F(page_table_test, a_tag_marks_what_depends_on_it_and_was_made_before_and_nothing_else) {
  table.put("/old", page_of("x", {"lesson:1", "site"}, 4));
  table.put("/new", page_of("x", {"lesson:1"}, 5));
  table.put("/other", page_of("x", {"lesson:2", "site"}, 1));
  EXPECT_THAT(table.mark_stale("lesson:1", 5), UnorderedElementsAre("/old"));
  EXPECT_EQ(table.state_of("/old"), state::stale);
  EXPECT_EQ(table.state_of("/new"), state::fresh);
  EXPECT_EQ(table.state_of("/other"), state::fresh);
  EXPECT_THAT(table.mark_stale("nobody", 0), testing::IsEmpty());
  table.erase("/old");
  EXPECT_THAT(table.mark_stale("site", 0), UnorderedElementsAre("/other"));
}

TEST_F(page_table_test, a_page_made_from_content_that_was_changed_meanwhile_is_stale_at_once) {
  table.mark_stale("lesson:1", 7);
  table.put("/slow", page_of("made before the edit", {"course:1", "lesson:1"}, 6));
  EXPECT_EQ(table.state_of("/slow"), state::stale);
  EXPECT_TRUE(leads("/slow"));
  table.put("/slow", page_of("made after", {"course:1", "lesson:1"}, 7));
  EXPECT_EQ(table.state_of("/slow"), state::fresh);
}

TEST_F(page_table_test, a_late_page_does_not_take_the_place_of_a_newer_one) {
  table.mark_stale("lesson:1", 7);
  EXPECT_TRUE(table.put("/a", page_of("after the edit", {"lesson:1"}, 7)));
  EXPECT_FALSE(table.put("/a", page_of("before the edit", {"lesson:1"}, 6)));
  EXPECT_EQ(served("/a"), "after the edit");
  EXPECT_EQ(table.state_of("/a"), state::fresh);
}

TEST_F(page_table_test, evictions_beyond_what_is_remembered_count_for_every_tag) {
  table.mark_stale("first", 3);
  for (std::size_t i = 0; i < page_table::evictions_max; ++i)
    table.mark_stale("tag" + std::to_string(i), 2);
  table.put("/a", page_of("x", {"first"}, 2));
  EXPECT_EQ(table.state_of("/a"), state::stale);
  table.put("/a", page_of("x", {"first"}, 3));
  EXPECT_EQ(table.state_of("/a"), state::fresh);
}

TEST_F(page_table_test, encodings_take_a_pages_place_without_making_it_fresh) {
  auto bare = page_of(long_text(5000), {"t"});
  table.put("/a", bare);
  served("/a");
  table.mark_stale("t", 0);
  auto whole = with_encodings(*bare, 1);
  EXPECT_TRUE(table.replace("/a", bare, whole));
  EXPECT_EQ(table.state_of("/a"), state::stale);
  EXPECT_EQ(table.hits_of("/a"), 1u);
  EXPECT_FALSE(table.replace("/a", bare, whole)) << "no longer there";
  EXPECT_FALSE(table.replace("/b", bare, whole));
  EXPECT_EQ(table.find("/a"), whole);
}

TEST_F(page_table_test, hits_are_counted_and_stay_with_the_key) {
  table.put("/a", page_of("x"));
  for (int i = 0; i < 100; ++i)
    served("/a");
  EXPECT_EQ(table.hits_of("/a"), 100u);
  table.put("/a", page_of("y"));
  EXPECT_EQ(table.hits_of("/a"), 100u);
  for (int i = 0; i < 100'000; ++i)
    served("/a");
  EXPECT_NEAR(static_cast<double>(table.hits_of("/a")), 100'100.0, 10'000.0);
}

TEST_F(page_table_test, places_for_readers_are_limited_and_given_again) {
  page_table small(2);
  auto one = small.make_reader();
  auto two = small.make_reader();
  EXPECT_THROW(small.make_reader(), std::length_error);
  one.reset();
  EXPECT_NO_THROW(one = small.make_reader());
}

TEST_F(page_table_test, a_stored_stale_page_is_served_and_led) {
  table.put_stale("/a", page_of("kept"));
  EXPECT_TRUE(leads("/a"));
  EXPECT_EQ(served("/a"), "kept");
}

TEST(page_table_alike_test, what_is_not_alike_for_all_is_not_found_as_such_and_not_led) {
  page_table table;
  auto reader = table.make_reader();
  auto answer = answer_of("for all");
  answer.cache.alike = true;
  table.put("/all", make_page(std::move(answer), "/all"));
  table.put_stale("/guests", page_of("for guests"));
  EXPECT_NE(reader->find_alike("/all", 0).what, nullptr);
  EXPECT_EQ(reader->find_alike("/guests", 0).what, nullptr);
  EXPECT_EQ(table.state_of("/guests"), page_table::freshness::stale) << "nobody leads it";
  EXPECT_TRUE(reader->find("/guests", micros(now_utc())).lead);
}

TEST(page_key_test, one_page_has_one_key) {
  viewer anyone;
  EXPECT_EQ(page_key(anyone, "/fr/courses/basics", {}, {}), "/fr/courses/basics");
  EXPECT_EQ(page_key(anyone, "/caf\xc3\xa9 x", {}, {}), "/caf%C3%A9%20x");
  EXPECT_EQ(page_key(anyone, "/it's/(a)+b@c", {}, {}), "/it's/(a)+b@c");
  EXPECT_EQ(page_key(anyone, "/a?b", {}, {}), "/a%3Fb") << "a mark in the path is not the query's";
  EXPECT_EQ(page_key(anyone, "/a", {{"utm", "x"}, {"page", "2"}, {"after", "&="}}, {"page", "after"}),
            "/a?after=%26%3D&page=2");
  EXPECT_EQ(page_key(anyone, "/a", {{"t", "1"}, {"t", "0"}}, {"t"}), "/a?t=1&t=0");
}

RC_GTEST_PROP(page_key_test, a_tiers_prefix_says_what_its_viewer_may_see, ()) {
  viewer who;
  who.staff = *rc::gen::arbitrary<bool>();
  who.tier = who.staff ? access::kind::members
                       : *rc::gen::element(access::kind::everyone, access::kind::members, access::kind::paid,
                                           access::kind::plan);
  if (who.tier == access::kind::plan)
    who.plans = *rc::gen::nonEmpty(
        rc::gen::container<std::set<std::string>>(rc::gen::nonEmpty(rc::gen::string<std::string>())));
  RC_ASSERT(viewer_of_tier(tier_prefix(who)) == who);
}

TEST(page_key_test, what_is_no_tiers_prefix_is_nobodys) {
  for (const auto* text : {"members", "plan:%2 ", "plan:%zz ", "plan:a/b ", "plan:b:a ", "paid  ", "root "})
    EXPECT_FALSE(viewer_of_tier(text)) << text;
}

TEST(page_key_test, tiers_never_share_a_key) {
  EXPECT_EQ(page_key({access::kind::members, {}}, "/a", {}, {}), "members /a");
  EXPECT_NE(page_key({access::kind::plan, {"x /a"}}, "/b", {}, {}),
            page_key({access::kind::plan, {"x"}}, "/a /b", {}, {}));
  EXPECT_EQ(page_key({access::kind::plan, {"a b"}}, "/", {}, {}), "plan:a%20b /");
  EXPECT_EQ(page_key({access::kind::plan, {"b", "a"}}, "/", {}, {}), "plan:a:b /");
  EXPECT_NE(page_key({access::kind::plan, {"a", "b"}}, "/", {}, {}),
            page_key({access::kind::plan, {"a:b"}}, "/", {}, {}));
  EXPECT_EQ(page_key({access::kind::members, {}, true}, "/a", {}, {}), "staff /a");
}

// The clever thing against a plain map: whatever is put, erased and marked, in whatever order.
RC_GTEST_PROP(page_table_property, it_holds_what_a_map_would_hold, ()) {
  struct plain {
    std::string body;
    std::string tag;
    std::int64_t seq;
    bool stale;
  };
  page_table table;
  auto loop = table.make_reader();
  std::map<std::string, plain> model;
  std::map<std::string, std::int64_t> evicted;
  auto steps = *rc::gen::inRange(0, 600);
  auto keys = *rc::gen::element(3, 40, 400);
  auto now = micros(now_utc());
  for (int step = 0; step < steps; ++step) {
    auto key = "/" + std::to_string(*rc::gen::inRange(0, keys));
    auto tag = "t" + std::to_string(*rc::gen::inRange(0, 4));
    std::int64_t seq = *rc::gen::inRange(1, 20);
    switch (*rc::gen::inRange(0, 6)) {
    case 0:
    case 1:
    case 2: {
      auto body = std::to_string(step);
      bool late = evicted.contains(tag) && seq < evicted[tag];
      bool refused = late && model.contains(key) && model[key].seq > seq;
      RC_ASSERT(table.put(key, page_of(body, {tag}, seq)) == !refused);
      if (!refused)
        model[key] = {body, tag, seq, late};
      break;
    }
    case 3:
      RC_ASSERT(table.erase(key) == (model.erase(key) == 1));
      break;
    case 4: {
      auto marked = table.mark_stale(tag, seq);
      std::vector<std::string> expected;
      for (auto& [name, one] : model)
        if (one.tag == tag && one.seq < seq) {
          one.stale = true;
          expected.push_back(name);
        }
      std::ranges::sort(marked);
      RC_ASSERT(marked == expected);
      evicted[tag] = std::max(evicted[tag], seq);
      break;
    }
    default: {
      auto got = loop->find(key, now);
      auto at = model.find(key);
      RC_ASSERT((got.what != nullptr) == (at != model.end()));
      if (got.what) {
        RC_ASSERT(std::string(got.what->identity->body) == at->second.body);
        RC_ASSERT(!got.lead || at->second.stale);
      }
      if (*rc::gen::inRange(0, 3) == 0)
        loop->quiet();
    }
    }
  }
  std::size_t bytes = 0;
  auto all = table.entries();
  RC_ASSERT(all.size() == model.size());
  for (const auto& one : all) {
    bytes += one.bytes;
    RC_ASSERT(std::string(one.what->identity->body) == model.at(one.key).body);
    RC_ASSERT((one.state == state::fresh) == !model.at(one.key).stale);
  }
  RC_ASSERT(table.bytes() == bytes);
  RC_ASSERT(table.size() == model.size());
}

// For TSan and ASan: loops look up while writers put, mark, erase and reclaim. A page's body says its key, so a reader
// that was handed freed memory or another's page would notice.
TEST(page_table_threads, readers_see_whole_pages_while_writers_change_everything) {
  constexpr int keys = 300;
  page_table table;
  std::atomic<bool> over = false;
  std::atomic<std::uint64_t> found = 0, wrong = 0, led = 0;
  auto key_of = [](int i) { return "/courses/c/" + std::to_string(i); };
  {
    std::vector<std::jthread> threads;
    for (int r = 0; r < 3; ++r)
      threads.emplace_back([&, r] {
        auto loop = table.make_reader();
        auto dice = static_cast<std::uint32_t>(r + 1);
        page_ptr held;
        for (int turn = 0; !over; ++turn) {
          for (int n = 0; n < 20; ++n) {
            auto key = key_of(static_cast<int>((dice = dice * 1664525u + 1013904223u) >> 8) % keys);
            auto got = loop->find(key, micros(now_utc()));
            if (!got.what)
              continue;
            ++found;
            led += got.lead;
            wrong += got.what->identity->body != key;
            if (n == 7)
              held = loop->hold(got.what);
          }
          loop->quiet();
          if (held)
            wrong += !held->identity->body.starts_with("/courses/c/");
        }
      });
    std::vector<std::jthread> writers;
    for (int w = 0; w < 2; ++w)
      writers.emplace_back([&, w] {
        auto dice = static_cast<std::uint32_t>(w + 77);
        for (int step = 0; step < 6000; ++step) {
          auto key = key_of(static_cast<int>((dice = dice * 1664525u + 1013904223u) >> 8) % keys);
          switch (step % 8) {
          case 0:
            table.erase(key);
            break;
          case 1:
            table.mark_stale("t" + std::to_string(step % 5), step);
            break;
          case 2:
            table.lead_failed(key, std::chrono::milliseconds(0));
            break;
          default:
            table.put(key, page_of(key, {"t" + std::to_string(step % 5)}, step));
          }
        }
      });
    // The readers must have had their say, however busy the machine is.
    writers.clear();
    while (found < 1000)
      std::this_thread::yield();
    over = true;
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(led, 0u);
  table.reclaim();
  EXPECT_EQ(table.retired_bytes(), 0u);
}

TEST(page_table_threads, of_all_loops_that_find_a_page_stale_one_leads) {
  page_table table;
  table.put("/a", page_of("x", {"t"}));
  auto now = micros(now_utc());
  for (int round = 0; round < 200; ++round) {
    table.put("/a", page_of("x", {"t"}));
    table.mark_stale("t", 0);
    std::atomic<int> leaders = 0, ready = 0;
    std::vector<std::jthread> loops;
    for (int t = 0; t < 3; ++t)
      loops.emplace_back([&] {
        auto loop = table.make_reader();
        ++ready;
        while (ready < 3) {
        }
        leaders += loop->find("/a", now).lead;
      });
    loops.clear();
    ASSERT_EQ(leaders, 1);
  }
}

} // namespace
} // namespace lyceum
