// SPDX-License-Identifier: Apache-2.0
// Acceptance cases 1 to 32 on real actors: start, stop, administration. acceptance_table_test.cmake knows which there must be.
#include "acceptance_fixture.hpp"

namespace {

TEST_F(acceptance_test, case_01_an_empty_supervisor_starts_and_stops) {
  start({}, {});
  EXPECT_TRUE(tree->terminate_child("site", "s"));
  EXPECT_EQ(node("s").last_exit, "shutdown");
}

TEST_F(acceptance_test, case_02_an_init_that_ignores) {
  start_root();
  const auto r = tree->start_child("site", supervisor({.id = "s"}, [] { return std::optional<supervisor_init>{}; }));
  EXPECT_TRUE(r);
  EXPECT_FALSE(r.living) << "ok(undefined)";
  EXPECT_EQ(which("site"), "s:undefined");
  EXPECT_TRUE(tree->crashes().recent(1).empty()) << "it ended normally";
}

TEST_F(acceptance_test, case_02_a_root_that_ignores) {
  const auto up = tree->start(supervisor({.id = "site"}, [] { return std::optional<supervisor_init>{}; }));
  EXPECT_FALSE(up.ok);
  EXPECT_EQ(up.code, "ignore");
}

TEST_F(acceptance_test, case_03_nonsense_from_init_is_an_error) {
  start_root();
  const auto r = tree->start_child(
      "site", supervisor({.id = "s"}, [] { return std::optional<supervisor_init>{{.flags = {.intensity = -1}}}; }));
  EXPECT_EQ(r.error, errc::start_error);
  EXPECT_EQ(r.detail, "invalid_intensity");
  EXPECT_EQ(which("site"), "");
}

TEST_F(acceptance_test, case_04_an_init_that_throws_is_an_error_and_no_hang) {
  start_root();
  const auto r = tree->start_child("site", supervisor({.id = "s"}, []() -> std::optional<supervisor_init> {
                                     throw std::runtime_error("no configuration");
                                   }));
  EXPECT_EQ(r.error, errc::start_error);
  EXPECT_EQ(r.detail, "no configuration");
  EXPECT_EQ(which("site"), "");
}

TEST_F(acceptance_test, init_is_asked_at_each_start) {
  std::atomic<int> times = 0;
  grow({.intensity = 3}, {supervisor({.id = "s"}, [&] {
         supervisor_init made{.flags = {.strategy = strategy::rest_for_one}};
         if (++times == 2)
           made.children.push_back(perm("second"));
         made.children.push_back(perm("always"));
         return std::optional<supervisor_init>(std::move(made));
       })});
  EXPECT_EQ(which(), "always");
  EXPECT_EQ(node("s").strategy, strategy::rest_for_one);
  ASSERT_TRUE(tree->operate(operation::kill, "s").ok);
  ASSERT_TRUE(tree->wait_serving("site", 5s));
  EXPECT_EQ(which(), "always second");
}

TEST_F(acceptance_test, case_05_a_permanent_child_that_ignores_keeps_its_slot) {
  start({}, {});
  will("a", script_line::ignore);
  const auto r = tree->start_child("s", perm("a"));
  EXPECT_TRUE(r);
  EXPECT_FALSE(r.living);
  EXPECT_TRUE(tree->start_child("s", perm("b")).living);
  EXPECT_EQ(which(), "b a:undefined");
  EXPECT_EQ(counts(), (child_counts{2, 1, 0, 2}));
}

TEST_F(acceptance_test, case_06_a_temporary_child_that_ignores_at_first_is_absent) {
  will("t", script_line::ignore);
  start({}, {temp("t"), perm("a")});
  EXPECT_EQ(which(), "a");
  EXPECT_EQ(counts(), (child_counts{1, 1, 0, 1}));
}

TEST_F(acceptance_test, case_07_a_temporary_child_that_ignores_later_is_absent) {
  start({}, {});
  will("t", script_line::ignore);
  const auto r = tree->start_child("s", temp("t"));
  EXPECT_TRUE(r);
  EXPECT_FALSE(r.living);
  EXPECT_EQ(counts(), child_counts{});
}

TEST_F(acceptance_test, case_08_a_simple_child_that_ignores_is_not_listed) {
  start_simple({}, temp("x"));
  will("x", script_line::ignore_once);
  EXPECT_FALSE(tree->start_child("s", caf::make_message()).living);
  EXPECT_TRUE(tree->start_child("s", caf::make_message()).living);
  EXPECT_EQ(counts(), (child_counts{1, 1, 0, 1}));
  EXPECT_TRUE(tree->terminate_child("site", "s"));
}

TEST_F(acceptance_test, a_start_may_tell_something_besides) {
  start({}, {});
  will("a", script_line::ok_info);
  const auto r = tree->start_child("s", perm("a"));
  EXPECT_TRUE(r.living);
  EXPECT_EQ(r.info, "hello");
}

TEST_F(acceptance_test, case_09_a_start_that_says_an_error) {
  start({}, {});
  will("a", script_line::error);
  const auto r = tree->start_child("s", perm("a"));
  EXPECT_EQ(r.error, errc::start_error);
  EXPECT_EQ(r.detail, "no luck");
  ASSERT_TRUE(r.spec);
  EXPECT_EQ(r.spec->id, "a");
  EXPECT_EQ(which(), "");
  EXPECT_FALSE(tree->states().knows("s/a"));
}

TEST_F(acceptance_test, case_10_a_start_that_throws) {
  start({}, {});
  will("a", script_line::throws);
  EXPECT_EQ(tree->start_child("s", perm("a")).detail, "thrown by the start function");
  will("a", script_line::dies);
  EXPECT_EQ(tree->start_child("s", perm("a")).detail, "died before it was ready");
  EXPECT_EQ(which(), "") << "its spec is discarded";
}

TEST_F(acceptance_test, case_11_a_simple_start_error_is_the_bare_reason) {
  start_simple({}, temp("x"));
  will("x", script_line::error);
  const auto r = tree->start_child("s", caf::make_message());
  EXPECT_EQ(r.detail, "no luck");
  EXPECT_FALSE(r.spec);
  EXPECT_EQ(counts(), (child_counts{1, 0, 0, 0}));
  EXPECT_TRUE(eventually([&] { return tree->dynamic("s").running() == 0; })) << "its place is free";
}

TEST_F(acceptance_test, case_12_an_initial_failure_unwinds_and_is_not_retried) {
  start_root();
  will("c", script_line::error);
  const auto r = add({.intensity = 10}, {perm("a"), perm("b"), perm("c"), perm("d")});
  EXPECT_EQ(r.error, errc::start_error);
  EXPECT_EQ(r.detail, "shutdown(failed_to_start_child(c, no luck))");
  EXPECT_EQ(log.text(), "+a1 +b1 -b1 -a1");
}

TEST_F(acceptance_test, a_missing_start_function_is_found_before_anybody_is_started) {
  start_root();
  EXPECT_EQ(add({}, {perm("a"), worker({.id = "b"}, nullptr)}).detail, "missing_start");
  EXPECT_EQ(log.text(), "");
}

TEST_F(acceptance_test, case_13_specs_come_back_with_their_defaults) {
  start({}, {perm("w"), supervisor({.id = "sub"}, {}, {})});
  const auto w = tree->get_childspec("s", "w").spec;
  ASSERT_TRUE(w);
  EXPECT_EQ(w->restart, restart_type::permanent);
  EXPECT_EQ(w->shutdown, shutdown_type{5000ms});
  EXPECT_EQ(tree->get_childspec("s", "sub").spec->shutdown, shutdown_type{infinity{}});
  EXPECT_EQ(tree->get_childspec("s", "nobody").error, errc::not_found);
}

TEST_F(acceptance_test, case_14_each_simple_child_has_the_templates_spec) {
  start_simple({}, scripted({.id = "x", .restart = restart_type::transient, .shutdown = 77ms}));
  for (int i = 0; i < 3; ++i) {
    const auto who = tree->start_child("s", caf::make_message()).living;
    const auto spec = tree->get_childspec("s", who).spec;
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->shutdown, shutdown_type{77ms});
    EXPECT_EQ(spec->restart, restart_type::transient);
  }
  caf::scoped_actor stranger(actors);
  EXPECT_EQ(tree->get_childspec("s", caf::actor_cast<caf::actor>(stranger)).error, errc::not_found);
}

