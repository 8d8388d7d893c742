// SPDX-License-Identifier: Apache-2.0
// OTP's acceptance cases; the numbers in the names are those of the specification's table (after supervisor_SUITE).
#include "engine_fixture.hpp"

#include <ctime>

using op = call::op;

TEST_F(engine_test, case_01_an_empty_supervisor_starts_and_stops) {
  start({}, {});
  EXPECT_TRUE(up);
  stop();
  EXPECT_TRUE(over);
  EXPECT_EQ(reason.what, exit_reason::kind::shutdown);
}

TEST_F(engine_test, case_05_a_permanent_child_that_ignores_keeps_its_slot) {
  start({}, {});
  script["a"] = behave::ignore;
  const auto r = start_child(permanent("a"));
  EXPECT_EQ(r.error, errc::none);
  EXPECT_EQ(r.handle, 0U);
  start_child(permanent("b"));
  EXPECT_EQ(which(), "b a:undefined");
  EXPECT_EQ(counts(), (child_counts{2, 1, 0, 2}));
}

TEST_F(engine_test, case_06_and_07_a_temporary_child_that_ignores_is_not_kept) {
  script["t"] = behave::ignore;
  start({}, {temporary("t"), permanent("a")});
  EXPECT_EQ(counts(), (child_counts{1, 1, 0, 1}));
  EXPECT_EQ(start_child(temporary("t")).error, errc::none);
  EXPECT_EQ(which(), "a");
}

TEST_F(engine_test, case_08_a_simple_child_that_ignores_is_not_listed) {
  start({.strategy = strategy::simple_one_for_one}, {temporary("x")});
  script[""] = behave::ignore;
  EXPECT_EQ(start_child({}).error, errc::none);
  script[""] = behave::start;
  start_child({});
  EXPECT_EQ(ask(op::which_children).children.size(), 1U);
  stop();
  EXPECT_TRUE(over);
}

TEST_F(engine_test, case_09_to_11_a_child_that_cannot_start_is_told_of_and_forgotten) {
  start({}, {});
  script["a"] = behave::fail;
  const auto r = start_child(permanent("a"));
  EXPECT_EQ(r.error, errc::start_error);
  EXPECT_EQ(r.detail, "no luck");
  EXPECT_EQ(which(), "");
  start({.strategy = strategy::simple_one_for_one}, {temporary("x")});
  script[""] = behave::fail;
  EXPECT_EQ(start_child({}).error, errc::start_error);
  EXPECT_EQ(counts(), (child_counts{1, 0, 0, 0}));
}

TEST_F(engine_test, case_12_an_initial_failure_unwinds_what_has_started_and_is_not_retried) {
  script["c"] = behave::fail;
  start({.intensity = 10}, {permanent("a"), permanent("b"), permanent("c"), permanent("d")});
  EXPECT_EQ(log, "+a +b !c -b -a");
  EXPECT_TRUE(over);
  EXPECT_FALSE(up);
  EXPECT_EQ(to_string(reason), "shutdown(failed_to_start_child(c, no luck))");
}

TEST_F(engine_test, case_13_specs_come_back_with_their_defaults) {
  start({}, {permanent("w"), {.id = "s", .type = child_type::supervisor}});
  EXPECT_EQ(ask(op::get_childspec, "w").spec->shutdown, shutdown_type{milliseconds{5000}});
  EXPECT_EQ(ask(op::get_childspec, "s").spec->shutdown, shutdown_type{infinity{}});
  EXPECT_EQ(ask(op::get_childspec, "nobody").error, errc::not_found);
}

TEST_F(engine_test, case_14_a_simple_childs_spec_is_the_template) {
  start({.strategy = strategy::simple_one_for_one}, {temporary("x")});
  const auto h = start_child({}).handle;
  call c{op::get_childspec, {}, h};
  EXPECT_EQ(ask(c).spec->restart, restart_type::temporary);
  c.handle = 999;
  EXPECT_EQ(ask(c).error, errc::not_found);
}

