// SPDX-License-Identifier: Apache-2.0
// What operators do to a living tree, names that outlive actors, and children on demand.
#include "tree_fixture.hpp"

#include <set>

namespace {

struct work_item {
  std::shared_ptr<std::atomic<int>> done;
};

} // namespace
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(work_item)

namespace {

caf::behavior one_request(caf::event_based_actor* self, work_item item) {
  ++*item.done;
  self->quit();
  return {};
}

caf::behavior lingering_request(caf::event_based_actor* self, diary*) {
  return {[](const echo_it& e) { return e.number; }, [self](const do_it& order) { order.what(self); }};
}

TEST_F(tree_test, operators_stop_start_and_restart_without_spending_the_budget) {
  grow({.intensity = 0}, {obeying("a")});
  EXPECT_TRUE(tree->operate(operation::stop, "site/a").ok) << "the root's name may stand in front";
  EXPECT_EQ(node("a").state, node_state::stopped);
  EXPECT_FALSE(tell(tree->named("a"), echo_it{1}));
  EXPECT_EQ(tree->operate(operation::kill, "a").code, "not_running");
  EXPECT_EQ(tree->operate(operation::start, "a").generation, 2U);
  EXPECT_EQ(tree->operate(operation::start, "a").code, "running");
  EXPECT_EQ(tree->operate(operation::restart, "a").generation, 3U);
  EXPECT_EQ(tree->operate(operation::kill, "a").generation, 4U);
  EXPECT_EQ(node("a").restarts, 0);
  EXPECT_EQ(tree->operate(operation::kill, "nobody").code, "not_found");
  EXPECT_EQ(tree->operate(operation::kill, "a/below").code, "not_found");
  EXPECT_EQ(tree->operate(operation::kill, "site").code, "root");
}

TEST_F(tree_test, a_kill_as_a_crash_spends_the_budget) {
  grow({.intensity = 3}, {obeying("a")});
  EXPECT_EQ(tree->operate(operation::kill_as_crash, "a").generation, 2U);
  EXPECT_EQ(node("a").restarts, 1);
  EXPECT_TRUE(tree->operate(operation::reset, "a").ok);
  EXPECT_EQ(node("a").restarts, 0);
}

TEST_F(tree_test, case_84_a_suspended_child_takes_nothing_keeps_the_order_and_can_be_killed) {
  grow({.intensity = 3}, {obeying("a")});
  ASSERT_EQ(tree->operate(operation::suspend, "a").state, node_state::suspended);
  std::mutex guard;
  std::vector<int> seen;
  for (int i = 0; i < 5; ++i)
    tell_to("a", [&, i](caf::event_based_actor*) {
      std::lock_guard lock(guard);
      seen.push_back(i);
    });
  EXPECT_EQ(tree->operate(operation::inspect, "a").detail, "I am a1") << "it can still be looked at";
  EXPECT_EQ(node("a").state, node_state::suspended);
  EXPECT_TRUE(eventually([&] { return node("a").mailbox == 5; }))
      << "the inspection itself is counted out a moment after its answer";
  {
    std::lock_guard lock(guard);
    EXPECT_TRUE(seen.empty());
  }
  ASSERT_TRUE(tree->operate(operation::resume, "a").ok);
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(guard);
    return seen.size() == 5;
  }));
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4}));
  tree->operate(operation::suspend, "a");
  EXPECT_EQ(tree->operate(operation::kill, "a").generation, 2U);
  EXPECT_EQ(echo("a", 1), 102);
}

TEST_F(tree_test, case_75_a_child_that_waits_for_an_answer_can_be_killed) {
  grow({.intensity = 3}, {obeying("a"), obeying("b")});
  hang("b");
  std::promise<void> asked;
  tell_to("a", [&](caf::event_based_actor* self) {
    ask(
        self, tree->named("b"), 4s, caf::make_message(echo_it{1}), [](int) {}, [](const caf::error&) {});
    asked.set_value();
  });
  asked.get_future().wait();
  EXPECT_EQ(tree->operate(operation::kill, "a", 3500ms).generation, 2U) << "before its question has an end";
}