TEST_F(acceptance_test, case_15_faulty_specs_are_refused_by_name) {
  start({}, {});
  const std::vector<std::pair<child, errc>> faulty = {
      {perm(""), errc::missing_id},
      {worker({.id = "a"}, nullptr), errc::missing_start},
      {scripted({.id = "a", .restart = static_cast<restart_type>(9)}), errc::invalid_restart_type},
      {scripted({.id = "a", .shutdown = -10ms}), errc::invalid_shutdown},
  };
  for (const auto& [what, why] : faulty) {
    EXPECT_EQ(tree->start_child("s", what).error, why);
    EXPECT_EQ(check_childspecs({what}), why);
  }
  auto odd = perm("a");
  odd.spec.type = static_cast<child_type>(9);
  EXPECT_EQ(tree->start_child("s", odd).error, errc::invalid_child_type);
  EXPECT_EQ(check_childspecs({odd}), errc::invalid_child_type);
  EXPECT_EQ(counts(), child_counts{});
}

TEST_F(acceptance_test, case_16_the_same_id_twice_is_refused) {
  start_root();
  EXPECT_EQ(add({}, {perm("a"), perm("a")}).detail, "duplicate_child");
  EXPECT_EQ(log.text(), "");
}

TEST_F(acceptance_test, case_18_bad_flags_are_refused) {
  // An unknown extra key cannot be written in C++.
  start_root();
  EXPECT_EQ(add({.intensity = -1}, {perm("a")}).detail, "invalid_intensity");
  EXPECT_EQ(add({.period = 0ms}, {perm("a")}).detail, "invalid_period");
  EXPECT_EQ(add({.strategy = static_cast<strategy>(9)}, {perm("a")}).detail, "invalid_strategy");
  EXPECT_EQ(log.text(), "");
}