TEST_F(engine_test, case_15_faulty_specs_are_refused_by_name) {
  EXPECT_EQ(check_spec({}, auto_shutdown::never), errc::missing_id);
  EXPECT_EQ(check_spec(permanent("a"), auto_shutdown::never, false), errc::missing_start);
  EXPECT_EQ(check_spec({.id = "a", .restart = static_cast<restart_type>(9)}, auto_shutdown::never),
            errc::invalid_restart_type);
  EXPECT_EQ(check_spec({.id = "a", .shutdown = milliseconds{-10}}, auto_shutdown::never), errc::invalid_shutdown);
  EXPECT_EQ(check_spec({.id = "a", .type = static_cast<child_type>(9)}, auto_shutdown::never),
            errc::invalid_child_type);
  start({}, {});
  EXPECT_EQ(start_child({}).error, errc::missing_id);
}

TEST_F(engine_test, case_16_the_same_id_twice_is_refused) {
  start({}, {permanent("a"), permanent("a")});
  EXPECT_TRUE(over);
  EXPECT_EQ(reason.text, "duplicate_child");
  EXPECT_EQ(log, "") << "nothing has been started";
}

TEST_F(engine_test, case_18_bad_flags_are_refused_by_name) {
  EXPECT_EQ(check_flags({.intensity = -1}), errc::invalid_intensity);
  EXPECT_EQ(check_flags({.period = 0ms}), errc::invalid_period);
  EXPECT_EQ(check_flags({.strategy = static_cast<strategy>(9)}), errc::invalid_strategy);
  EXPECT_EQ(check_specs({.strategy = strategy::simple_one_for_one}, {}), errc::bad_start_spec);
}

TEST_F(engine_test, case_20_a_deaf_child_is_killed_after_its_limit) {
  start({}, {permanent("a"), {.id = "b", .shutdown = 1000ms}});
  deaf = {"b"};
  stop();
  EXPECT_FALSE(over);
  pass(999ms);
  EXPECT_FALSE(over);
  pass(1ms);
  EXPECT_TRUE(over);
  EXPECT_EQ(log, "+a +b kill b -b -a");
  EXPECT_TRUE(reported(effect::report_kind::shutdown_error));
}

TEST_F(engine_test, case_21_brutal_kill_asks_nobody_and_is_no_error) {
  start({}, {permanent("a"), {.id = "b", .shutdown = brutal_kill{}}});
  stop();
  EXPECT_EQ(log, "+a +b kill b -b -a");
  EXPECT_FALSE(reported(effect::report_kind::shutdown_error));
}

TEST_F(engine_test, case_23_to_28_administration) {
  start({}, {permanent("a")});
  const auto h = handle("a");
  auto r = start_child(permanent("a"));
  EXPECT_EQ(r.error, errc::already_started);
  EXPECT_EQ(r.handle, h);
  EXPECT_EQ(ask(op::delete_child, "a").error, errc::running);
  EXPECT_EQ(ask(op::restart_child, "a").error, errc::running);
  EXPECT_EQ(ask(op::terminate_child, "a").error, errc::none);
  EXPECT_EQ(ask(op::terminate_child, "a").error, errc::none) << "also when it is stopped already";
  EXPECT_EQ(counts(), (child_counts{1, 0, 0, 1}));
  EXPECT_EQ(start_child(permanent("a")).error, errc::already_present);
  r = ask(op::restart_child, "a");
  EXPECT_EQ(r.error, errc::none);
  EXPECT_NE(r.handle, h);
  ask(op::terminate_child, "a");
  EXPECT_EQ(ask(op::delete_child, "a").error, errc::none);
  for (const auto what : {op::terminate_child, op::restart_child, op::delete_child})
    EXPECT_EQ(ask(what, "a").error, errc::not_found);
  EXPECT_EQ(counts(), child_counts{});
}

TEST_F(engine_test, case_26_a_restart_by_hand_that_fails_is_neither_retried_nor_paid_for) {
  start({.intensity = 0}, {permanent("a")});
  ask(op::terminate_child, "a");
  script["a"] = behave::fail;
  EXPECT_EQ(ask(op::restart_child, "a").error, errc::start_error);
  pass(60s);
  EXPECT_EQ(which(), "a:undefined");
  EXPECT_FALSE(over);
}

TEST_F(engine_test, case_29_a_handle_names_nobody_outside_simple_one_for_one) {
  start({}, {permanent("a")});
  EXPECT_EQ(ask(call{op::terminate_child, {}, handle("a")}).error, errc::not_found);
  EXPECT_NE(handle("a"), 0U);
}

