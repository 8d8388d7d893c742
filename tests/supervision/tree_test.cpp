// SPDX-License-Identifier: Apache-2.0
// The acceptance cases that need real actors: exits, kills, hangs, order.
#include "tree_fixture.hpp"

TEST_F(tree_test, children_start_left_to_right_and_stop_right_to_left) {
  grow({}, {obeying("a"), obeying("b"), obeying("c")});
  EXPECT_TRUE(tree->stop(5s));
  EXPECT_EQ(log.text(), "+a1 +b1 +c1 -c1 -b1 -a1");
}

TEST_F(tree_test, a_child_that_throws_is_replaced_and_the_report_says_what_it_was_doing) {
  grow({.intensity = 5}, {obeying("a"), obeying("b")});
  crash("a", "a broken invariant");
  ASSERT_TRUE(reaches("a", 2));
  EXPECT_EQ(echo("a", 7), 702);
  EXPECT_EQ(echo("b", 7), 701) << "one_for_one leaves the others alone";
  const auto seen = tree->crashes().recent(1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].path, "a");
  EXPECT_EQ(seen[0].kind, "crash");
  EXPECT_EQ(seen[0].reason, "a broken invariant");
  EXPECT_EQ(seen[0].generation, 1U);
  EXPECT_EQ(seen[0].state, "I am a1");
  EXPECT_FALSE(seen[0].last_message.empty());
}

TEST_F(tree_test, rest_for_one_restarts_the_failed_child_and_those_after_it) {
  grow({.strategy = strategy::rest_for_one, .intensity = 5}, {obeying("a"), obeying("b"), obeying("c")});
  log.clear();
  crash("b");
  ASSERT_TRUE(reaches("c", 2));
  EXPECT_EQ(log.text(), "-b1 -c1 +b2 +c2");
  EXPECT_EQ(echo("a", 1), 101);
}

TEST_F(tree_test, one_for_all_restarts_everybody_in_order) {
  grow({.strategy = strategy::one_for_all, .intensity = 5}, {obeying("a"), obeying("b"), obeying("c")});
  log.clear();
  crash("b");
  ASSERT_TRUE(reaches("c", 2));
  EXPECT_EQ(log.text(), "-b1 -c1 -a1 +a2 +b2 +c2");
}