TEST_F(acceptance_test, case_19_infinity_waits) {
  start({}, {scripted({.id = "w", .shutdown = infinity{}}), supervisor({.id = "sub"}, {}, {perm("x")})});
  EXPECT_TRUE(tree->terminate_child("site", "s"));
  EXPECT_EQ(log.text(), "+w1 +x1 -x1 -w1");
  EXPECT_FALSE(reported("shutdown_error"));
}

TEST_F(acceptance_test, case_20_a_deaf_child_is_killed_after_its_limit) {
  start({}, {perm("a"), deaf({.id = "b", .shutdown = 100ms})});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(tree->terminate_child("site", "s"));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 100ms);
  EXPECT_EQ(log.text(), "+a1 +b1 -b1 -a1");
  EXPECT_TRUE(reported("shutdown_error", "s/b"));
}

TEST_F(acceptance_test, case_21_brutal_kill_asks_nobody_and_is_no_error) {
  start({}, {perm("a"), deaf({.id = "b", .shutdown = brutal_kill{}})});
  EXPECT_TRUE(tree->terminate_child("site", "s"));
  EXPECT_EQ(log.text(), "+a1 +b1 -b1 -a1");
  EXPECT_FALSE(reported("shutdown_error"));
}

TEST_F(acceptance_test, case_23_what_runs_is_already_started) {
  start({}, {perm("a")});
  const auto r = tree->start_child("s", perm("a"));
  EXPECT_EQ(r.error, errc::already_started);
  EXPECT_EQ(r.living, living("a"));
}

TEST_F(acceptance_test, case_24_terminate_and_again) {
  start({}, {perm("a")});
  EXPECT_TRUE(tree->terminate_child("s", "a"));
  EXPECT_TRUE(tree->terminate_child("s", "a"));
  EXPECT_EQ(which(), "a:undefined");
  EXPECT_EQ(counts(), (child_counts{1, 0, 0, 1}));
}

TEST_F(acceptance_test, case_25_what_is_stopped_is_already_present) {
  start({}, {perm("a")});
  tree->terminate_child("s", "a");
  EXPECT_EQ(tree->start_child("s", perm("a")).error, errc::already_present);
}