TEST_F(engine_test, case_30_the_dead_answer_noproc) {
  start({}, {permanent("a")});
  stop();
  for (const auto what :
       {op::which_children, op::terminate_child, op::restart_child, op::delete_child, op::start_child})
    EXPECT_EQ(ask(what, "a").error, errc::noproc);
}

TEST_F(engine_test, case_32_simple_children_cannot_be_restarted_or_deleted) {
  start({.strategy = strategy::simple_one_for_one}, {temporary("x")});
  EXPECT_EQ(ask(op::restart_child, "x").error, errc::simple_one_for_one);
  EXPECT_EQ(ask(op::delete_child, "x").error, errc::simple_one_for_one);
  EXPECT_EQ(ask(op::terminate_child, "x").error, errc::simple_one_for_one);
  const auto h = start_child({}).handle;
  EXPECT_EQ(ask(call{op::terminate_child, {}, h}).error, errc::none);
  EXPECT_EQ(ask(call{op::terminate_child, {}, h}).error, errc::none) << "the dead are terminated already";
  EXPECT_EQ(ask(call{op::terminate_child, {}, 77, true}).error, errc::not_found) << "a living stranger";
}

TEST_F(engine_test, case_33_to_35_a_permanent_child_comes_back_whatever_it_died_of) {
  start({.intensity = 3}, {permanent("a")});
  for (const auto& why : {normal(), shut_down(), crashed()}) {
    const auto before = handle("a");
    ends("a", why);
    EXPECT_NE(handle("a"), 0U);
    EXPECT_NE(handle("a"), before);
  }
  EXPECT_EQ(reports.size(), 3U) << "each exit of a permanent child is reported";
}

TEST_F(engine_test, case_36_to_38_a_transient_child_comes_back_from_crashes_only) {
  start({.intensity = 3}, {transient("a")});
  ends("a", normal());
  EXPECT_EQ(which(), "a:undefined");
  EXPECT_TRUE(reports.empty());
  EXPECT_EQ(ask(op::restart_child, "a").error, errc::none);
  ends("a", shut_down());
  EXPECT_EQ(which(), "a:undefined");
  ask(op::restart_child, "a");
  crash("a");
  EXPECT_NE(handle("a"), 0U);
  EXPECT_EQ(reports.size(), 1U);
}

TEST_F(engine_test, case_39_to_41_a_temporary_child_never_comes_back) {
  start({}, {});
  for (const auto& why : {normal(), shut_down(), crashed()}) {
    EXPECT_EQ(start_child(temporary("a")).error, errc::none);
    ends("a", why);
    EXPECT_EQ(which(), "");
  }
  EXPECT_EQ(reports.size(), 1U) << "only the crash";
}

TEST_F(engine_test, case_43_restarts_further_apart_than_the_period_are_forgiven) {
  start({.intensity = 1, .period = 1s}, {permanent("a")});
  for (int i = 0; i < 4; ++i) {
    crash("a");
    pass(2100ms);
  }
  EXPECT_FALSE(over);
}

TEST_F(engine_test, an_entry_exactly_one_period_old_still_counts) {
  start({.intensity = 1, .period = 1s}, {permanent("a")});
  crash("a");
  pass(1000ms);
  crash("a");
  EXPECT_TRUE(over);
  start({.intensity = 1, .period = 1s}, {permanent("a")});
  over = false;
  crash("a");
  pass(1001ms);
  crash("a");
  EXPECT_FALSE(over);
}

TEST_F(engine_test, case_44_one_for_one_restarts_one_and_ends_when_the_budget_is_spent) {
  start({.intensity = 2}, {permanent("a"), permanent("b")});
  const auto other = handle("b");
  crash("a");
  crash("a");
  EXPECT_EQ(handle("b"), other);
  EXPECT_FALSE(over);
  crash("b");
  EXPECT_TRUE(over) << "the budget is the supervisor's, not a child's";
  EXPECT_TRUE(reason.budget_spent);
  EXPECT_EQ(reason.what, exit_reason::kind::shutdown);
  EXPECT_TRUE(alive.empty());
}

TEST_F(engine_test, intensity_zero_means_that_the_first_restart_is_one_too_many) {
  start({.intensity = 0}, {permanent("a"), permanent("b")});
  crash("a");
  EXPECT_TRUE(over);
  EXPECT_EQ(log, "+a +b -a -b");
}

