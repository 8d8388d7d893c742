// SPDX-License-Identifier: Apache-2.0
// Supervisors that share the pool's threads with their children.
#include "tests/supervision/tree_fixture.hpp"

namespace {

struct pooled_supervisor : tree_test {
  void grow_guarded(sup_flags flags) {
    flags.pooled = true;
    grow({.strategy = strategy::one_for_one, .intensity = 5, .period = 30s},
         {supervisor({.id = "guard"}, flags, {obeying("a"), obeying("b")})});
  }
};

TEST_F(pooled_supervisor, has_no_thread_of_its_own_and_restarts_what_crashes) {
  grow_guarded({.intensity = 3, .period = 30s});
  crash("guard/a");
  EXPECT_TRUE(reaches("guard/a", 2));
  EXPECT_EQ(echo("guard/a", 7), 702);
  EXPECT_EQ(node("guard/b").generation, 1u);
  EXPECT_EQ(node("guard").generation, 1u);
}

TEST_F(pooled_supervisor, gives_up_upwards_when_its_budget_is_spent) {
  grow_guarded({.intensity = 0, .period = 30s});
  crash("guard/a");
  EXPECT_TRUE(reaches("guard", 2));
  EXPECT_TRUE(reaches("guard/a", 2));
  EXPECT_EQ(echo("guard/b", 1), 102);
}

TEST_F(pooled_supervisor, takes_its_children_along_when_it_is_killed) {
  grow_guarded({.intensity = 3, .period = 30s});
  EXPECT_TRUE(tree->operate(operation::kill, "guard", 10s).ok);
  EXPECT_TRUE(reaches("guard/b", 2));
  EXPECT_NE(log.text().find("-a1"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("-b1"), std::string::npos) << log.text();
}

TEST_F(pooled_supervisor, still_replaces_a_child_that_holds_one_thread_of_the_pool) {
  grow_guarded({.intensity = 3, .period = 30s, .kill_grace = 50ms});
  hang("guard/a");
  EXPECT_TRUE(tree->operate(operation::kill, "guard/a", 10s).ok);
  EXPECT_EQ(echo("guard/a", 1), 102);
  let_go = true;
}

} // namespace