TEST_F(tree_test, a_spent_budget_ends_the_tree_under_escalate) {
  std::promise<std::string> ended;
  make_tree({});
  tree.reset();
  system_options options;
  options.on_end = [&](const std::string& why) { ended.set_value(why); };
  tree = std::make_unique<lyceum::supervision::system>(actors, std::move(options));
  grow({.intensity = 1, .period = 60s}, {obeying("a")});
  crash("a");
  ASSERT_TRUE(reaches("a", 2));
  crash("a");
  auto future = ended.get_future();
  ASSERT_EQ(future.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(future.get(), "reached_max_restart_intensity");
}

TEST_F(tree_test, a_subsystem_that_spends_its_budget_is_degraded_and_heals) {
  std::atomic<bool> broken = false;
  auto fragile = worker({.id = "fragile"}, [&](birth& at) {
    if (broken)
      throw std::runtime_error("cannot start");
    return at.pooled(obedient, &log);
  });
  grow({.intensity = 5, .period = 30s, .spent = when_spent::degrade},
       {supervisor({.id = "sub"}, {.intensity = 2, .period = 30s}, {fragile}), obeying("other")});
  broken = true;
  crash("sub/fragile");
  ASSERT_TRUE(eventually([&] { return node("sub").state == node_state::degraded; }));
  EXPECT_EQ(node("sub/fragile").state, node_state::down);
  EXPECT_EQ(echo("other", 1), 101) << "the others serve";
  EXPECT_EQ(tree->named("sub/fragile").current().state, route_state::down);
  EXPECT_FALSE(tell(tree->named("sub/fragile"), echo_it{1})) << "unavailable at once, not after a wait";
  EXPECT_GT(node("sub").retry_in.count(), 0);
  EXPECT_EQ(tree->states().unwell(), (std::vector<std::string>{"sub", "sub/fragile"}));
  broken = false;
  ASSERT_TRUE(tree->wait_serving("site", 5s)) << "tried again after about a second";
  EXPECT_TRUE(tree->states().all_well());
}

TEST_F(tree_test, at_boot_only_an_essential_child_prevents_the_start) {
  const auto failing = [] {
    return worker({.id = "failing"}, [](birth& at) {
      return at.pooled([](caf::event_based_actor*) -> caf::behavior { throw std::runtime_error("no disk"); });
    });
  };
  grow({.spent = when_spent::degrade}, {failing(), obeying("a")});
  EXPECT_EQ(node("failing").state, node_state::degraded);
  EXPECT_EQ(node("a").state, node_state::running);
  tree.reset();
  make_tree({});
  auto essential = failing();
  essential.essential = true;
  const auto up = tree->start(supervisor({.id = "site"}, {.spent = when_spent::degrade}, {obeying("a"), essential}));
  EXPECT_FALSE(up.ok);
  EXPECT_EQ(up.detail, "failed_to_start_child(failing, no disk)");
}

TEST_F(tree_test, a_start_that_hangs_meets_its_timeout) {
  auto hanging = worker({.id = "hanging"}, [this](birth& at) {
    return at.detached([this](caf::event_based_actor*) -> caf::behavior {
      while (!let_go)
        std::this_thread::sleep_for(1ms);
      return {[](int) {}};
    });
  });
  const auto up =
      tree->start(supervisor({.id = "site"}, {.kill_grace = 50ms, .start_timeout = 1s}, {obeying("a"), hanging}));
  EXPECT_FALSE(up.ok);
  EXPECT_EQ(up.detail, "failed_to_start_child(hanging, start_timeout)");
  EXPECT_EQ(log.text(), "+a1 -a1");
}

TEST_F(tree_test, a_child_may_say_later_that_it_has_started_or_has_nothing_to_do) {
  auto late = worker({.id = "late"}, [](birth& at) {
    return at.pooled([](caf::event_based_actor* self) -> caf::behavior {
      life_of(self).start_later();
      self->delayed_send(self, 20ms, 1);
      return {[self](int) { life_of(self).started(); }};
    });
  });
  auto idle = worker({.id = "idle"}, [](birth& at) {
    return at.pooled([](caf::event_based_actor* self) -> caf::behavior {
      life_of(self).ignore();
      return {};
    });
  });
  grow({}, {late, idle, obeying("a")});
  EXPECT_EQ(node("late").state, node_state::running);
  EXPECT_EQ(node("idle").state, node_state::stopped);
}

TEST_F(tree_test, a_hung_handler_is_given_up_fenced_and_replaced_while_neighbours_answer) {
  grow({.intensity = 5, .kill_grace = 100ms}, {obeying_on_its_own_thread("a"), obeying("b")});
  fence old;
  std::promise<fence> told;
  tell_to("a", [&](caf::event_based_actor* self) { told.set_value(fence_of(self)); });
  old = told.get_future().get();
  hang("a");
  const auto killed = tree->operate(operation::kill, "a");
  ASSERT_TRUE(killed.ok) << killed.detail;
  EXPECT_EQ(killed.generation, 2U);
  EXPECT_EQ(echo("a", 3), 302);
  EXPECT_EQ(echo("b", 3), 301);
  EXPECT_FALSE(old.open()) << "what the old one still does must not take effect";
  EXPECT_FALSE(tree->states().current("a", 1));
  EXPECT_TRUE(tree->states().current("a", 2));
  EXPECT_EQ(tree->abandoned(), 1U);
  let_go = true;
  EXPECT_TRUE(eventually([&] { return tree->abandoned() == 0; }));
}

TEST_F(tree_test, the_watchdog_replaces_a_pooled_child_that_loops) {
  tree.reset();
  system_options options;
  options.pooled_handler_max = 200ms;
  make_tree(std::move(options));
  grow({.intensity = 5, .kill_grace = 100ms}, {obeying("a"), obeying("b")});
  hang("a");
  ASSERT_TRUE(reaches("a", 2));
  EXPECT_EQ(tree->crashes().recent(10).back().kind, "stuck");
  EXPECT_EQ(echo("b", 1), 101);
}

TEST_F(tree_test, a_kill_overtakes_twenty_thousand_messages) {
  grow({.intensity = 5}, {obeying("a")});
  hang("a");
  std::atomic<int> handled = 0;
  for (int i = 0; i < 20000; ++i)
    tell_to("a", [&](caf::event_based_actor*) {
      ++handled;
      const auto until = std::chrono::steady_clock::now() + 10us;
      while (std::chrono::steady_clock::now() < until) {
      }
    });
  EXPECT_EQ(node("a").mailbox, 20001U);
  std::promise<outcome> done;
  auto future = done.get_future();
  tree->operate(operation::kill, "a", [&](outcome o) { done.set_value(std::move(o)); });
  ASSERT_TRUE(eventually([&] { return node("a").state == node_state::stopping; })); // the kill is on its way
  let_go = true;
  ASSERT_EQ(future.wait_for(5s), std::future_status::ready);
  EXPECT_TRUE(future.get().ok);
  EXPECT_LT(handled.load(), 20000) << "it went ahead of the queue";
  EXPECT_EQ(echo("a", 1), 102);
}

TEST_F(tree_test, a_stop_hook_that_throws_is_contained) {
  grow({.intensity = 5}, {obeying("a")});
  tell_to("a",
          [](caf::event_based_actor* self) { life_of(self).on_stop([] { throw std::runtime_error("no way out"); }); });
  crash("a");
  ASSERT_TRUE(reaches("a", 2));
  bool reported = false;
  for (const auto& c : tree->crashes().recent(10))
    reported = reported || c.reason == "its stop hook threw: no way out";
  EXPECT_TRUE(reported);
}

TEST_F(tree_test, killing_a_supervisor_takes_its_children_and_brings_all_back) {
  grow({.intensity = 5}, {supervisor({.id = "sub"}, {}, {obeying("a"), obeying("b")}), obeying("c")});
  log.clear();
  const auto killed = tree->operate(operation::kill, "sub");
  ASSERT_TRUE(killed.ok) << killed.detail;
  EXPECT_EQ(killed.generation, 2U);
  ASSERT_TRUE(tree->wait_serving("site", 5s));
  EXPECT_EQ(echo("sub/a", 1), 102);
  EXPECT_EQ(echo("c", 1), 101);
  const auto text = log.text();
  EXPECT_LT(std::max(text.find("-a1"), text.find("-b1")), text.find("+a2"))
      << "no successor beside a predecessor: " << text;
}

TEST_F(tree_test, a_killed_supervisors_busy_child_is_waited_for_then_fenced) {
  std::atomic<int> interrupted = 0;
  auto slow = obeying_on_its_own_thread("slow");
  slow.interrupt = [&] { ++interrupted; };
  grow({.intensity = 5, .kill_grace = 200ms}, {supervisor({.id = "sub"}, {}, {slow})});
  hang("sub/slow");
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(tree->operate(operation::kill, "sub").ok);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 150ms)
      << "the parent waits for descendants before it starts anew";
  EXPECT_GE(interrupted.load(), 1);
  EXPECT_EQ(echo("sub/slow", 1), 102);
  EXPECT_EQ(tree->abandoned(), 1U);
}

TEST_F(tree_test, a_supervisors_orderly_exit_reason_is_not_a_crash) {
  grow({.intensity = 5},
       {supervisor({.id = "sub", .restart = restart_type::transient}, {.intensity = 0}, {obeying("a")})});
  crash("sub/a");
  ASSERT_TRUE(eventually([&] { return node("sub").state == node_state::stopped; }))
      << "transient and shutdown: it stays down";
}

TEST_F(tree_test, deeper_shutdown_beyond_its_limit_is_cut) {
  auto deaf = worker({.id = "deaf", .shutdown = 50ms}, [](birth& at) {
    return at.pooled([](caf::event_based_actor* self) -> caf::behavior {
      self->set_exit_handler([](caf::exit_msg&) {});
      return {[](int) {}};
    });
  });
  grow({}, {obeying("a"), supervisor({.id = "sub"}, {}, {deaf}), obeying("b")});
  EXPECT_TRUE(tree->stop(5s));
  EXPECT_EQ(log.text(), "+a1 +b1 -b1 -a1");
}