TEST_F(acceptance_test, case_26_restart_child) {
  start({}, {perm("a")});
  const auto old = life("a");
  tree->terminate_child("s", "a");
  const auto r = tree->restart_child("s", "a");
  EXPECT_TRUE(r);
  EXPECT_TRUE(r.living);
  EXPECT_NE(r.living.id(), old);
  EXPECT_EQ(tree->restart_child("s", "a").error, errc::running);
  tree->terminate_child("s", "a");
  will("a", script_line::error);
  EXPECT_EQ(tree->restart_child("s", "a").detail, "no luck");
  EXPECT_EQ(which(), "a:undefined") << "not retried";
}

TEST_F(acceptance_test, case_27_delete_child) {
  start({}, {perm("a")});
  EXPECT_EQ(tree->delete_child("s", "a").error, errc::running);
  tree->terminate_child("s", "a");
  EXPECT_TRUE(tree->delete_child("s", "a"));
  EXPECT_EQ(tree->delete_child("s", "a").error, errc::not_found);
  EXPECT_EQ(counts(), child_counts{});
  EXPECT_TRUE(tree->start_child("s", perm("a")));
}

TEST_F(acceptance_test, case_28_the_unknown_are_not_found) {
  start({}, {});
  EXPECT_EQ(tree->terminate_child("s", "x").error, errc::not_found);
  EXPECT_EQ(tree->restart_child("s", "x").error, errc::not_found);
  EXPECT_EQ(tree->delete_child("s", "x").error, errc::not_found);
}

TEST_F(acceptance_test, case_29_a_handle_names_nobody_outside_simple_one_for_one) {
  start({}, {perm("a")});
  EXPECT_EQ(tree->terminate_child("s", living("a")).error, errc::not_found);
  EXPECT_EQ(echo("s/a", 1), 101);
}

TEST_F(acceptance_test, case_30_a_dead_supervisor_is_noproc_promptly) {
  start({}, {perm("a")});
  tree->terminate_child("site", "s");
  for (const auto& r : {tree->which_children("s"), tree->count_children("s"), tree->get_childspec("s", "a"),
                        tree->start_child("s", perm("b")), tree->terminate_child("s", "a"),
                        tree->restart_child("s", "a"), tree->delete_child("s", "a"), tree->which_children("nobody")})
    EXPECT_EQ(name_of(r.error), "noproc"); // a call that hangs would say "timeout"
}

TEST_F(acceptance_test, case_30_a_supervisor_that_dies_over_a_call_answers_noproc) {
  start({}, {deaf({.id = "a", .shutdown = 200ms})});
  std::promise<errc> stopped, asked;
  tree->call_supervisor("s", {.what = call::op::terminate_child, .id = "a"},
                        [&](supervisor_reply r) { stopped.set_value(r.error); });
  tree->call_supervisor("s", {.what = call::op::which_children}, [&](supervisor_reply r) { asked.set_value(r.error); });
  tree->operate(operation::kill, "s", [](outcome) {});
  EXPECT_EQ(stopped.get_future().get(), errc::noproc);
  EXPECT_EQ(asked.get_future().get(), errc::noproc);
}

TEST_F(acceptance_test, case_32_simple_children_cannot_be_restarted_or_deleted) {
  start_simple({}, temp("x"));
  const auto who = tree->start_child("s", caf::make_message()).living;
  EXPECT_EQ(tree->restart_child("s", "x").error, errc::simple_one_for_one);
  EXPECT_EQ(tree->delete_child("s", "x").error, errc::simple_one_for_one);
  EXPECT_EQ(tree->terminate_child("s", "x").error, errc::simple_one_for_one);
  EXPECT_TRUE(tree->terminate_child("s", who));
  EXPECT_TRUE(tree->terminate_child("s", who)) << "the dead are terminated already";
  caf::scoped_actor stranger(actors);
  EXPECT_EQ(tree->terminate_child("s", caf::actor_cast<caf::actor>(stranger)).error, errc::not_found);
}

} // namespace
