// SPDX-License-Identifier: Apache-2.0
// What the tree tells the control thread: never waits, never grows, and can be torn down while it is told. For TSan.
#include "supervision/control_events.hpp"
#include "supervision/trace.hpp"

#include <gtest/gtest.h>

#include <thread>

using namespace lyceum::supervision;
using namespace std::chrono_literals;

namespace {

class feed_test : public testing::Test {
protected:
  feed_test() {
    states.add({.path = "site", .kind = node_kind::supervisor});
    states.add({.path = "web", .parent = "site"});
  }
  void live_and_die() {
    states.begin_life("web");
    states.set("web", node_state::running);
    states.exited("web", "told to");
    states.set("web", node_state::restarting);
  }
  registry states;
  crash_log crashes;
  std::uint64_t dropped = 0;
};

TEST_F(feed_test, a_life_is_told_from_its_beginning_to_its_end) {
  event_feed feed(states, crashes);
  feed.listen(true);
  live_and_die();
  live_and_die();
  std::string kinds;
  for (const auto& e : feed.take(dropped))
    kinds += e.kind + " ";
  EXPECT_EQ(kinds, "state state exit state state state restart exit state ") << "the first life is no restart";
  EXPECT_EQ(dropped, 0U);
  feed.listen(false);
  live_and_die();
  EXPECT_TRUE(feed.take(dropped).empty()) << "nobody wanted to hear";
}

TEST_F(feed_test, what_is_not_taken_is_counted_and_not_kept) {
  event_feed feed(states, crashes);
  feed.listen(true);
  for (int i = 0; i < 3000; ++i)
    live_and_die();
  EXPECT_EQ(feed.take(dropped).size(), event_feed::kept_max);
  EXPECT_EQ(dropped + event_feed::kept_max, 3000U * 5 - 1) << "the first life is no restart";
}

TEST_F(feed_test, reports_follow_once_each_also_where_they_are_folded) {
  event_feed feed(states, crashes);
  crashes.add({.kind = "crash", .path = "old"});
  feed.listen(true);
  EXPECT_TRUE(feed.take(dropped).empty()) << "from before anybody listened";
  for (int i = 0; i < 3; ++i)
    crashes.add({.kind = "crash", .path = "web", .reason = "bad"});
  auto some = feed.take(dropped);
  ASSERT_EQ(some.size(), 1U);
  EXPECT_EQ(some[0].topic, topic_report);
  EXPECT_NE(some[0].members.find("\"times\":3"), std::string::npos) << some[0].members;
  EXPECT_EQ(some[0].members.front(), ',');
  EXPECT_TRUE(feed.take(dropped).empty());
}

TEST_F(feed_test, listeners_come_and_go_while_the_tree_lives) {
  std::atomic<bool> over = false;
  std::thread tree([&] {
    while (!over)
      live_and_die();
  });
  for (int i = 0; i < 200; ++i) {
    event_feed feed(states, crashes);
    feed.listen(true);
    feed.take(dropped);
    feed.listen(i % 2 == 0);
    std::this_thread::yield();
  }
  over = true;
  tree.join();
}

TEST(trace_tap_test, it_covers_a_child_and_what_is_below_it) {
  const int tree = 0;
  const trace_tap tap(&tree, "cache");
  EXPECT_TRUE(tap.covers(&tree, "cache"));
  EXPECT_TRUE(tap.covers(&tree, "cache/page_cache"));
  EXPECT_FALSE(tap.covers(&tree, "cached"));
  EXPECT_FALSE(tap.covers(&tree, "web"));
  EXPECT_FALSE(tap.covers(&tap, "cache")) << "of another tree";
  EXPECT_TRUE(traced(&tree, "cache"));
}

TEST(trace_tap_test, taps_come_and_go_while_messages_are_handled) {
  const int tree = 0;
  vitals busy("web", 1);
  std::atomic<bool> over = false;
  std::thread actor([&] {
    while (!over)
      if (trace_taps.load(std::memory_order_relaxed) != 0)
        trace_message(&tree, busy, {"int"}, std::chrono::microseconds(7));
  });
  std::uint64_t dropped = 0;
  std::size_t most = 0;
  for (int i = 0; i < 200; ++i) {
    trace_tap tap(&tree, "web");
    std::this_thread::sleep_for(100us);
    most = std::max(most, tap.take(dropped).size());
  }
  over = true;
  actor.join();
  EXPECT_GT(most, 0U);
  EXPECT_LE(most, trace_tap::kept_max);
  EXPECT_EQ(trace_taps, 0U);
}

} // namespace