TEST_F(engine_test, case_45_failed_restarts_are_retried_and_paid_for_until_the_supervisor_gives_up) {
  start({.intensity = 4, .period = 5s}, {permanent("a"), permanent("b")});
  script["a"] = behave::fail;
  crash("a");
  pass(5s);
  EXPECT_EQ(log, "+a +b -a !a !a !a !a -b");
  EXPECT_TRUE(over);
  EXPECT_EQ(spent, 4);
}

TEST_F(engine_test, case_46_one_for_all_restarts_all_in_start_order) {
  start({.strategy = strategy::one_for_all, .intensity = 2}, {permanent("a"), permanent("b"), permanent("c")});
  log.clear();
  crash("b");
  EXPECT_EQ(log, "-b -c -a +a +b +c");
}

TEST_F(engine_test, one_for_all_revives_stopped_children_and_drops_temporary_ones) {
  start({.strategy = strategy::one_for_all, .intensity = 2}, {permanent("a"), temporary("t"), permanent("b")});
  ask(op::terminate_child, "b");
  crash("a");
  EXPECT_EQ(which(), "b a");
  EXPECT_NE(handle("b"), 0U);
}

TEST_F(engine_test, case_47_one_for_all_with_a_child_that_cannot_restart_escalates) {
  start({.strategy = strategy::one_for_all, .intensity = 4, .period = 5s}, {permanent("a"), permanent("b")});
  script["b"] = behave::fail;
  crash("a");
  pass(5s);
  EXPECT_TRUE(over);
  EXPECT_EQ(log, "+a +b -a -b +a !b -a +a !b -a +a !b -a +a !b -a");
}

TEST_F(engine_test, case_50_rest_for_one_restarts_it_and_those_after_it) {
  start({.strategy = strategy::rest_for_one, .intensity = 2}, {permanent("a"), permanent("b"), permanent("c")});
  const auto first = handle("a");
  log.clear();
  crash("b");
  EXPECT_EQ(log, "-b -c +b +c");
  EXPECT_EQ(handle("a"), first);
}

TEST_F(engine_test, rest_for_one_retries_only_from_the_one_that_failed) {
  start({.strategy = strategy::rest_for_one, .intensity = 5, .period = 60s},
        {permanent("a"), permanent("b"), permanent("c")});
  log.clear();
  script["c"] = behave::fail;
  crash("b");
  EXPECT_EQ(which(), "c:restarting b a");
  script["c"] = behave::start;
  pass(1s);
  EXPECT_EQ(log, "-b -c +b !c +c") << "b was started in the first round and stays";
}

TEST_F(engine_test, case_53_simple_children_restart_alone) {
  start({.strategy = strategy::simple_one_for_one, .intensity = 2}, {permanent("x")});
  const auto one = start_child({}).handle;
  const auto two = start_child({}).handle;
  end(one, crashed());
  settle();
  EXPECT_TRUE(alive.contains(two));
  EXPECT_EQ(counts(), (child_counts{1, 2, 0, 2}));
  end(two, crashed());
  settle();
  end(alive.begin()->first, crashed());
  settle();
  EXPECT_TRUE(over);
  EXPECT_TRUE(alive.empty());
}

TEST_F(engine_test, case_55_a_simple_child_that_cannot_restart_takes_all_down) {
  start({.strategy = strategy::simple_one_for_one, .intensity = 2, .period = 5s}, {permanent("x")});
  const auto one = start_child({}).handle;
  start_child({});
  script[""] = behave::fail;
  end(one, crashed());
  settle();
  pass(5s);
  EXPECT_TRUE(over);
  EXPECT_TRUE(alive.empty());
}

TEST_F(engine_test, case_60_a_stop_in_the_retry_loop_ends_at_once) {
  start({.intensity = 1000, .period = 3600s}, {permanent("a")});
  script["a"] = behave::fail;
  crash("a");
  pass(50ms);
  stop();
  EXPECT_TRUE(over);
}

TEST_F(engine_test, a_terminate_cancels_the_retries) {
  start({.intensity = 1000, .period = 3600s}, {permanent("a")});
  script["a"] = behave::fail;
  crash("a");
  EXPECT_EQ(ask(op::restart_child, "a").error, errc::restarting);
  EXPECT_EQ(ask(op::delete_child, "a").error, errc::restarting);
  EXPECT_EQ(start_child(permanent("a")).error, errc::already_present);
  EXPECT_EQ(ask(op::terminate_child, "a").error, errc::none);
  EXPECT_EQ(sup->next_deadline(), std::nullopt);
  EXPECT_EQ(which(), "a:undefined");
}

