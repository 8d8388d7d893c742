// SPDX-License-Identifier: Apache-2.0
#include "actors/bounded_pages.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>

namespace lyceum {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct bounded_pages_test : testing::Test {
  std::map<std::string, std::uint64_t> hits;
  bounded_pages pages{100, [this](const std::string& key) { return hits[key]; }};
};

TEST_F(bounded_pages_test, under_the_limit_everything_stays) {
  EXPECT_THAT(pages.put("/a", 50), IsEmpty());
  EXPECT_THAT(pages.put("/b", 50), IsEmpty());
  EXPECT_EQ(pages.bytes(), 100u);
}

TEST_F(bounded_pages_test, the_oldest_page_makes_room_for_a_new_one) {
  pages.put("/old", 60);
  EXPECT_THAT(pages.put("/new", 60), ElementsAre("/old"));
  EXPECT_TRUE(pages.holds("/new"));
}

TEST_F(bounded_pages_test, a_page_that_is_asked_for_stays_and_one_that_is_not_goes) {
  pages.put("/asked", 40);
  pages.put("/never", 40);
  hits["/asked"] = 1;
  EXPECT_THAT(pages.put("/new", 40), ElementsAre("/never"));
}

TEST_F(bounded_pages_test, a_page_larger_than_the_limit_drives_out_nobody) {
  pages.put("/a", 100);
  EXPECT_THAT(pages.put("/huge", 101), ElementsAre("/huge"));
  EXPECT_TRUE(pages.holds("/a"));
  EXPECT_THAT(pages.put("/a", 101), ElementsAre("/a")) << "also when a page has grown";
  EXPECT_EQ(pages.bytes(), 0u);
}

TEST_F(bounded_pages_test, a_new_version_counts_once) {
  pages.put("/a", 30);
  pages.put("/a", 50);
  EXPECT_EQ(pages.bytes(), 50u);
  EXPECT_TRUE(pages.erase("/a"));
  EXPECT_FALSE(pages.erase("/a"));
  EXPECT_EQ(pages.bytes(), 0u);
}

TEST_F(bounded_pages_test, a_crawler_that_reads_everything_once_drives_out_nothing_that_people_read) {
  for (int i = 0; i < 8; ++i) {
    pages.put("/read/" + std::to_string(i), 10);
    hits["/read/" + std::to_string(i)] = 1;
  }
  for (int round = 0; round < 200; ++round) {
    hits["/read/" + std::to_string(round % 8)] += 3;
    pages.put("/crawled/" + std::to_string(round), 10);
  }
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(pages.holds("/read/" + std::to_string(i))) << i;
}

TEST_F(bounded_pages_test, a_page_that_comes_back_soon_skips_its_trial) {
  for (int i = 0; i < 10; ++i)
    pages.put("/" + std::to_string(i), 10);
  EXPECT_THAT(pages.put("/10", 10), ElementsAre("/0"));
  EXPECT_THAT(pages.put("/0", 10), ElementsAre("/1"));
  for (int i = 20; i < 28; ++i)
    pages.put("/" + std::to_string(i), 10);
  EXPECT_TRUE(pages.holds("/0")) << "newer pages on trial go before it";
}

TEST_F(bounded_pages_test, when_all_are_asked_for_all_the_time_room_is_made_all_the_same) {
  std::uint64_t clock = 0;
  bounded_pages busy(100, [&clock](const std::string&) { return ++clock; });
  for (int i = 0; i < 1000; ++i) {
    busy.put("/" + std::to_string(i), 7);
    ASSERT_LE(busy.bytes(), 100u);
  }
}

/// The same policy, written down as plainly as can be: vectors and linear scans.
struct plain_policy {
  struct entry {
    std::string key;
    std::size_t bytes;
    std::uint64_t seen;
  };
  std::size_t max;
  std::map<std::string, std::uint64_t>& hits;
  std::vector<entry> trial, main;
  std::vector<std::string> gone;

  static std::size_t sum(const std::vector<entry>& of) {
    std::size_t bytes = 0;
    for (const auto& one : of)
      bytes += one.bytes;
    return bytes;
  }
  bool erase(const std::string& key) {
    auto same = [&](const entry& one) { return one.key == key; };
    return std::erase_if(trial, same) + std::erase_if(main, same) > 0;
  }
  std::vector<std::string> put(const std::string& key, std::size_t bytes) {
    if (bytes > max) {
      erase(key);
      return {key};
    }
    bool there = false;
    for (auto* queue : {&trial, &main})
      for (auto& one : *queue)
        if (one.key == key) {
          one.bytes = bytes;
          there = true;
        }
    if (!there)
      (std::ranges::find(gone, key) != gone.end() ? main : trial).push_back({key, bytes, hits[key]});
    std::vector<std::string> out;
    while (sum(trial) + sum(main) > max) {
      bool from_trial = main.empty() || (!trial.empty() && sum(trial) > max / 10);
      auto& from = from_trial ? trial : main;
      auto oldest = from.front();
      from.erase(from.begin());
      if (hits[oldest.key] != oldest.seen) {
        oldest.seen = hits[oldest.key];
        main.push_back(oldest);
        continue;
      }
      out.push_back(oldest.key);
      if (from_trial) {
        gone.push_back(oldest.key);
        while (gone.size() > trial.size() + main.size() + 1) // as many as there were pages, the one that goes included
          gone.erase(gone.begin());
      }
    }
    return out;
  }
};

RC_GTEST_PROP(bounded_pages_property, it_does_what_a_plain_list_would_do, ()) {
  std::map<std::string, std::uint64_t> hits;
  bounded_pages pages(200, [&hits](const std::string& key) { return hits[key]; });
  plain_policy plain{200, hits, {}, {}, {}};
  auto steps = *rc::gen::inRange(0, 400);
  for (int step = 0; step < steps; ++step) {
    auto key = "/" + std::to_string(*rc::gen::inRange(0, 40));
    switch (*rc::gen::inRange(0, 5)) {
    case 0:
      hits[key] += 1;
      break;
    case 1:
      RC_ASSERT(pages.erase(key) == plain.erase(key));
      break;
    default: {
      auto bytes = static_cast<std::size_t>(*rc::gen::inRange(1, 60));
      RC_ASSERT(pages.put(key, bytes) == plain.put(key, bytes));
    }
    }
    RC_ASSERT(pages.bytes() <= 200u);
    RC_ASSERT(pages.bytes() == plain_policy::sum(plain.trial) + plain_policy::sum(plain.main));
    RC_ASSERT(pages.size() == plain.trial.size() + plain.main.size());
  }
}

} // namespace
} // namespace lyceum