TEST_F(tree_test, messages_sent_during_a_restart_reach_the_successor) {
  tree.reset();
  system_options options;
  options.parking.wait_max = 30s; // the successor comes when it comes
  make_tree(std::move(options));
  std::atomic<bool> may_start = true;
  auto slow = worker({.id = "slow"}, [&](birth& at) {
    return at.detached([&](caf::event_based_actor* self) -> caf::behavior {
      while (!may_start)
        std::this_thread::sleep_for(1ms);
      return {[](const echo_it& e) { return e.number; }, [self](const do_it& order) { order.what(self); }};
    });
  });
  grow({.intensity = 3}, {slow});
  may_start = false;
  crash("slow");
  ASSERT_TRUE(eventually([&] { return tree->named("slow").current().state == route_state::restarting; }));
  std::atomic<int> arrived = 0;
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(tell_to("slow", [&](caf::event_based_actor*) { ++arrived; }));
  EXPECT_EQ(tree->named("slow").waiting(), 10U);
  may_start = true;
  EXPECT_TRUE(eventually([&] { return arrived == 10; }));
}

TEST_F(tree_test, a_question_that_a_dying_child_never_took_up_is_put_to_its_successor) {
  grow({.intensity = 5}, {obeying("asker"), obeying("b")});
  hang("b");
  std::promise<int> got;
  tell_to("asker", [&](caf::event_based_actor* self) {
    ask(
        self, tree->named("b"), 3s, caf::make_message(echo_it{4}), [&](int n) { got.set_value(n); },
        [&](const caf::error&) { got.set_value(-1); });
  });
  ASSERT_TRUE(eventually([&] { return node("b").mailbox == 2; }));
  tree->operate(operation::kill, "b", [](outcome) {});
  ASSERT_TRUE(eventually([&] { return node("b").mailbox == 3; }))
      << "the exit stands in the queue, ahead of the question";
  let_go = true;
  auto future = got.get_future();
  ASSERT_EQ(future.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(future.get(), 402) << "the second life answered";
}

TEST_F(tree_test, a_question_to_nobody_fails_within_the_parking_limit) {
  tree.reset();
  system_options options;
  options.parking.wait_max = 50ms;
  make_tree(std::move(options));
  grow({}, {obeying("asker")});
  std::promise<bool> failed;
  tell_to("asker", [&](caf::event_based_actor* self) {
    ask(
        self, tree->named("nobody"), 3s, caf::make_message(echo_it{4}), [&](int) { failed.set_value(false); },
        [&](const caf::error&) { failed.set_value(true); });
  });
  auto future = failed.get_future();
  ASSERT_EQ(future.wait_for(2s), std::future_status::ready);
  EXPECT_TRUE(future.get());
}

TEST_F(tree_test, a_child_added_while_running_is_lost_with_its_supervisor) {
  grow({.intensity = 3}, {supervisor({.id = "sub"}, {}, {obeying("a")})});
  std::promise<outcome> added;
  tree->add_child("sub", obeying("extra"), [&](outcome o) { added.set_value(std::move(o)); });
  EXPECT_TRUE(added.get_future().get().ok);
  EXPECT_EQ(echo("sub/extra", 1), 101);
  ASSERT_TRUE(tree->operate(operation::kill, "sub").ok);
  ASSERT_TRUE(tree->wait_serving("site", 5s));
  EXPECT_FALSE(tree->states().knows("sub/extra"));
  EXPECT_EQ(echo("sub/a", 1), 102);
}

TEST_F(tree_test, a_stopped_child_can_be_removed) {
  grow({}, {obeying("a"), obeying("b")});
  EXPECT_EQ(tree->operate(operation::remove, "a").code, "running");
  tree->operate(operation::stop, "a");
  EXPECT_TRUE(tree->operate(operation::remove, "a").ok);
  EXPECT_FALSE(tree->states().knows("a"));
}

TEST_F(tree_test, an_operators_degrade_makes_a_subsystem_unavailable_until_it_is_ended) {
  grow({.spent = when_spent::degrade}, {supervisor({.id = "sub"}, {}, {obeying("a")})});
  EXPECT_EQ(tree->operate(operation::degrade, "sub").state, node_state::degraded);
  EXPECT_FALSE(tell(tree->named("sub/a"), echo_it{1}));
  EXPECT_TRUE(tree->operate(operation::undegrade, "sub").ok);
  EXPECT_TRUE(tree->wait_serving("sub", 5s));
  EXPECT_EQ(echo("sub/a", 1), 102);
}

TEST_F(tree_test, children_on_demand_do_their_work_and_leave_nothing) {
  grow({}, {dynamic_supervisor({.id = "sessions"}, {.max_children = 100000},
                               [](birth& at) { return at.pooled(one_request, at.args().get_as<work_item>(0)); })});
  auto done = std::make_shared<std::atomic<int>>(0);
  const auto sessions = tree->dynamic("sessions");
  constexpr int n = 20000;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < n; ++i)
    ASSERT_TRUE(sessions.start(caf::make_message(work_item{done})));
  ASSERT_TRUE(eventually([&] { return *done == n && sessions.running() == 0; }, 20s));
  const auto us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count() / n;
  std::cout << us << " us a child\n";
  EXPECT_LT(us, 250.0) << "measured: about 5; ten thousands alive must not make the end of one dear";
  EXPECT_EQ(node("sessions").children, 0U);
  EXPECT_EQ(done.use_count(), 1) << "no child and no message is left";
}