TEST_F(engine_test, case_62_thousands_of_simple_children_are_counted) {
  start({.strategy = strategy::simple_one_for_one}, {temporary("x")});
  for (int i = 0; i < 1000; ++i)
    start_child({});
  EXPECT_EQ(counts(), (child_counts{1, 1000, 0, 1000}));
  for (int i = 0; i < 1000; ++i)
    start_child({});
  EXPECT_EQ(counts(), (child_counts{1, 2000, 0, 2000}));
  while (!alive.empty())
    end(alive.begin()->first, {exit_reason::kind::killed, {}, false});
  settle();
  EXPECT_EQ(counts(), (child_counts{1, 0, 0, 0}));
}

TEST_F(engine_test, case_64_order_does_not_depend_on_the_names) {
  start({.strategy = strategy::rest_for_one, .intensity = 2},
        {permanent("z"), permanent("1"), permanent("a b"), permanent("A"), permanent("ü")});
  log.clear();
  crash("a b");
  EXPECT_EQ(log, "-a b -ü -A +a b +A +ü");
  log.clear();
  stop();
  EXPECT_EQ(log, "-ü -A -a b -1 -z");
}

TEST_F(engine_test, case_65_a_hundred_times_the_children_cost_about_a_hundred_times_the_time) {
  const auto own_time = [] { // of this thread: others may keep the machine busy
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
  };
  const auto run = [&](int n) {
    std::vector<child_spec> specs;
    for (int i = 0; i < n; ++i)
      specs.push_back(i % 2 == 0 ? permanent(std::to_string(i)) : temporary(std::to_string(i)));
    engine e({}, std::move(specs));
    const auto begun = own_time();
    e.start(now);
    bool ended = false;
    const auto work = [&] {
      for (auto todo = e.take(); !todo.empty(); todo = e.take())
        for (auto& one : todo) {
          if (one.what == effect::kind::start)
            e.started(one.child, now);
          else if (one.what == effect::kind::ask)
            e.down(one.child, shut_down(), now);
          ended = ended || one.what == effect::kind::ended;
        }
    };
    work();
    e.shutdown(shut_down(), now);
    work();
    EXPECT_TRUE(ended);
    return own_time() - begun;
  };
  run(1000);
  const auto few = std::min({run(1000), run(1000), run(1000)});
  const auto many = std::min({run(30'000), run(30'000), run(30'000)});
  EXPECT_LT(many, few * 30 * 10);
}

TEST_F(engine_test, case_66_to_69_significant_children_end_their_supervisor) {
  auto s1 = transient("s1"), s2 = transient("s2");
  s1.significant = s2.significant = true;
  start({.auto_shutdown = auto_shutdown::any_significant}, {transient("plain"), s1, s2});
  ends("plain", normal());
  EXPECT_FALSE(over) << "not significant";
  ends("s1", normal());
  EXPECT_TRUE(over);
  EXPECT_EQ(reason.what, exit_reason::kind::shutdown);

  over = false;
  start({.auto_shutdown = auto_shutdown::all_significant}, {s1, s2, permanent("a")});
  ends("s1", normal());
  EXPECT_FALSE(over);
  ends("s2", shut_down());
  EXPECT_TRUE(over);
}

TEST_F(engine_test, a_significant_child_that_is_restarted_or_stopped_by_hand_ends_nobody) {
  auto s = transient("s");
  s.significant = true;
  start({.intensity = 3, .auto_shutdown = auto_shutdown::any_significant}, {s, permanent("a")});
  crash("s");
  EXPECT_FALSE(over);
  ask(op::terminate_child, "s");
  EXPECT_FALSE(over);
}

TEST_F(engine_test, case_70_a_bystanders_crash_ends_nobody) {
  for (const auto how : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one})
    for (const auto mode : {auto_shutdown::any_significant, auto_shutdown::all_significant}) {
      auto s = temporary("s");
      s.significant = true;
      start({.strategy = how, .intensity = 3, .auto_shutdown = mode}, {permanent("a"), s});
      crash("a");
      EXPECT_FALSE(over);
    }
}

TEST_F(engine_test, case_72_senseless_combinations_are_refused) {
  child_spec s = permanent("s");
  s.significant = true;
  EXPECT_EQ(check_spec(s, auto_shutdown::any_significant), errc::bad_combination);
  s.restart = restart_type::transient;
  EXPECT_EQ(check_spec(s, auto_shutdown::never), errc::bad_combination);
  EXPECT_EQ(check_spec(s, auto_shutdown::all_significant), errc::none);
  EXPECT_EQ(check_flags({.strategy = strategy::simple_one_for_one, .auto_shutdown = auto_shutdown::any_significant}),
            errc::bad_combination);
}

TEST_F(engine_test, case_74_no_more_than_max_children) {
  start({.strategy = strategy::simple_one_for_one, .max_children = 2}, {temporary("x")});
  const auto one = start_child({}).handle;
  start_child({});
  EXPECT_EQ(start_child({}).error, errc::max_children);
  end(one, normal());
  settle();
  EXPECT_EQ(start_child({}).error, errc::none);
}

TEST_F(engine_test, simple_children_stop_together_under_one_timer) {
  start({.strategy = strategy::simple_one_for_one},
        {{.id = "x", .restart = restart_type::temporary, .shutdown = 100ms}});
  for (int i = 0; i < 5; ++i)
    start_child({});
  deaf = stuck = {""};
  stop();
  pass(100ms);
  EXPECT_FALSE(over);
  pass(1s);
  EXPECT_TRUE(over) << "100 ms and the grace, not five times that";
  EXPECT_TRUE(alive.empty());
}

TEST_F(engine_test, case_76_a_child_that_survives_its_kill_is_given_up_and_replaced) {
  start({.intensity = 3, .kill_grace = 1s}, {permanent("a"), permanent("b")});
  stuck = {"a"};
  call kill{op::kill, "a"};
  const auto id = ++calls;
  sup->ask(id, kill, now);
  settle();
  EXPECT_FALSE(replies.contains(id)) << "it answers after the end";
  pass(1s);
  EXPECT_EQ(replies[id].error, errc::none);
  EXPECT_EQ(log, "+a +b kill a abandon a +a");
  EXPECT_TRUE(reported(effect::report_kind::abandoned));
  EXPECT_EQ(spent, 0) << "an ordered exit costs nothing";
}

TEST_F(engine_test, what_an_operator_orders_spends_no_budget_unless_as_a_crash) {
  start({.intensity = 0}, {permanent("a")});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ask(op::kill, "a").error, errc::none);
    EXPECT_EQ(ask(op::restart, "a").error, errc::none);
  }
  EXPECT_FALSE(over);
  call kill{op::kill, "a"};
  kill.as_crash = true;
  ask(kill);
  EXPECT_TRUE(over);
}

