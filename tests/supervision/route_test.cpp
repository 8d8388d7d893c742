// SPDX-License-Identifier: Apache-2.0
#include "supervision/route.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace lyceum::supervision;
using namespace std::chrono_literals;
using number = std::shared_ptr<int>;
using number_route = basic_route<number>;

struct route_test : testing::Test {
  std::vector<int>
      got; ///< what each request reached, in order; -1: nobody. Outlives the route, which fails what still waits
  number_route r{"cache", {.requests_max = 3, .wait_max = 100ms}};
  bool send(std::uint64_t newer_than = 0) {
    return r.send([this](const number& n) { got.push_back(n ? *n : -1); }, newer_than);
  }
};

TEST_F(route_test, case_82_requests_wait_out_a_restart_in_order) {
  EXPECT_TRUE(send());
  EXPECT_TRUE(send());
  EXPECT_TRUE(got.empty());
  r.publish(std::make_shared<int>(7), 1);
  EXPECT_EQ(got, (std::vector<int>{7, 7}));
  r.restarting();
  EXPECT_TRUE(send());
  r.publish(std::make_shared<int>(8), 2);
  EXPECT_EQ(got.back(), 8);
}

TEST_F(route_test, no_more_wait_than_the_limit) {
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(send());
  EXPECT_FALSE(send());
  EXPECT_EQ(got, std::vector<int>{-1}) << "the fourth fails at once";
}

TEST_F(route_test, nobody_waits_longer_than_the_limit) {
  send();
  r.expire(std::chrono::steady_clock::now() + 50ms);
  EXPECT_TRUE(got.empty());
  r.expire(std::chrono::steady_clock::now() + 101ms);
  EXPECT_EQ(got, std::vector<int>{-1});
}

TEST_F(route_test, giving_up_fails_those_who_wait_and_all_who_come) {
  send();
  r.down();
  EXPECT_FALSE(send());
  EXPECT_EQ(got, (std::vector<int>{-1, -1}));
  r.publish(std::make_shared<int>(9), 3);
  EXPECT_TRUE(send());
  EXPECT_EQ(got.back(), 9);
}

TEST_F(route_test, a_request_that_knows_its_target_dead_waits_for_the_next_generation) {
  r.publish(std::make_shared<int>(1), 1);
  EXPECT_TRUE(send(1));
  EXPECT_TRUE(got.empty());
  r.publish(std::make_shared<int>(2), 2);
  EXPECT_EQ(got, std::vector<int>{2});
}

TEST_F(route_test, a_restarting_route_keeps_no_handle) {
  auto n = std::make_shared<int>(1);
  std::weak_ptr<int> weak = n;
  r.publish(std::move(n), 1);
  r.restarting();
  EXPECT_TRUE(weak.expired()) << "it would pin a dead actor's thread";
}

TEST(route, every_request_of_many_threads_is_answered_once_through_restarts) {
  number_route r{"x", {.requests_max = 100'000, .wait_max = 60s}};
  std::atomic<int> answered = 0;
  constexpr int each = 3000;
  std::vector<std::thread> senders;
  for (int t = 0; t < 3; ++t)
    senders.emplace_back([&] {
      for (int i = 0; i < each; ++i)
        r.send([&](const number&) { ++answered; });
    });
  std::thread restarter([&] {
    for (std::uint64_t g = 1; g < 500; ++g) {
      r.publish(std::make_shared<int>(static_cast<int>(g)), g);
      if (g % 7 == 0)
        r.down();
      else
        r.restarting();
      r.expire(std::chrono::steady_clock::now());
    }
  });
  for (auto& s : senders)
    s.join();
  restarter.join();
  r.down();
  EXPECT_EQ(answered.load(), 3 * each);
}

} // namespace
