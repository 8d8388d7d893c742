// SPDX-License-Identifier: Apache-2.0
// Acceptance cases on the engine, those that are told apart by one word of the specification. The others stand in engine_test.cpp.
#include "engine_fixture.hpp"

using op = call::op;

namespace {

call by_handle(op what, child_handle h, bool alive = false) {
  call c;
  c.what = what;
  c.handle = h;
  c.alive = alive;
  return c;
}
child_spec significant(child_spec s) {
  s.significant = true;
  return s;
}
sup_flags simple(int intensity = 1) {
  return {.strategy = strategy::simple_one_for_one, .intensity = intensity};
}

TEST_F(engine_test, case_02_an_init_that_ignores_ends_it_normally) {
  make({}, {});
  sup->init_ignored(now);
  settle();
  EXPECT_TRUE(ignored);
  EXPECT_TRUE(over);
  EXPECT_FALSE(up);
  EXPECT_EQ(reason.what, exit_reason::kind::normal);
}

TEST_F(engine_test, case_03_nonsense_from_init_is_its_end) {
  start({.intensity = -1}, {permanent("a")});
  EXPECT_TRUE(over);
  EXPECT_EQ(to_string(reason), "invalid_intensity");
  EXPECT_EQ(log, "");
}

TEST_F(engine_test, case_04_what_init_throws_is_its_end) {
  make({}, {});
  sup->init_failed("no configuration", now);
  settle();
  EXPECT_TRUE(over);
  EXPECT_EQ(to_string(reason), "no configuration");
  EXPECT_EQ(ask(op::which_children).error, errc::noproc) << "no hang";
}

TEST_F(engine_test, case_07_a_temporary_child_that_ignores_later_is_absent) {
  start({}, {});
  script["t"] = behave::ignore;
  const auto r = start_child(temporary("t"));
  EXPECT_EQ(r.error, errc::none);
  EXPECT_EQ(r.handle, 0U);
  EXPECT_EQ(counts(), child_counts{});
}

TEST_F(engine_test, a_start_may_tell_something_besides) {
  infos["a"] = "port 8080";
  start({}, {});
  EXPECT_EQ(start_child(permanent("a")).info, "port 8080");
  ask(op::terminate_child, "a");
  infos["a"] = "port 8081";
  EXPECT_EQ(ask(op::restart_child, "a").info, "port 8081");
}

TEST_F(engine_test, case_09_the_spec_of_a_start_error_comes_back_and_is_forgotten) {
  start({}, {});
  script["a"] = behave::fail;
  const auto r = start_child({.id = "a", .shutdown = 7ms});
  ASSERT_TRUE(r.spec);
  EXPECT_EQ(r.spec->shutdown, shutdown_type{7ms});
  EXPECT_EQ(counts(), child_counts{});
}

TEST_F(engine_test, case_10_a_child_that_dies_before_it_is_ready_has_not_started) {
  start({}, {});
  script["a"] = behave::hang;
  const auto id = ++calls;
  call c;
  c.what = op::start_child;
  c.spec = permanent("a");
  sup->ask(id, c, now);
  settle();
  EXPECT_FALSE(replies.contains(id));
  ends("a", crashed("no disk"));
  EXPECT_EQ(replies[id].error, errc::start_error);
  EXPECT_EQ(replies[id].detail, "no disk");
  EXPECT_EQ(which(), "");
}

TEST_F(engine_test, case_11_a_simple_start_error_is_the_bare_reason) {
  start(simple(), {temporary("x")});
  script[""] = behave::fail;
  const auto r = start_child({});
  EXPECT_EQ(r.detail, "no luck");
  EXPECT_FALSE(r.spec);
  EXPECT_EQ(ask(op::which_children).children.size(), 0U);
}

TEST_F(engine_test, case_15_a_list_is_checked_without_starting_it) {
  EXPECT_EQ(check_childspecs({permanent("a"), permanent("b")}), errc::none);
  EXPECT_EQ(check_childspecs({permanent("a"), permanent("a")}), errc::duplicate_child);
  EXPECT_EQ(check_childspecs({{.id = "a", .shutdown = -10ms}}), errc::invalid_shutdown);
  EXPECT_EQ(check_childspecs({significant(transient("a"))}), errc::none) << "no mode, no objection";
  EXPECT_EQ(check_childspecs({significant(transient("a"))}, auto_shutdown::never), errc::bad_combination);
  EXPECT_EQ(check_childspecs({significant(permanent("a"))}), errc::bad_combination);
}

TEST_F(engine_test, case_18_bad_flags_start_nothing) {
  for (const auto& flags :
       {sup_flags{.intensity = -1}, sup_flags{.period = 0ms}, sup_flags{.strategy = static_cast<strategy>(9)},
        sup_flags{.auto_shutdown = static_cast<auto_shutdown>(9)}}) {
    over = false;
    start(flags, {permanent("a")});
    EXPECT_TRUE(over);
    EXPECT_EQ(reason.what, exit_reason::kind::crash);
  }
  EXPECT_EQ(log, "");
}

TEST_F(engine_test, case_19_infinity_waits_as_long_as_it_takes) {
  start({}, {{.id = "w", .shutdown = infinity{}}, {.id = "s", .type = child_type::supervisor}});
  deaf = {"s"};
  stop();
  pass(24h);
  EXPECT_FALSE(over);
  ends("s", shut_down());
  EXPECT_TRUE(over);
  EXPECT_EQ(log, "+w +s -s -w");
  EXPECT_FALSE(reported(effect::report_kind::shutdown_error));
}

TEST_F(engine_test, case_30_every_call_on_the_dead_is_noproc) {
  start({}, {permanent("a")});
  stop();
  for (const auto what : {op::start_child, op::terminate_child, op::restart_child, op::delete_child, op::which_children,
                          op::count_children, op::get_childspec})
    EXPECT_EQ(ask(what, "a").error, errc::noproc);
}

TEST_F(engine_test, case_36_to_38_a_simple_child_that_is_not_restarted_is_forgotten) {
  start(simple(3), {transient("x")});
  const auto one = start_child({}).handle;
  const auto two = start_child({}).handle;
  end(one, normal());
  settle();
  EXPECT_EQ(counts(), (child_counts{1, 1, 0, 1}));
  end(two, crashed());
  settle();
  EXPECT_EQ(counts(), (child_counts{1, 1, 0, 1})) << "a crash brings a transient one back";
}

TEST_F(engine_test, a_hopeless_child_spends_its_budget_within_the_period_however_short_that_is) {
  for (const auto period : {1ms, 20ms, 1000ms, 60000ms}) {
    over = false;
    script.clear();
    start({.intensity = 5, .period = period}, {permanent("a")});
    script["a"] = behave::fail;
    crash("a");
    pass(period);
    EXPECT_TRUE(over) << period.count() << " ms";
  }
}

TEST_F(engine_test, case_52_rest_for_one_with_a_child_that_cannot_restart_escalates) {
  start({.strategy = strategy::rest_for_one, .intensity = 4, .period = 5s},
        {permanent("z"), permanent("a"), permanent("b")});
  script["b"] = behave::fail;
  crash("a");
  pass(5s);
  EXPECT_TRUE(over);
  EXPECT_EQ(log, "+z +a +b -a -b +a !b !b !b !b -a -z");
}

TEST_F(engine_test, what_has_not_been_started_yet_in_a_round_is_undefined_to_callers) {
  start({.strategy = strategy::one_for_all, .intensity = 50, .period = 60s},
        {permanent("a"), permanent("b"), permanent("c")});
  script["a"] = behave::fail;
  crash("c");
  EXPECT_EQ(which(), "c:undefined b:undefined a:restarting");
  EXPECT_EQ(shown["c"], slot_state::restarting) << "to an operator it is on its way";
  EXPECT_EQ(ask(op::restart_child, "b").error, errc::none);
  EXPECT_EQ(ask(op::restart_child, "a").error, errc::restarting);
  script["a"] = behave::start;
  pass(1s);
  EXPECT_EQ(which(), "c b a");
}

// One level's engine at a time: what the lower one ends with is what the upper one sees.
TEST_F(engine_test, case_57_a_subtree_that_gives_up_is_a_shutdown_to_the_one_above) {
  start({.intensity = 1}, {permanent("grandchild")});
  script["grandchild"] = behave::fail;
  crash("grandchild");
  pass(5s);
  ASSERT_TRUE(over);
  const auto told = reason;
  script.clear();
  over = false;
  start({.strategy = strategy::one_for_all, .intensity = 1},
        {{.id = "s1", .type = child_type::supervisor}, {.id = "s2", .type = child_type::supervisor}});
  log.clear();
  ends("s1", told);
  EXPECT_EQ(log, "-s1 -s2 +s1 +s2");
}

TEST_F(engine_test, case_60_a_stop_between_two_tries_of_a_simple_child_ends_at_once) {
  start({.strategy = strategy::simple_one_for_one, .intensity = 1000, .period = 3600s}, {permanent("x")});
  const auto h = start_child({}).handle;
  script[""] = behave::fail;
  end(h, crashed());
  settle();
  pass(50ms);
  stop();
  EXPECT_TRUE(over);
}

TEST_F(engine_test, case_66_a_child_that_is_not_significant_never_ends_its_supervisor) {
  for (const auto mode : {auto_shutdown::never, auto_shutdown::any_significant, auto_shutdown::all_significant}) {
    over = false;
    start({.intensity = 9, .auto_shutdown = mode}, {permanent("p"), transient("t"), temporary("x")});
    for (const auto& why : {normal(), shut_down(), crashed()})
      ends("p", why);
    crash("t");
    ends("t", normal());
    crash("x");
    EXPECT_FALSE(over);
  }
}

TEST_F(engine_test, case_69_a_significant_child_that_is_being_retried_still_counts) {
  start({.intensity = 100, .period = 60s, .auto_shutdown = auto_shutdown::all_significant},
        {significant(transient("a")), significant(temporary("b"))});
  script["a"] = behave::fail;
  crash("a");
  crash("b");
  EXPECT_FALSE(over) << "a is `restarting`, and that is active";
  script["a"] = behave::start;
  pass(1s);
  ends("a", normal());
  EXPECT_TRUE(over);
}

TEST_F(engine_test, auto_shutdown_nests_because_shutdown_is_a_clean_end) {
  start({.auto_shutdown = auto_shutdown::any_significant}, {significant(transient("s"))});
  ends("s", normal());
  ASSERT_TRUE(over);
  const auto told = reason;
  over = false;
  start({.auto_shutdown = auto_shutdown::any_significant},
        {significant({.id = "sub", .restart = restart_type::transient, .type = child_type::supervisor}),
         permanent("other")});
  ends("sub", told);
  EXPECT_TRUE(over);
  EXPECT_TRUE(alive.empty());
}

TEST_F(engine_test, case_72_senseless_combinations_start_nothing) {
  start({.auto_shutdown = auto_shutdown::any_significant}, {significant(permanent("a"))});
  EXPECT_EQ(to_string(reason), "bad_combination");
  start({}, {significant(transient("a"))});
  EXPECT_EQ(to_string(reason), "bad_combination");
  start({.strategy = strategy::simple_one_for_one, .auto_shutdown = auto_shutdown::all_significant}, {temporary("a")});
  EXPECT_EQ(to_string(reason), "bad_combination");
  EXPECT_EQ(log, "");
}

// --- dynamic children beside each other -----------------------------------------------------------------------------

TEST_F(engine_test, a_dynamic_child_that_will_not_stop_holds_nobody_up) {
  start(simple(), {{.id = "x", .restart = restart_type::temporary, .shutdown = 1000ms}});
  const auto deaf_one = start_child({}).handle;
  deaf = stuck = {""};
  const auto id = ++calls;
  sup->ask(id, by_handle(op::terminate_child, deaf_one), now);
  settle();
  EXPECT_EQ(start_child({}).error, errc::none) << "at once";
  pass(999ms);
  EXPECT_EQ(log.find("kill"), std::string::npos);
  pass(1ms);
  EXPECT_NE(log.find("kill"), std::string::npos);
  EXPECT_FALSE(replies.contains(id));
  pass(1s);
  EXPECT_EQ(replies[id].error, errc::none);
  EXPECT_TRUE(reported(effect::report_kind::abandoned));
  EXPECT_EQ(counts(), (child_counts{1, 1, 0, 1}));
}

TEST_F(engine_test, a_killed_dynamic_child_comes_back_if_its_template_says_so) {
  start(simple(0), {permanent("x")});
  const auto one = start_child({}).handle;
  EXPECT_EQ(ask(by_handle(op::kill, one)).error, errc::none);
  EXPECT_EQ(counts(), (child_counts{1, 1, 0, 1}));
  EXPECT_EQ(spent, 0) << "an ordered exit costs nothing";
  const auto two = alive.begin()->first;
  EXPECT_NE(two, one);
  auto as_crash = by_handle(op::kill, two);
  as_crash.as_crash = true;
  ask(as_crash);
  EXPECT_TRUE(over);
}

TEST_F(engine_test, terminate_has_the_last_word_over_a_kill) {
  start(simple(), {permanent("x")});
  const auto one = start_child({}).handle;
  stuck = {""};
  const auto kill = ++calls, terminate = ++calls;
  sup->ask(kill, by_handle(op::kill, one), now);
  sup->ask(terminate, by_handle(op::terminate_child, one), now);
  settle();
  end(one, {exit_reason::kind::killed, {}, false});
  settle();
  EXPECT_TRUE(replies.contains(kill));
  EXPECT_TRUE(replies.contains(terminate));
  EXPECT_EQ(counts(), (child_counts{1, 0, 0, 0}));
}

TEST_F(engine_test, terminate_by_its_old_handle_cancels_the_retries_of_a_dynamic_child) {
  start({.strategy = strategy::simple_one_for_one, .intensity = 1000, .period = 3600s}, {permanent("x")});
  const auto one = start_child({}).handle;
  script[""] = behave::fail;
  end(one, crashed());
  settle();
  pass(100ms);
  EXPECT_EQ(counts(), (child_counts{1, 0, 0, 1})) << "restarting ones are counted, though not active";
  EXPECT_EQ(ask(by_handle(op::terminate_child, one)).error, errc::none);
  EXPECT_EQ(counts(), (child_counts{1, 0, 0, 0}));
  EXPECT_EQ(sup->next_deadline(), std::nullopt);
}

TEST_F(engine_test, a_simple_child_killed_after_its_limit_is_a_shutdown_error) {
  start(simple(), {{.id = "x", .restart = restart_type::temporary, .shutdown = 10ms}});
  start_child({});
  deaf = {""};
  stop();
  pass(10ms);
  EXPECT_TRUE(over);
  EXPECT_TRUE(reported(effect::report_kind::shutdown_error));
}

TEST_F(engine_test, a_stop_during_an_ordered_kill_answers_noproc_and_ends) {
  start(simple(), {temporary("x")});
  const auto one = start_child({}).handle;
  stuck = {""};
  const auto id = ++calls;
  sup->ask(id, by_handle(op::kill, one), now);
  settle();
  stop();
  EXPECT_EQ(replies[id].error, errc::noproc);
  EXPECT_TRUE(over) << "it obeyed the orderly request";
}

} // namespace