TEST_F(engine_test, an_operators_restart_takes_the_dependants_along) {
  start({.strategy = strategy::rest_for_one}, {permanent("a"), permanent("b"), permanent("c")});
  log.clear();
  ask(op::restart, "b");
  EXPECT_EQ(log, "-c -b +b +c");
}

TEST_F(engine_test, case_80_a_start_that_hangs_meets_its_timeout_and_is_a_failure) {
  script["b"] = behave::hang;
  start({.start_timeout = 5s}, {permanent("a"), permanent("b")});
  pass(4999ms);
  EXPECT_FALSE(over);
  pass(1ms);
  EXPECT_TRUE(over);
  EXPECT_EQ(reason.text, "failed_to_start_child(b, start_timeout)");
  EXPECT_EQ(log, "+a kill b -b -a");
}

TEST_F(engine_test, a_stop_does_not_wait_for_a_start_that_hangs) {
  script["b"] = behave::hang;
  start({}, {permanent("a"), permanent("b"), permanent("c")});
  stop();
  EXPECT_TRUE(over);
  EXPECT_EQ(log, "+a -b -a");
}

TEST_F(engine_test, case_81_pauses_of_a_degraded_child_grow_and_are_forgotten_after_a_healthy_minute) {
  start({.intensity = 0, .spent = when_spent::degrade}, {permanent("a"), permanent("b")});
  const auto pause_after_crash = [&] {
    crash("a");
    EXPECT_EQ(shown["a"], slot_state::degraded);
    const auto begun = now;
    while (handle("a") == 0)
      pass(10ms);
    return std::chrono::duration_cast<milliseconds>(now - begun).count();
  };
  for (const int seconds : {1, 2, 4, 8, 16, 30, 30}) {
    const auto ms = pause_after_crash();
    EXPECT_GE(ms, seconds * 800);
    EXPECT_LE(ms, seconds * 1200 + 10);
  }
  pass(60s);
  EXPECT_LE(pause_after_crash(), 1210);
  EXPECT_FALSE(over);
  EXPECT_NE(handle("b"), 0U) << "the others serve";
}

