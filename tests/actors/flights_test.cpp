// SPDX-License-Identifier: Apache-2.0
#include "actors/flights.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

namespace lyceum {
namespace {

/// Visitors, and what each was told.
struct flights_test : testing::Test {
  job_ptr visitor(std::string key) {
    auto one = std::make_shared<job>();
    one->cache_key = std::move(key);
    one->reply = std::make_shared<reply_slot>([this](response&& answer) {
      std::lock_guard lock(guard);
      told.push_back(std::move(answer));
    });
    return one;
  }
  static response page(std::string body) {
    response answer;
    answer.body = std::move(body);
    return answer;
  }
  std::mutex guard;
  std::vector<response> told;
  flights board;
};

TEST_F(flights_test, a_hundred_visitors_of_one_page_are_answered_by_the_first_ones_answer) {
  auto first = visitor("/a");
  EXPECT_TRUE(board.board(first));
  for (int i = 1; i < 100; ++i)
    EXPECT_FALSE(board.board(visitor("/a")));
  EXPECT_EQ(board.in_flight(), 1u);
  EXPECT_TRUE(told.empty());
  first->reply->fulfil(page("made once"));
  ASSERT_EQ(told.size(), 100u);
  for (const auto& one : told)
    EXPECT_EQ(one.body, "made once");
  EXPECT_EQ(board.in_flight(), 0u);
  EXPECT_TRUE(board.board(visitor("/a"))) << "the next one is the first of a new flight";
}

TEST_F(flights_test, other_keys_and_jobs_without_one_fly_alone) {
  auto a = visitor("/a"), b = visitor("/b"), none = visitor(""), none_too = visitor("");
  EXPECT_TRUE(board.board(a));
  EXPECT_TRUE(board.board(b));
  EXPECT_TRUE(board.board(none));
  EXPECT_TRUE(board.board(none_too));
  b->reply->fulfil(page("b"));
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(flights_test, a_crash_that_drops_the_first_answers_all_503) {
  auto first = visitor("/a");
  board.board(first);
  board.board(visitor("/a"));
  board.board(visitor("/a"));
  first.reset();
  ASSERT_EQ(told.size(), 3u);
  for (const auto& one : told)
    EXPECT_EQ(one.status, 503);
  EXPECT_EQ(board.in_flight(), 0u);
}

TEST_F(flights_test, who_was_answered_by_a_deadline_is_not_answered_again) {
  auto first = visitor("/a"), late = visitor("/a");
  board.board(first);
  board.board(late);
  response timeout;
  timeout.status = 504;
  late->reply->fulfil(std::move(timeout));
  first->reply->fulfil(page("x"));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].status, 504);
  EXPECT_EQ(told[1].body, "x");
}

TEST_F(flights_test, a_full_flight_turns_visitors_away_but_takes_the_places_of_those_who_left) {
  auto first = visitor("/a");
  board.board(first);
  std::vector<job_ptr> waiting;
  for (std::size_t i = 1; i < flights::waiting_max; ++i)
    board.board(waiting.emplace_back(visitor("/a")));
  EXPECT_FALSE(board.board(visitor("/a")));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].status, 503);
  waiting[5]->reply->fulfil(page("left"));
  EXPECT_FALSE(board.board(visitor("/a")));
  EXPECT_EQ(told.size(), 2u) << "the one who left, and nobody turned away";
  first->reply->fulfil(page("x"));
  EXPECT_EQ(told.size(), 2 + flights::waiting_max);
}

TEST_F(flights_test, a_cookie_of_the_first_is_not_given_to_the_others) {
  auto first = visitor("/a");
  board.board(first);
  board.board(visitor("/a"));
  auto answer = page("x");
  answer.headers = {{"Set-Cookie", "secret"}};
  first->reply->fulfil(std::move(answer));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].headers.size() + told[1].headers.size(), 1u);
}

TEST_F(flights_test, an_answer_may_come_after_the_board_is_gone) {
  auto first = visitor("/a");
  {
    flights short_lived;
    short_lived.board(first);
  }
  first->reply->fulfil(page("x"));
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(flights_test, every_visitor_is_answered_once_however_threads_interleave) {
  constexpr int threads = 4, each = 2000;
  std::atomic<int> led = 0;
  std::vector<std::jthread> crowd;
  for (int t = 0; t < threads; ++t)
    crowd.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        auto one = visitor("/" + std::to_string(i % 7));
        if (board.board(one)) {
          ++led;
          if ((i + t) % 5 != 0) // every fifth leader crashes
            one->reply->fulfil(page("x"));
        }
      }
    });
  crowd.clear();
  EXPECT_EQ(told.size(), static_cast<std::size_t>(threads * each));
  EXPECT_EQ(board.in_flight(), 0u);
  EXPECT_GT(led, 0);
}

} // namespace
} // namespace lyceum