TEST_F(tree_test, case_74_no_more_children_than_the_maximum) {
  grow({}, {dynamic_supervisor({.id = "sessions"}, {.max_children = 2},
                               [this](birth& at) { return at.pooled(lingering_request, &log); })});
  EXPECT_TRUE(start_dynamic(*tree, "sessions", caf::make_message(1)));
  EXPECT_TRUE(start_dynamic(*tree, "sessions", caf::make_message(1)));
  EXPECT_FALSE(start_dynamic(*tree, "sessions", caf::make_message(1)));
  ASSERT_TRUE(eventually([&] { return node("sessions").children == 2; }));
  EXPECT_EQ(tree->operate(operation::kill, "sessions/1").ok, true);
  ASSERT_TRUE(eventually([&] { return tree->dynamic("sessions").running() == 1; }));
  EXPECT_TRUE(start_dynamic(*tree, "sessions", caf::make_message(1)));
}

TEST_F(tree_test, a_crashing_request_costs_only_itself) {
  grow({.intensity = 0}, {dynamic_supervisor({.id = "sessions"}, {}, [](birth& at) {
         return at.pooled(
             [](caf::event_based_actor*, work_item item) -> caf::behavior {
               if (++*item.done % 2 == 0)
                 throw std::runtime_error("bad request");
               return {};
             },
             at.args().get_as<work_item>(0));
       })});
  auto done = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 1000; ++i)
    start_dynamic(*tree, "sessions", caf::make_message(work_item{done}));
  ASSERT_TRUE(eventually([&] { return *done == 1000 && tree->dynamic("sessions").running() == 0; }));
  EXPECT_EQ(node("sessions").generation, 1U);
  ASSERT_TRUE(eventually([&] { return tree->crashes().total() == 500; }));
  EXPECT_EQ(tree->crashes().recent(10).size(), 1U) << "identical ones are one row";
}

TEST_F(tree_test, a_killed_dynamic_supervisor_takes_its_children_and_accepts_again) {
  grow({.intensity = 3}, {dynamic_supervisor({.id = "sessions"}, {.max_children = 10},
                                             [this](birth& at) { return at.pooled(lingering_request, &log); })});
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(start_dynamic(*tree, "sessions", caf::make_message(1)));
  ASSERT_TRUE(eventually([&] { return node("sessions").children == 10; }));
  ASSERT_TRUE(tree->operate(operation::kill, "sessions").ok);
  EXPECT_TRUE(eventually([&] { return tree->dynamic("sessions").running() == 0; })) << "their places are free again";
  EXPECT_TRUE(start_dynamic(*tree, "sessions", caf::make_message(1)));
  EXPECT_TRUE(eventually([&] { return node("sessions").children == 1; }));
}

TEST_F(tree_test, a_storm_of_kills_leaves_the_tree_whole) {
  grow({.intensity = 1000, .spent = when_spent::degrade},
       {supervisor({.id = "x"}, {.strategy = strategy::rest_for_one, .intensity = 1000},
                   {obeying("a"), obeying("b"), obeying("c")}),
        supervisor({.id = "y"}, {.intensity = 1000}, {obeying_on_its_own_thread("d"), obeying("e")})});
  const std::vector<std::string> targets = {"x", "x/a", "x/b", "y", "y/d", "x/c", "y/e"};
  std::atomic<int> unanswered = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    const auto& path = targets[i % targets.size()];
    if (i % 3 == 0)
      crash(path == "x" || path == "y" ? path + "/" + (path == "x" ? "a" : "d") : path);
    else {
      ++unanswered;
      tree->operate(i % 2 == 0 ? operation::kill : operation::restart, path, [&](outcome) { --unanswered; });
    }
  }
  EXPECT_TRUE(eventually([&] { return unanswered == 0; }, 10s)) << "every order is answered, whoever died of it";
  EXPECT_TRUE(eventually([&] { return tree->states().all_well(); }, 10s));
  EXPECT_TRUE(tree->wait_serving("site", 5s));
  EXPECT_GT(echo("x/c", 1), 0);
  EXPECT_TRUE(tree->stop(5s));
}

} // namespace
