// SPDX-License-Identifier: Apache-2.0
#include "supervision/work_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

namespace lyceum::supervision {
namespace {

using namespace std::chrono_literals;

TEST(work_queue, gives_out_what_came_first_first) {
  work_queue<int> q;
  for (int i = 1; i <= 3; ++i)
    q.push(i);
  EXPECT_EQ(q.pop(), 1);
  EXPECT_EQ(q.pop(), 2);
  int last = 0;
  EXPECT_TRUE(q.try_pop(last));
  EXPECT_EQ(last, 3);
  EXPECT_FALSE(q.try_pop(last));
}

TEST(work_queue, tells_whether_somebody_waits_and_gives_up_one_out_of_the_order) {
  work_queue<int> q;
  EXPECT_FALSE(q.now().waited_for);
  for (int i = 1; i <= 4; ++i)
    q.push(i);
  int taken = 0;
  EXPECT_TRUE(q.take_if([](int n) { return n % 2 == 0; }, taken));
  EXPECT_EQ(taken, 2);
  EXPECT_FALSE(q.take_if([](int n) { return n > 4; }, taken));
  EXPECT_EQ(q.now().popped, 0u) << "that was no turn of a thread's";
  EXPECT_EQ(q.pop(), 1);
  EXPECT_EQ(q.pop(), 3);
  EXPECT_EQ(q.pop(), 4);
  EXPECT_EQ(q.now().popped, 3u);
  std::thread waits([&] { EXPECT_EQ(q.pop(), 5); });
  while (!q.now().waited_for)
    std::this_thread::yield();
  q.push(5);
  waits.join();
  EXPECT_FALSE(q.now().waited_for);
}

/// Each of many items reaches exactly one of several threads, those of one producer in their order as far as one consumer sees.
void hand_over(std::chrono::microseconds look_max) {
  constexpr int producers = 3;
  constexpr int each = 20'000;
  work_queue<std::pair<int, int>> q(look_max);
  std::atomic<int> got = 0;
  std::atomic<int> disorder = 0;
  std::array<std::atomic<int>, producers> sum{};
  std::vector<std::thread> threads;
  for (int c = 0; c < 2; ++c)
    threads.emplace_back([&] {
      std::array<int, producers> last{};
      for (auto [who, number] = q.pop(); who >= 0; std::tie(who, number) = q.pop()) {
        disorder += number <= last[static_cast<std::size_t>(who)];
        last[static_cast<std::size_t>(who)] = number;
        sum[static_cast<std::size_t>(who)] += number % 7;
        ++got;
      }
    });
  std::vector<std::thread> sources;
  for (int p = 0; p < producers; ++p)
    sources.emplace_back([&, p] {
      for (int i = 1; i <= each; ++i) {
        q.push({p, i});
        if (i % 1000 == 0)
          std::this_thread::sleep_for(100us); // so that consumers also find it empty, look, and sleep
      }
    });
  for (auto& one : sources)
    one.join();
  for (int c = 0; c < 2; ++c)
    q.push({-1, 0});
  for (auto& one : threads)
    one.join();
  int expected = 0;
  for (int i = 1; i <= each; ++i)
    expected += i % 7;
  EXPECT_EQ(got, producers * each);
  EXPECT_EQ(disorder, 0);
  for (const auto& one : sum)
    EXPECT_EQ(one, expected);
}

TEST(work_queue, loses_nothing_between_threads_that_look) {
  hand_over(20us);
}

TEST(work_queue, loses_nothing_between_threads_that_only_sleep) {
  hand_over(0us);
}

// Two items come while one thread looks and the other sleeps: the one who looks takes the first and is held up with it, so the
// sleeper has to be woken for the second.
TEST(work_queue, a_thread_that_looked_wakes_another_for_what_is_left) {
  for (int round = 0; round < 200; ++round) {
    work_queue<int> q(2000us);
    std::barrier both(2); // passed only when two threads hold an item at once
    std::vector<std::thread> threads;
    for (int c = 0; c < 2; ++c)
      threads.emplace_back([&] {
        q.pop();
        both.arrive_and_wait();
      });
    std::this_thread::yield();
    q.push(1);
    q.push(2);
    for (auto& one : threads)
      one.join();
  }
}

} // namespace
} // namespace lyceum::supervision