TEST_F(engine_test, a_subsystem_that_gave_up_is_degraded_at_once_one_that_crashed_is_restarted) {
  start({.intensity = 5, .spent = when_spent::degrade}, {{.id = "sub", .type = child_type::supervisor}});
  ends("sub", crashed());
  EXPECT_EQ(shown["sub"], slot_state::running);
  ends("sub", {exit_reason::kind::shutdown, "reached_max_restart_intensity", true});
  EXPECT_EQ(shown["sub"], slot_state::degraded);
  EXPECT_EQ(ask(op::start_now, "sub").error, errc::none);
  EXPECT_EQ(shown["sub"], slot_state::running) << "an operator need not wait";
}

TEST_F(engine_test, under_degrade_one_childs_budget_is_not_anothers) {
  start({.intensity = 1, .spent = when_spent::degrade}, {permanent("a"), permanent("b")});
  crash("a");
  crash("b");
  EXPECT_EQ(shown["a"], slot_state::running);
  EXPECT_EQ(shown["b"], slot_state::running);
  crash("a");
  EXPECT_EQ(shown["a"], slot_state::degraded);
  EXPECT_EQ(shown["b"], slot_state::running);
}

TEST_F(engine_test, at_boot_a_child_that_is_not_essential_begins_degraded) {
  script["a"] = behave::fail;
  auto must = permanent("b");
  must.essential = true;
  start({.spent = when_spent::degrade}, {permanent("a"), must});
  EXPECT_TRUE(up);
  EXPECT_EQ(shown["a"], slot_state::degraded);
  pass(1200ms);
  EXPECT_EQ(log, "!a +b !a") << "tried again after a second";
  script["a"] = behave::start;
  pass(3s);
  EXPECT_EQ(shown["a"], slot_state::running);

  script["b"] = behave::fail;
  up = false;
  start({.spent = when_spent::degrade}, {permanent("a"), must});
  EXPECT_FALSE(up);
  EXPECT_TRUE(over);
}

TEST_F(engine_test, an_operators_degrade_lasts_until_he_ends_it) {
  start({.spent = when_spent::degrade}, {permanent("a")});
  EXPECT_EQ(ask(op::degrade, "a").error, errc::none);
  EXPECT_EQ(shown["a"], slot_state::degraded);
  EXPECT_EQ(sup->next_deadline(), std::nullopt);
  EXPECT_EQ(ask(op::start_now, "a").error, errc::none);
  EXPECT_EQ(shown["a"], slot_state::running);
}

TEST_F(engine_test, calls_wait_while_a_sequence_runs) {
  start({.strategy = strategy::one_for_all, .intensity = 2}, {permanent("a"), {.id = "b", .shutdown = 1000ms}});
  deaf = {"b"};
  crash("a"); // b is asked to stop, and takes its second
  const auto id = ++calls;
  sup->ask(id, call{op::which_children}, now);
  settle();
  EXPECT_FALSE(replies.contains(id));
  pass(1s);
  EXPECT_TRUE(replies.contains(id));
  EXPECT_EQ(replies[id].children.size(), 2U);
}

TEST_F(engine_test, a_child_that_ends_during_a_sequence_is_not_waited_for_again) {
  start({.strategy = strategy::one_for_all, .intensity = 2},
        {permanent("x"), permanent("a"), {.id = "b", .shutdown = 1000ms}});
  deaf = {"b"};
  crash("a"); // b is asked first, and takes its second
  crash("x"); // meanwhile
  log.clear();
  pass(1s);
  EXPECT_EQ(log, "kill b -b +x +a +b");
  EXPECT_EQ(spent, 1) << "it was part of the same restart";
}

TEST_F(engine_test, an_exit_of_a_stranger_is_ignored) {
  start({.intensity = 0}, {permanent("a")});
  sup->down(12345, crashed(), now);
  settle();
  EXPECT_FALSE(over);
  EXPECT_EQ(log, "+a");
}
